//! Errors of preprocessing descriptions.

/// Error for a preprocessing that cannot be run or is unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PreprocessingError {
    /// A step cannot be run: its position or one of its settings is invalid.
    #[error("step {number}, {step}: {problem}")]
    Step {
        /// Position in the list, from 1.
        number: usize,
        /// Stored name of the step: [`Step::name`](super::Step::name).
        step: &'static str,
        /// Invalid setting, with the valid values.
        problem: String,
    },
    /// The name is not that of a preset.
    #[error(
        "unknown preprocessing `{found}`; expected `notebook`, `notebook:nearest`, \
         `notebook:linear`, `notebook:area`, `fashion`, `images:pad`, `images:crop` or `images:stretch`"
    )]
    Unknown {
        /// Name that was given.
        found: String,
    },
}
