//! One file of a dataset in memory, and what is wrong with it.

use std::fs;
use std::path::{Path, PathBuf};

use super::report::{FileHash, LoadReport};
use crate::catalog::{DatasetInfo, FileInfo, Files};
use crate::error::{Error, FormatError};
use crate::files::{contents, digest, foreign};

/// A file in memory, and what is needed to say what is wrong with it.
pub(super) struct Loaded<'a> {
    info: &'a DatasetInfo,
    file: &'a FileInfo,
    path: PathBuf,
    pub(super) bytes: Vec<u8>,
}

impl<'a> Loaded<'a> {
    /// Reads a file from the best of its candidates: the official one, else the first that is long
    /// enough, else the first that can be read.
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
                loaded.refuse_other_file(&hash)?;
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
    fn refuse_other_file(&self, hash: &FileHash) -> Result<(), Error> {
        if hash.official {
            return Ok(());
        }
        let is_longer = self.bytes.len() as u64 > self.file.inner.size;
        let owner = match is_longer {
            false => foreign::owner_of(self.info, &hash.sha256),
            true => self.owner_of_longer(),
        };
        match owner {
            None => Ok(()),
            Some((info, found)) => Err(Error::OtherFile {
                dataset: self.info.name,
                path: self.path.clone(),
                expected: self.file.in_dataset(self.info),
                found: found.in_dataset(info),
            }),
        }
    }

    /// The dataset and the file that the content belongs to, where only its start was read.
    fn owner_of_longer(&self) -> Option<(&'a DatasetInfo, FileInfo)> {
        let contents = contents::open(self.info, self.file, self.path.clone()).ok()?;
        let digest = digest::digest(contents.reader, foreign::longest() + 1).ok()?;
        foreign::owner_of(self.info, &digest.sha256)
    }

    /// The error that names another format if the bytes are in one, else `error`.
    fn or_other_format(&self, error: Error) -> Error {
        // Gzip data that are cut early have nothing inside, and are no empty file.
        let cut_gzip = self.bytes.is_empty()
            && fs::metadata(&self.path).is_ok_and(|metadata| metadata.len() > 0);
        match foreign::format_of(&self.bytes).filter(|_| !cut_gzip) {
            Some(found) if !found.starts_with("an IDX") => self.other_format(found),
            _ => error,
        }
    }

    fn other_format(&self, found: &'static str) -> Error {
        Error::OtherFormat {
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
        self.or_other_format(Error::Format { path, cause })
    }

    pub(super) fn cut(&self, found: usize, expected: usize, partial_would_do: bool) -> Error {
        self.or_other_format(Error::Cut {
            dataset: self.info.name,
            path: self.path.clone(),
            found,
            expected,
            partial_would_do,
        })
    }

    /// Whether there are more bytes than official ones; only one more was read.
    pub(super) fn too_long(&self) -> Option<Error> {
        let (expected, found) = (self.file.inner.size, self.bytes.len() as u64);
        (found > expected).then(|| self.format(FormatError::Trailing { expected, found }))
    }

    /// An IDX reader's error: where bytes lack, how many records are whole says more.
    pub(super) fn idx_error(
        &self,
        error: FormatError,
        header: usize,
        record: usize,
        count: usize,
    ) -> Error {
        match error {
            FormatError::Short { .. } => self.too_long().unwrap_or_else(|| {
                let found = self.bytes.len().saturating_sub(header) / record.max(1);
                self.cut(found, count, false)
            }),
            other => self.format(other),
        }
    }
}
