//! The sources of a download, asked in turn.

use std::fs::File;
use std::path::{Path, PathBuf};

use modiste_core::shown;

use crate::catalog::{DatasetInfo, FileInfo, Source};
use crate::download::archive;
use crate::download::debian;
use crate::download::mirror::{self, Failure};
use crate::download::store::{Refused, store};
use crate::download::{Attempt, DownloadError, DownloadOptions, Progress};

/// A download under way.
pub(crate) struct Job<'a> {
    pub(crate) options: &'a DownloadOptions,
    pub(crate) folder: &'a Path,
    /// Files that are still to be had.
    pub(crate) missing: Vec<FileInfo>,
    /// Sources that failed.
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) progress: &'a mut dyn FnMut(Progress<'_>),
}

impl Job<'_> {
    /// Asks the sources in turn until nothing is missing. What still is then, none of them has.
    pub(crate) fn ask_all(&mut self, info: &DatasetInfo) -> Result<(), DownloadError> {
        let mirrors: Vec<&str> = match &self.options.mirrors {
            Some(mirrors) => mirrors.iter().map(String::as_str).collect(),
            None => info.source.mirrors().to_vec(),
        };
        match info.source {
            Source::Embedded => {}
            Source::Files { debian_package, .. } => {
                files(self, mirrors)?;
                if let Some(package) = debian_package {
                    files_of_package(self, package)?;
                }
            }
            Source::Archive { name, packed, .. } => {
                for mirror in mirrors {
                    let url = format!("{mirror}{name}");
                    self.attempt(name, &url, |job| archived(job, info, &url, packed.size))?;
                }
            }
        }
        Ok(())
    }

    /// Asks one source, unless nothing is missing any more. A source that fails is remembered and
    /// returned, the next one may do; a disk that fails ends the download.
    fn attempt(
        &mut self,
        file: &str,
        source: &str,
        fetch: impl FnOnce(&mut Self) -> Result<(), Refused>,
    ) -> Result<Option<Failure>, DownloadError> {
        if self.missing.is_empty() {
            return Ok(None);
        }
        (self.progress)(Progress::Started { file, source });
        match fetch(self) {
            Ok(()) => Ok(None),
            Err(Refused::Disk { path, source }) => Err(DownloadError::Write {
                path,
                cause: source,
            }),
            Err(Refused::Source(failure)) => {
                let reason = failure.reason.as_str();
                (self.progress)(Progress::Failed { source, reason });
                self.attempts.push(Attempt {
                    source: source.to_owned(),
                    reason: reason.to_owned(),
                });
                Ok(Some(failure))
            }
        }
    }

    /// A file has its name now.
    fn stored(&mut self, file: &FileInfo, path: &Path) {
        self.missing.retain(|other| other.name != file.name);
        let file = file.name;
        (self.progress)(Progress::Stored { file, path });
    }
}

/// Fetches each file from the first mirror that has it.
fn files(job: &mut Job<'_>, mut mirrors: Vec<&str>) -> Result<(), DownloadError> {
    let agent = mirror::agent(job.options);
    for file in job.missing.clone() {
        let mut unreachable = Vec::new();
        for &mirror in &mirrors {
            let url = format!("{mirror}{}", file.name);
            let failed = job.attempt(file.name, &url, |job| {
                let limit = mirror::limit(file.gz.unwrap_or(file.inner).size);
                let progress = &mut *job.progress;
                let reader = mirror::get(&agent, &url, limit, progress)?;
                let path = store(reader, limit, &file, job.folder)?;
                job.stored(&file, &path);
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
fn archived(job: &mut Job<'_>, info: &DatasetInfo, url: &str, packed: u64) -> Result<(), Refused> {
    let agent = mirror::agent(job.options);
    let wanted = job.missing.clone();
    let mut stored = Vec::new();
    let reader = mirror::get(&agent, url, mirror::limit(packed), &mut *job.progress)?;
    let unpacked = info.files().iter().map(|file| file.inner.size).sum();
    let result = archive::extract(reader, unpacked, &wanted, job.folder, &mut |file, path| {
        stored.push((*file, path));
    });
    for (file, path) in &stored {
        job.stored(file, path);
    }
    result
}

/// Takes the files from a Debian package: from where it is installed, or else out of the archive.
fn files_of_package(job: &mut Job<'_>, package: &str) -> Result<(), DownloadError> {
    let installed = format!("Debian package {package}, installed");
    job.attempt(package, &installed, |job| {
        copy(job, &debian::installed(package)?)
    })?;
    let archive = format!("Debian package {package}, through apt-get");
    job.attempt(package, &archive, |job| {
        let temporary = tempfile::tempdir().map_err(|source| Refused::Disk {
            path: std::env::temp_dir(),
            source,
        })?;
        copy(job, &debian::fetch(package, temporary.path(), job.options)?)
    })?;
    Ok(())
}

/// Copies the missing files from among `paths`.
fn copy(job: &mut Job<'_>, paths: &[PathBuf]) -> Result<(), Refused> {
    for file in job.missing.clone() {
        let found = paths.iter().find(|path| path.ends_with(file.name));
        let path = found.ok_or_else(|| Failure::new(format!("there is no {}", file.name)))?;
        let limit = mirror::limit(file.gz.unwrap_or(file.inner).size);
        let bytes =
            File::open(path).map_err(|error| Failure::new(format!("{}: {error}", shown(path))))?;
        let path = store(bytes, limit, &file, job.folder)?;
        job.stored(&file, &path);
    }
    Ok(())
}
