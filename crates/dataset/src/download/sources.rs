//! Trying the mirrors of a dataset in turn.

use std::path::Path;

use super::archive;
use super::mirror::{self, Failure};
use super::options::DownloadOptions;
use super::report::{DownloadError, FailedAttempt, MissingFiles, Progress};
use super::store::{StoreError, file_limit, limit, store_file};
use crate::catalog::{DatasetInfo, FileInfo, Source};

/// State of a download.
pub(super) struct Job<'a> {
    pub(super) options: &'a DownloadOptions,
    /// Files that are still missing.
    pub(super) missing: MissingFiles,
    /// Failed attempts so far.
    pub(super) attempts: Vec<FailedAttempt>,
    pub(super) progress: &'a mut dyn FnMut(Progress<'_>),
}

/// Cause of a failed attempt.
enum Failed {
    Mirror(Failure),
    Store(StoreError),
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Failed::Mirror(failure)
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Failed::Store(error)
    }
}

/// Tries the mirrors in turn until no file is missing. Files that remain missing are on none of them.
pub(super) fn try_mirrors(job: &mut Job<'_>, info: &DatasetInfo) -> Result<(), DownloadError> {
    let mirrors: Vec<&str> = match &job.options.mirrors {
        Some(mirrors) => mirrors.iter().map(String::as_str).collect(),
        None => info.source.mirrors().to_vec(),
    };
    match info.source {
        Source::Embedded => {}
        Source::Files { .. } => files(job, mirrors)?,
        Source::Archive { name, packed, .. } => {
            for mirror in mirrors {
                let url = format!("{mirror}{name}");
                attempt(job, name, &url, |job| {
                    archive_files(job, info, &url, packed.size)
                })?;
            }
        }
    }
    Ok(())
}

/// Tries one source, unless no file is missing. Records and returns the failure of a source, because the next one may
/// succeed. A write error ends the download.
fn attempt(
    job: &mut Job<'_>,
    file: &str,
    source: &str,
    fetch: impl FnOnce(&mut Job<'_>) -> Result<(), Failed>,
) -> Result<Option<Failure>, DownloadError> {
    if job.missing.files.is_empty() {
        return Ok(None);
    }
    (job.progress)(Progress::Started { file, source });
    let failure = match fetch(job) {
        Ok(()) => return Ok(None),
        Err(Failed::Mirror(failure)) => failure,
        Err(Failed::Store(StoreError::Rejected { reason })) => Failure {
            reason,
            unreachable: false,
        },
        Err(Failed::Store(StoreError::Write { path, cause })) => {
            return Err(DownloadError::Write { path, cause });
        }
    };
    let reason = failure.reason.as_str();
    (job.progress)(Progress::Failed { source, reason });
    job.attempts.push(FailedAttempt {
        source: source.to_owned(),
        reason: reason.to_owned(),
    });
    Ok(Some(failure))
}

/// Records and reports a stored file.
fn stored(job: &mut Job<'_>, file: &FileInfo, path: &Path) {
    let files = &mut job.missing.files;
    files.retain(|other| other.name != file.name);
    let file = file.name;
    (job.progress)(Progress::Stored { file, path });
}

/// Downloads each file from the first mirror that provides it.
fn files(job: &mut Job<'_>, mut mirrors: Vec<&str>) -> Result<(), DownloadError> {
    let agent = mirror::agent(job.options);
    for file in job.missing.files.clone() {
        let mut unreachable = Vec::new();
        for &mirror in &mirrors {
            let url = format!("{mirror}{}", file.name);
            let failed = attempt(job, file.name, &url, |job| {
                let reader = mirror::get(&agent, &url, file_limit(&file), &mut *job.progress)?;
                let path = store_file(&file, &job.missing.folder, reader)?;
                stored(job, &file, &path);
                Ok(())
            })?;
            match failed {
                None => break,
                Some(failure) if failure.unreachable => unreachable.push(mirror),
                Some(_) => {}
            }
        }
        // An unreachable mirror is not tried for the next file, because each try may take a whole timeout.
        mirrors.retain(|mirror| !unreachable.contains(mirror));
    }
    Ok(())
}

/// Downloads the archive and extracts the missing files.
fn archive_files(
    job: &mut Job<'_>,
    info: &DatasetInfo,
    url: &str,
    packed: u64,
) -> Result<(), Failed> {
    let agent = mirror::agent(job.options);
    let wanted = &job.missing.files;
    let folder = &job.missing.folder;
    let mut found = Vec::new();
    let reader = mirror::get(&agent, url, limit(packed), &mut *job.progress)?;
    let unpacked = info.files().iter().map(|file| file.inner.size).sum();
    let result = archive::extract(reader, unpacked, wanted, folder, &mut |file, path| {
        found.push((*file, path));
    });
    for (file, path) in &found {
        stored(job, file, path);
    }
    Ok(result?)
}
