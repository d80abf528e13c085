//! Downloads from mirrors, verified by SHA-256.

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
pub use report::{DownloadError, FailedAttempt, MissingFiles, Progress};
use sources::{Job, try_mirrors};
pub use store::{StoreError, store_file};

/// Downloads the files of a dataset that are missing or invalid.
///
/// Mirrors are tried in turn; no other program is run. A file is written under a temporary name in the dataset's folder
/// and renamed when the SHA-256 of its decompressed content matches, so that interrupted or concurrent downloads never
/// leave an invalid file. If no mirror provides a file, [`DownloadError::NoSource`] lists it, and [`store_file`] stores
/// it from any reader, such as a Debian package.
///
/// The environment variables `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` are respected.
///
/// # Errors
/// Returns [`DownloadError`] if a file cannot be downloaded or written. The message lists each failed source with the
/// reason, and where to put the files by hand.
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
    try_mirrors(&mut job, info)?;
    if job.missing.files.is_empty() {
        return Ok(());
    }
    Err(DownloadError::NoSource {
        dataset,
        attempts: job.attempts,
        missing: Box::new(job.missing),
    })
}

/// Finds the files that are missing or invalid, and the folder to put them into. Reports the others as present.
fn missing_files(
    info: &DatasetInfo,
    data: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
) -> MissingFiles {
    let mut folder = locate::folder(info, data);
    let mut states = verify_info(info, data);
    // Files outside the dataset's own folder may belong to another program, so they are never replaced.
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
            progress(Progress::AlreadyPresent { file: file.name });
        } else {
            files.push(file);
        }
    }
    MissingFiles {
        files,
        folder,
        source: info.source,
    }
}
