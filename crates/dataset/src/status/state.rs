//! What a file of a dataset can be like.

use std::fmt;
use std::path::PathBuf;

/// What is known of one file of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStatus {
    /// Its name in the catalog.
    pub file: &'static str,
    /// Where it lies, `None` where it is absent or built in.
    pub path: Option<PathBuf>,
    /// What it is like.
    pub state: FileState,
}

/// What a file of a dataset is like. Its `Display` is a phrase for a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileState {
    /// Not there.
    Absent,
    /// It ends too early: so many bytes (after decompression) of so many.
    Cut {
        /// Bytes that there are.
        found: u64,
        /// Bytes that there should be.
        expected: u64,
    },
    /// There, and as long as it should be; its hash was not looked at.
    Present,
    /// There, and its hash is the official one.
    Official,
    /// There and of the right length, with other bytes than the official ones.
    Unofficial {
        /// The official hash.
        expected: &'static str,
        /// The hash of the bytes that are there.
        found: String,
    },
    /// There, but not readable or not what it should be.
    Wrong {
        /// What is wrong.
        reason: String,
    },
}

impl fmt::Display for FileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileState::Absent => f.write_str("absent"),
            FileState::Cut { found, expected } => write!(f, "cut: {found} of {expected} bytes"),
            FileState::Present => f.write_str("present"),
            FileState::Official => f.write_str("official"),
            FileState::Unofficial { expected, found } => {
                write!(f, "wrong: sha256 {expected} expected, {found} found")
            }
            FileState::Wrong { reason } => write!(f, "wrong: {reason}"),
        }
    }
}
