//! Progress, failed attempts and errors of a download.

use std::fmt::{self, Write as _};
use std::io;
use std::path::{Path, PathBuf};

use modiste_core::shown;

use crate::catalog::{FileInfo, Source};

/// Progress of [`download`](crate::download()).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// A file is present and official, so it is not downloaded.
    AlreadyPresent {
        /// Name of the file.
        file: &'a str,
    },
    /// A download of a file, or of the archive that contains all files, starts.
    Started {
        /// Name of the file or the archive.
        file: &'a str,
        /// URL, or a phrase if the source is not a mirror.
        source: &'a str,
    },
    /// Bytes of the current download were received.
    Received {
        /// Number of bytes so far.
        bytes: u64,
        /// Total number of bytes, if the source announces it.
        total: Option<u64>,
    },
    /// A source failed; the next one is tried.
    Failed {
        /// URL, or a phrase if the source is not a mirror.
        source: &'a str,
        /// Reason of the failure.
        reason: &'a str,
    },
    /// A file was verified and stored.
    Stored {
        /// Name of the file.
        file: &'a str,
        /// Path of the file.
        path: &'a Path,
    },
}

/// Failed attempt to download from one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAttempt {
    /// URL, or a phrase if the source is not a mirror.
    pub source: String,
    /// Reason of the failure.
    pub reason: String,
}

/// Missing files of a dataset, and the folder that they belong into. `Display` prints instructions for putting them
/// there by hand, one file per line.
///
/// ```
/// use modiste_dataset::{MissingFiles, lookup};
///
/// let mnist = lookup("mnist")?;
/// let missing = MissingFiles {
///     files: vec![mnist.files()[1]],
///     folder: "datasets/mnist".into(),
///     source: mnist.source,
/// };
/// let text = missing.to_string();
/// assert!(text.starts_with("By hand: put into datasets/mnist\n"), "{text}");
/// assert!(text.contains("train-labels-idx1-ubyte.gz from https://"), "{text}");
/// # Ok::<(), modiste_dataset::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingFiles {
    /// Missing files, training before test.
    pub files: Vec<FileInfo>,
    /// Folder that they belong into.
    pub folder: PathBuf,
    /// Source of the files.
    pub source: Source,
}

impl fmt::Display for MissingFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "By hand: put into {}", shown(&self.folder))?;
        for file in &self.files {
            let from = match self.source {
                Source::Archive { .. } => "out of",
                _ => "from",
            };
            let url = self.source.url(file).unwrap_or_default();
            write!(f, "\n  {} {from} {url}", file.name)?;
        }
        Ok(())
    }
}

/// Error of [`download`](crate::download()).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// Files are missing and network access is forbidden.
    #[error("{dataset} is incomplete, and nothing is downloaded offline\n{missing}")]
    Offline {
        /// Name of the dataset.
        dataset: &'static str,
        /// Missing files.
        missing: Box<MissingFiles>,
    },
    /// No source provides all files.
    #[error("{dataset} could not be downloaded{}\n{missing}", list(attempts))]
    NoSource {
        /// Name of the dataset.
        dataset: &'static str,
        /// Failed attempts, in order.
        attempts: Vec<FailedAttempt>,
        /// Missing files.
        missing: Box<MissingFiles>,
    },
    /// A file cannot be written.
    #[error("{}: cannot be written: {cause}", shown(path))]
    Write {
        /// Path of the file or folder.
        path: PathBuf,
        /// Error of the file system. The message contains it, so `source()` does not return it.
        cause: io::Error,
    },
}

fn list(attempts: &[FailedAttempt]) -> String {
    attempts.iter().fold(String::new(), |mut text, attempt| {
        let FailedAttempt { source, reason } = attempt;
        write!(text, "\n  {source}: {reason}").ok();
        text
    })
}
