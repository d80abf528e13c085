//! States of a dataset's files.

use std::fmt;
use std::path::PathBuf;

/// Path and state of one file of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStatus {
    /// Name in the catalog.
    pub file: &'static str,
    /// Path of the file, `None` if it is absent or embedded.
    pub path: Option<PathBuf>,
    /// State of the file.
    pub state: FileState,
}

/// State of a dataset's file. `Display` prints a phrase for a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileState {
    /// The file does not exist.
    Absent,
    /// The file ends early. Lengths are in bytes of the decompressed content.
    Truncated {
        /// Length of the file.
        found: u64,
        /// Length of the official file.
        expected: u64,
    },
    /// The file has the official length. Its hash was not computed.
    Present,
    /// The file has the official hash.
    Official,
    /// The file has the official length, but another hash.
    Unofficial {
        /// Official SHA-256.
        expected: &'static str,
        /// SHA-256 of the file.
        found: String,
    },
    /// The file is unreadable, invalid in its format or another file.
    Invalid {
        /// Description of the defect.
        reason: String,
    },
}

impl fmt::Display for FileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileState::Absent => f.write_str("absent"),
            FileState::Truncated { found, expected } => {
                write!(f, "truncated: {found} of {expected} bytes")
            }
            FileState::Present => f.write_str("present"),
            FileState::Official => f.write_str("official"),
            FileState::Unofficial { expected, found } => {
                write!(f, "invalid: sha256 {expected} expected, {found} found")
            }
            FileState::Invalid { reason } => write!(f, "invalid: {reason}"),
        }
    }
}
