//! Downloads: mirrors in turn, then a Debian package; a file gets its name when its hash is right.

mod archive;
mod debian;
mod mirror;
mod sources;
mod store;

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use modiste_core::shown;

use crate::catalog::{DatasetInfo, FileInfo, Source};
use crate::download::sources::Job;
use crate::files::locate;
use crate::status::{FileState, FileStatus, verify_info};

/// How [`download`] goes about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownloadOptions {
    /// The folder that has one folder per dataset; made where it is not there.
    pub data: PathBuf,
    /// Forbids all network access and all use of packages: only files that are there count.
    pub offline: bool,
    /// URLs that end in `/`, asked instead of those of the catalog.
    pub mirrors: Option<Vec<String>>,
    /// The longest wait for a name to be resolved, and for a connection.
    pub connect_timeout: Duration,
    /// The longest wait for the next bytes.
    pub idle_timeout: Duration,
    /// The longest time for one file, or for one archive.
    pub total_timeout: Duration,
}

impl Default for DownloadOptions {
    /// The folder `datasets`; 5 seconds to connect, 20 for the next bytes, an hour for a file.
    fn default() -> Self {
        Self {
            data: PathBuf::from("datasets"),
            offline: false,
            mirrors: None,
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(20),
            total_timeout: Duration::from_secs(3600),
        }
    }
}

/// What [`download`] is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// A file is there and right: it is not fetched.
    Kept {
        /// The file.
        file: &'a str,
    },
    /// A source is asked for a file, or for the archive or the package that holds all of them.
    Started {
        /// The file, archive or package.
        file: &'a str,
        /// A URL, or a phrase for a package.
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
    /// A URL, or a phrase for a package.
    pub source: String,
    /// What was met.
    pub reason: String,
}

/// Why a dataset could not be downloaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// Files lack and nothing may be fetched.
    #[error("{dataset} is not complete, and offline nothing is fetched\n{by_hand}")]
    Offline {
        /// The dataset.
        dataset: &'static str,
        /// What to do about it, several lines.
        by_hand: String,
    },
    /// No source had all files.
    #[error("{dataset} could not be downloaded{}\n{by_hand}", list(attempts))]
    NoSource {
        /// The dataset.
        dataset: &'static str,
        /// All sources that were asked, in order.
        attempts: Vec<Attempt>,
        /// What to do about it, several lines.
        by_hand: String,
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

/// Fetches those files of a dataset that are not there or not right.
///
/// Mirrors are asked in turn. What arrives goes into a temporary file in the dataset's folder and
/// gets its name only when the SHA-256 of the bytes inside is the official one, so an interrupted
/// download, or two at once, leave no wrong file. Where no mirror has a file and the catalog names
/// a Debian package that holds it, an installed one is copied from, or else it is fetched through
/// `apt-get` without root and without a change to the system.
///
/// `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` of the environment are respected.
///
/// # Errors
/// [`DownloadError`]; its text lists every source with what was met there, and what to do by hand.
///
/// ```no_run
/// use modiste_dataset::{DownloadOptions, Progress, download, lookup};
///
/// download(lookup("mnist")?, &DownloadOptions::default(), &mut |progress| {
///     if let Progress::Stored { path, .. } = progress {
///         println!("{}", path.display());
///     }
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn download(
    info: &DatasetInfo,
    options: &DownloadOptions,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), DownloadError> {
    let mut folder = locate::folder(info, &options.data);
    let mut states = verify_info(info, &options.data);
    // Files outside the dataset's own folder may be somebody else's: they are never replaced.
    let own = info.folder(&options.data);
    let replaceable =
        |file: &FileStatus| matches!(file.state, FileState::Official | FileState::Absent);
    if folder != own && !states.iter().all(replaceable) {
        folder = own;
        for file in &mut states {
            file.state = FileState::Absent;
        }
    }
    let mut missing = Vec::new();
    for (file, status) in info.files().into_iter().zip(states) {
        if status.state == FileState::Official {
            progress(Progress::Kept { file: file.name });
        } else {
            missing.push(file);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    if options.offline {
        return Err(DownloadError::Offline {
            dataset: info.name,
            by_hand: by_hand(info, &missing, &folder),
        });
    }
    if let Err(cause) = fs::create_dir_all(&folder) {
        let path = folder;
        return Err(DownloadError::Write { path, cause });
    }
    let mut job = Job {
        options,
        folder: &folder,
        missing,
        attempts: Vec::new(),
        progress,
    };
    job.ask_all(info)?;
    if job.missing.is_empty() {
        return Ok(());
    }
    Err(DownloadError::NoSource {
        dataset: info.name,
        by_hand: by_hand(info, &job.missing, &folder),
        attempts: job.attempts,
    })
}

/// What a person can do where no source can.
fn by_hand(info: &DatasetInfo, missing: &[FileInfo], folder: &Path) -> String {
    let mut text = format!("By hand: put into {}", folder.display());
    for file in missing {
        let from = match info.source {
            Source::Archive { .. } => "out of",
            _ => "from",
        };
        let url = info.url(file).unwrap_or_default();
        write!(text, "\n  {} {from} {url}", file.name).ok();
    }
    text
}
