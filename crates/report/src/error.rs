//! What can be wrong with a history or a picture of it.

/// Why a history could not be read or drawn.
///
/// The functions here take and give text and bytes, so no variant names a file: who read the file
/// adds its path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The first line is not the names of the columns.
    #[error("line 1: expected `{expected}`, found `{found}`")]
    Header {
        /// The names, as [`HISTORY_HEADER`](crate::HISTORY_HEADER).
        expected: &'static str,
        /// The beginning of the line that is there.
        found: String,
    },

    /// A line has too few or too many values.
    #[error("line {line}: expected {expected} values, found {found}")]
    Columns {
        /// The line, the header being line 1.
        line: usize,
        /// How many columns there are.
        expected: usize,
        /// How many values the line has.
        found: usize,
    },

    /// A value is no number.
    #[error("line {line}, column `{column}`: `{found}` is no {expected}")]
    Value {
        /// The line, the header being line 1.
        line: usize,
        /// The name of the column.
        column: &'static str,
        /// What it should be.
        expected: &'static str,
        /// The beginning of what is there.
        found: String,
    },

    /// There is nothing to draw.
    #[error("a history of no epochs has no curve")]
    NoEpochs,

    /// The picture could not be drawn or encoded.
    #[error("the picture could not be drawn: {reason}")]
    Drawing {
        /// What the drawing library says.
        reason: String,
    },
}

impl Error {
    pub(crate) fn drawing(error: impl std::fmt::Display) -> Self {
        Self::Drawing {
            reason: error.to_string(),
        }
    }
}
