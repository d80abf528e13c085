//! Errors of histories and their curves.

/// Error of reading or drawing a history.
///
/// The functions of this crate take text and bytes, so that no variant names a file: the caller who read
/// the file adds its path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The first line does not contain the names of the columns.
    #[error("line 1: expected `{expected}`, found `{found}`")]
    Header {
        /// [`HISTORY_HEADER`](crate::HISTORY_HEADER).
        expected: &'static str,
        /// Beginning of the first line.
        found: String,
    },

    /// A line has too few or too many values.
    #[error("line {line}: expected {expected} values, found {found}")]
    Columns {
        /// Line number. The header is line 1.
        line: usize,
        /// Number of columns.
        expected: usize,
        /// Number of values in the line.
        found: usize,
    },

    /// A value cannot be parsed as a number.
    #[error("line {line}, column `{column}`: `{found}` is not a {expected}")]
    Value {
        /// Line number. The header is line 1.
        line: usize,
        /// Name of the column.
        column: &'static str,
        /// Expected kind of value.
        expected: &'static str,
        /// Beginning of the value.
        found: String,
    },

    /// The history is empty.
    #[error("the history has no epochs")]
    NoEpochs,
}
