//! Reading a file of a dataset, with errors that name its defect.

use std::fs;
use std::path::{Path, PathBuf};

use super::report::{FileHash, LoadReport};
use crate::catalog::{DatasetInfo, FileInfo, Files};
use crate::error::{Error, FormatError};
use crate::files::{contents, digest, identify};

/// Content of a file, with the context for error messages.
pub(super) struct LoadedFile<'a> {
    info: &'a DatasetInfo,
    file: &'a FileInfo,
    path: PathBuf,
    pub(super) bytes: Vec<u8>,
}

impl<'a> LoadedFile<'a> {
    /// Reads a file from the best of its candidates: the official one, or else the first of the official size, or else
    /// the first that can be read.
    pub(super) fn read(
        info: &'a DatasetInfo,
        file: &'a FileInfo,
        data: &Path,
        report: &mut LoadReport,
    ) -> Result<Self, Error> {
        let mut best: Option<(u8, Self, FileHash)> = None;
        let mut failed = None;
        let mut inferior = Vec::new();
        for path in contents::candidates(info, file, data)? {
            let read = contents::open(info, file, path.clone())
                .and_then(|contents| contents::read(info, contents, file));
            let bytes = match read {
                Ok(bytes) => bytes,
                Err(error) => {
                    inferior.push(path);
                    failed.get_or_insert(error);
                    continue;
                }
            };
            let hash = FileHash::of(file, &bytes);
            let rank = match () {
                () if hash.official => 2,
                () if bytes.len() as u64 == file.inner.size => 1,
                () => 0,
            };
            let loaded = Self {
                info,
                file,
                path,
                bytes,
            };
            match &best {
                Some((other, ..)) if *other >= rank => inferior.push(loaded.path),
                _ => {
                    let worse = best.replace((rank, loaded, hash));
                    inferior.extend(worse.map(|(_, worse, _)| worse.path));
                }
            }
            if rank == 2 {
                break;
            }
        }
        match (best, failed) {
            (Some((_, loaded, hash)), _) => {
                loaded.reject_other_file(&hash)?;
                report.files.push(hash);
                report.skipped.extend(inferior);
                Ok(loaded)
            }
            (None, Some(error)) => Err(error),
            (None, None) => Err(Error::Missing {
                dataset: info.name,
                path: info.folder(data).join(file.name),
                url: info.url(file).unwrap_or_default(),
            }),
        }
    }

    /// Fails if the content is that of another file in the catalog.
    fn reject_other_file(&self, hash: &FileHash) -> Result<(), Error> {
        if hash.official {
            return Ok(());
        }
        let is_longer = self.bytes.len() as u64 > self.file.inner.size;
        let owner = match is_longer {
            false => identify::owner_of(self.info, &hash.sha256),
            true => self.owner_of_longer(),
        };
        match owner {
            None => Ok(()),
            Some((info, found)) => Err(Error::UnexpectedFile {
                dataset: self.info.name,
                path: self.path.clone(),
                expected: self.file.in_dataset(self.info),
                found: found.in_dataset(info),
            }),
        }
    }

    /// Finds the dataset and the file of a content of which only the start was read.
    fn owner_of_longer(&self) -> Option<(&'a DatasetInfo, FileInfo)> {
        let contents = contents::open(self.info, self.file, self.path.clone()).ok()?;
        let digest = digest::digest(contents.reader, identify::longest() + 1).ok()?;
        identify::owner_of(self.info, &digest.sha256)
    }

    /// Returns an error that names the format of the content if it is a well-known one, or else `error`.
    fn or_unexpected_format(&self, error: Error) -> Error {
        // A gzip file truncated early has no content, but is not an empty file.
        let is_truncated_gzip = self.bytes.is_empty()
            && fs::metadata(&self.path).is_ok_and(|metadata| metadata.len() > 0);
        match identify::format_of(&self.bytes).filter(|_| !is_truncated_gzip) {
            Some(found) if !found.starts_with("an IDX") => self.unexpected_format(found),
            _ => error,
        }
    }

    fn unexpected_format(&self, found: &'static str) -> Error {
        Error::UnexpectedFormat {
            dataset: self.info.name,
            path: self.path.clone(),
            found,
            expected: match self.info.files {
                Files::Idx { .. } => "an IDX file",
                Files::Cifar100 { .. } => "a file of CIFAR-100 records",
            },
            url: self.info.url(self.file).unwrap_or_default(),
        }
    }

    pub(super) fn format(&self, cause: FormatError) -> Error {
        let path = self.path.clone();
        self.or_unexpected_format(Error::Format { path, cause })
    }

    pub(super) fn truncated(&self, found: usize, expected: usize, partial_suffices: bool) -> Error {
        self.or_unexpected_format(Error::Truncated {
            dataset: self.info.name,
            path: self.path.clone(),
            found,
            expected,
            partial_suffices,
        })
    }

    /// Returns an error if there are more bytes than official. At most one more was read.
    pub(super) fn too_long(&self) -> Option<Error> {
        let (expected, found) = (self.file.inner.size, self.bytes.len() as u64);
        (found > expected).then(|| self.format(FormatError::Trailing { expected, found }))
    }

    /// Adds context to an error of an IDX reader. For missing bytes it reports the number of complete records.
    pub(super) fn idx_error(
        &self,
        error: FormatError,
        header: usize,
        record: usize,
        count: usize,
    ) -> Error {
        match error {
            FormatError::Truncated { .. } => self.too_long().unwrap_or_else(|| {
                let found = self.bytes.len().saturating_sub(header) / record.max(1);
                self.truncated(found, count, false)
            }),
            other => self.format(other),
        }
    }
}
