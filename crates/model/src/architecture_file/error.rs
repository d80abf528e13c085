//! Errors of reading an architecture from JSON.

use super::ARCHITECTURE_VERSION;
use crate::shape_inference::ArchitectureError;

/// Error of [`Architecture::from_json`](crate::Architecture::from_json). Lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArchitectureFileError {
    /// The text is not JSON.
    #[error("not JSON: {reason}")]
    Syntax {
        /// Line of the error.
        line: usize,
        /// Description with line and column.
        reason: String,
    },
    /// The version is absent or not supported.
    #[error(
        "line {line}: {}, but this version of Modiste reads version {ARCHITECTURE_VERSION}: \
         `\"version\": {ARCHITECTURE_VERSION}`",
        match found {
            Some(found) => format!("the architecture has version {found}"),
            None => "the architecture has no version".into(),
        }
    )]
    Version {
        /// Line of the version, or of the object without one.
        line: usize,
        /// Value in the file; `None` if it is absent.
        found: Option<String>,
    },
    /// A kind of layer or a field is unknown.
    #[error(
        "line {line}: {place} has no {what} `{found}`: {}",
        match suggestion {
            Some(suggestion) => format!("did you mean `{suggestion}`?"),
            None if expected.is_empty() => "it has no fields".into(),
            None => format!("expected {}", expected.join(", ")),
        }
    )]
    Unknown {
        /// Line of the name.
        line: usize,
        /// Object that contains the name, such as ``layer 3 `conv2d` ``.
        place: String,
        /// Kind of the name: `field` or `kind`.
        what: &'static str,
        /// Unknown name.
        found: String,
        /// Similar name that is known.
        suggestion: Option<&'static str>,
        /// All known names.
        expected: Vec<&'static str>,
    },
    /// A field that has no default is absent.
    #[error("line {line}: {place} needs the field `{field}`")]
    Missing {
        /// Line of the object.
        line: usize,
        /// Object without the field.
        place: String,
        /// Name of the field.
        field: &'static str,
    },
    /// A field occurs twice.
    #[error("line {line}: {place} has the field `{field}` twice")]
    Duplicate {
        /// Line of the second value.
        line: usize,
        /// Object with the field.
        place: String,
        /// Name of the field.
        field: String,
    },
    /// A value has the wrong type or is out of range.
    #[error("line {line}: {subject} should be {expected}, but is {found}")]
    Value {
        /// Line of the value.
        line: usize,
        /// Name of the value, such as `` `filters` of layer 3 `conv2d` ``.
        subject: String,
        /// Description of valid values.
        expected: String,
        /// Value in the file, shortened.
        found: String,
    },
    /// Residual blocks are nested too deeply, or there are too many layers.
    #[error("line {line}: {problem}")]
    Size {
        /// Line of the first layer beyond the limit.
        line: usize,
        /// Description of the limit.
        problem: String,
    },
    /// A layer does not fit its input.
    #[error("line {line}: {reason}")]
    Shape {
        /// Line of the layer.
        line: usize,
        /// The layer and its problem.
        reason: ArchitectureError,
    },
}

/// Name in `known` that `found` most likely stands for: the one with the smallest edit distance, if that is
/// at most a third of the length.
pub(super) fn suggestion(found: &str, known: &[&'static str]) -> Option<&'static str> {
    let distance = |name: &&'static str| (strsim::damerau_levenshtein(found, name), *name);
    let (distance, name) = known.iter().map(distance).min()?;
    (distance <= found.chars().count().max(name.len()) / 3).then_some(name)
}
