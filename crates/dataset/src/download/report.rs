//! What a download says: its progress, its attempts, its failure.

use std::fmt::{self, Write as _};
use std::io;
use std::path::{Path, PathBuf};

use modiste_core::shown;

use crate::catalog::{FileInfo, Source};

/// What [`download`](crate::download()) is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// A file is there and right: it is not fetched.
    Kept {
        /// The file.
        file: &'a str,
    },
    /// A source is asked for a file, or for the archive that holds all of them.
    Started {
        /// The file or the archive.
        file: &'a str,
        /// A URL, or a phrase if the source is none of the mirrors.
        source: &'a str,
    },
    /// Bytes of what was started last have arrived.
    Received {
        /// How many so far.
        bytes: u64,
        /// How many there will be, as the source says.
        total: Option<u64>,
    },
    /// A source did not have it, or not rightly; the next one is asked.
    Failed {
        /// As in `Started`.
        source: &'a str,
        /// What was met.
        reason: &'a str,
    },
    /// A file is right and has its name.
    Stored {
        /// The file.
        file: &'a str,
        /// Where it is now.
        path: &'a Path,
    },
}

/// A source that was asked in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// A URL, or a phrase if the source is none of the mirrors.
    pub source: String,
    /// What was met.
    pub reason: String,
}

/// Files that a dataset lacks, and where they belong. Its `Display` says in several lines what a
/// person can do if no source has them.
///
/// ```
/// use modiste_dataset::{Missing, lookup};
///
/// let mnist = lookup("mnist")?;
/// let missing = Missing {
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
pub struct Missing {
    /// The files, training before test.
    pub files: Vec<FileInfo>,
    /// The folder that they belong into.
    pub folder: PathBuf,
    /// Where they come from.
    pub source: Source,
}

impl fmt::Display for Missing {
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

/// Why a dataset could not be downloaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// Files lack and nothing may be fetched.
    #[error("{dataset} is not complete, and offline nothing is fetched\n{missing}")]
    Offline {
        /// The dataset.
        dataset: &'static str,
        /// The files that lack.
        missing: Box<Missing>,
    },
    /// No source had all files.
    #[error("{dataset} could not be downloaded{}\n{missing}", list(attempts))]
    NoSource {
        /// The dataset.
        dataset: &'static str,
        /// All sources that were asked, in order.
        attempts: Vec<Attempt>,
        /// The files that lack.
        missing: Box<Missing>,
    },
    /// A file cannot be written.
    #[error("{}: cannot be written: {cause}", shown(path))]
    Write {
        /// The file, or the folder.
        path: PathBuf,
        /// The error of the file system. It is part of the text, so it is no `source()`.
        cause: io::Error,
    },
}

fn list(attempts: &[Attempt]) -> String {
    attempts.iter().fold(String::new(), |mut text, attempt| {
        let Attempt { source, reason } = attempt;
        write!(text, "\n  {source}: {reason}").ok();
        text
    })
}
