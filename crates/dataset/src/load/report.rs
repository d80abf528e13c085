//! Report on loaded files.

use std::path::PathBuf;

use crate::catalog::FileInfo;
use crate::files::digest::sha256;

/// Hash of a loaded file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileHash {
    /// Name in the catalog.
    pub file: &'static str,
    /// SHA-256 of the decompressed content, as 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// `true` if the content is the official one.
    pub official: bool,
}

impl FileHash {
    /// Hashes `bytes`, the content of `file`.
    pub(crate) fn of(file: &FileInfo, bytes: &[u8]) -> Self {
        let sha256 = sha256([bytes]);
        Self {
            file: file.name,
            official: bytes.len() as u64 == file.inner.size && sha256 == file.inner.sha256,
            sha256,
        }
    }
}

/// Report on the files that a dataset was loaded from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadReport {
    /// Name of the dataset.
    pub dataset: String,
    /// Hash of each file, computed from the loaded bytes.
    pub files: Vec<FileHash>,
    /// Damaged files that were skipped, because a valid file was found beside them.
    pub skipped: Vec<PathBuf>,
}

impl LoadReport {
    /// Returns `true` if every file is the official one, byte for byte.
    pub fn is_official(&self) -> bool {
        self.files.iter().all(|file| file.official)
    }
}
