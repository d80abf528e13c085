//! The mirrors of a dataset, asked in turn.

use std::path::Path;

use super::archive;
use super::mirror::{self, Failure};
use super::options::DownloadOptions;
use super::report::{Attempt, DownloadError, Missing, Progress};
use super::store::{StoreError, file_limit, limit, store_file};
use crate::catalog::{DatasetInfo, FileInfo, Source};

/// A download under way.
pub(super) struct Job<'a> {
    pub(super) options: &'a DownloadOptions,
    /// Files that are still to be had.
    pub(super) missing: Missing,
    /// Sources that failed.
    pub(super) attempts: Vec<Attempt>,
    pub(super) progress: &'a mut dyn FnMut(Progress<'_>),
}

/// Why an attempt failed.
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

/// Asks the mirrors in turn until nothing is missing. What still is then, none of them has.
pub(super) fn ask_mirrors(job: &mut Job<'_>, info: &DatasetInfo) -> Result<(), DownloadError> {
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
                    archived(job, info, &url, packed.size)
                })?;
            }
        }
    }
    Ok(())
}

/// Asks one source, unless nothing is missing any more. A source that fails is remembered and
/// returned, the next one may do; a disk that fails ends the download.
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
        Err(Failed::Store(StoreError::Refused { reason })) => Failure {
            reason,
            unreachable: false,
        },
        Err(Failed::Store(StoreError::Write { path, cause })) => {
            return Err(DownloadError::Write { path, cause });
        }
    };
    let reason = failure.reason.as_str();
    (job.progress)(Progress::Failed { source, reason });
    job.attempts.push(Attempt {
        source: source.to_owned(),
        reason: reason.to_owned(),
    });
    Ok(Some(failure))
}

/// A file has its name now.
fn stored(job: &mut Job<'_>, file: &FileInfo, path: &Path) {
    let files = &mut job.missing.files;
    files.retain(|other| other.name != file.name);
    let file = file.name;
    (job.progress)(Progress::Stored { file, path });
}

/// Fetches each file from the first mirror that has it.
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
        // Who does not answer is not asked for the next file: each time may cost a timeout.
        mirrors.retain(|mirror| !unreachable.contains(mirror));
    }
    Ok(())
}

/// Fetches all files in one archive.
fn archived(job: &mut Job<'_>, info: &DatasetInfo, url: &str, packed: u64) -> Result<(), Failed> {
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
