//! What was loaded: which files, their hashes, and those that were skipped.

use std::path::PathBuf;

use crate::catalog::FileInfo;
use crate::files::digest::sha256;

/// The hash of one file, for the record of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileHash {
    /// Its name in the catalog.
    pub file: &'static str,
    /// The SHA-256 of the bytes inside, after decompression: 64 hexadecimal digits.
    pub sha256: String,
    /// Whether that is the official one.
    pub official: bool,
}

impl FileHash {
    /// The hash of `bytes`, which were read as `file`.
    pub(crate) fn of(file: &FileInfo, bytes: &[u8]) -> Self {
        let sha256 = sha256([bytes]);
        Self {
            file: file.name,
            official: bytes.len() as u64 == file.inner.size && sha256 == file.inner.sha256,
            sha256,
        }
    }
}

/// Description of the files that a dataset was loaded from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadReport {
    /// The dataset's name.
    pub dataset: String,
    /// The hash of each file, taken from the bytes that were loaded.
    pub files: Vec<FileHash>,
    /// Damaged files that were skipped, because a good one lies beside them.
    pub skipped: Vec<PathBuf>,
}

impl LoadReport {
    /// Whether every file is the official one, byte for byte.
    pub fn is_official(&self) -> bool {
        self.files.iter().all(|file| file.official)
    }
}
