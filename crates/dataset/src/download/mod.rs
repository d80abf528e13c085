//! Downloads: mirrors in turn; a file gets its name when its hash is right.

mod archive;
mod mirror;
mod options;
mod report;
mod sources;
mod store;

use std::fs;
use std::path::Path;

use crate::catalog::DatasetInfo;
use crate::files::locate;
use crate::status::{FileState, FileStatus, verify_info};

pub use options::DownloadOptions;
pub use report::{Attempt, DownloadError, Missing, Progress};
use sources::{Job, ask_mirrors};
pub use store::{StoreError, store_file};

/// Fetches those files of a dataset that are not there or not right.
///
/// Mirrors are asked in turn, and nothing else: other programs are never run. What arrives goes into
/// a temporary file in the dataset's folder and gets its name only when the SHA-256 of the bytes
/// inside is the official one, so an interrupted download, or two at once, leave no wrong file.
/// If no mirror has a file, [`DownloadError::NoSource`] has what is missing, and [`store_file`]
/// takes it from a reader: from a Debian package, for example, which the command line asks.
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
    let dataset = info.name;
    let missing = missing_files(info, &options.data, progress);
    if missing.files.is_empty() {
        return Ok(());
    }
    if options.offline {
        let missing = Box::new(missing);
        return Err(DownloadError::Offline { dataset, missing });
    }
    if let Err(cause) = fs::create_dir_all(&missing.folder) {
        let path = missing.folder;
        return Err(DownloadError::Write { path, cause });
    }
    let mut job = Job {
        options,
        missing,
        attempts: Vec::new(),
        progress,
    };
    ask_mirrors(&mut job, info)?;
    if job.missing.files.is_empty() {
        return Ok(());
    }
    Err(DownloadError::NoSource {
        dataset,
        attempts: job.attempts,
        missing: Box::new(job.missing),
    })
}

/// The files that are not there or not right, and the folder to put them into. The others are said
/// to be kept.
fn missing_files(
    info: &DatasetInfo,
    data: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Missing {
    let mut folder = locate::folder(info, data);
    let mut states = verify_info(info, data);
    // Files outside the dataset's own folder may be somebody else's: they are never replaced.
    let own = info.folder(data);
    let replaceable =
        |file: &FileStatus| matches!(file.state, FileState::Official | FileState::Absent);
    if folder != own && !states.iter().all(replaceable) {
        folder = own;
        for file in &mut states {
            file.state = FileState::Absent;
        }
    }
    let mut files = Vec::new();
    for (file, status) in info.files().into_iter().zip(states) {
        if status.state == FileState::Official {
            progress(Progress::Kept { file: file.name });
        } else {
            files.push(file);
        }
    }
    Missing {
        files,
        folder,
        source: info.source,
    }
}
