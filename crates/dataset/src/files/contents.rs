//! Decompressed content of a dataset's files, gzip or plain, on disk or embedded.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use modiste_core::require_memory;

use super::digest::is_truncation;
use super::gzip::{self, GzipReader};
use super::{embedded, locate};
use crate::catalog::{DatasetInfo, FileInfo, Source};
use crate::error::Error;

/// Reader of a file's decompressed content, and the path for error messages.
pub(crate) struct Contents {
    pub(crate) path: PathBuf,
    pub(crate) reader: Box<dyn Read>,
}

/// Finds the paths that may contain a file of a dataset, best first; at least one.
///
/// # Errors
/// Returns [`Error::Missing`] if there is none, and an error if the data folder cannot be read.
pub(crate) fn candidates(
    info: &DatasetInfo,
    file: &FileInfo,
    data: &Path,
) -> Result<Vec<PathBuf>, Error> {
    if info.source == Source::Embedded {
        return Ok(vec![Path::new(info.name).join(file.name)]);
    }
    locate::check_data_folder(info, data)?;
    let folder = locate::folder(info, data);
    let found = locate::candidates(&folder, file);
    if found.is_empty() {
        return Err(Error::Missing {
            dataset: info.name,
            path: folder.join(file.name),
            url: info.url(file).unwrap_or_default(),
        });
    }
    Ok(found)
}

/// Opens one of the [`candidates`] of a file.
pub(crate) fn open(info: &DatasetInfo, file: &FileInfo, path: PathBuf) -> Result<Contents, Error> {
    let reader = match embedded::bytes(file.name) {
        Some(bytes) if info.source == Source::Embedded => {
            Ok(Box::new(GzipReader::new(bytes)) as Box<dyn Read>)
        }
        _ => open_path(&path),
    };
    match reader {
        Ok(reader) => Ok(Contents { path, reader }),
        Err(cause) => Err(Error::Read { path, cause }),
    }
}

/// Opens a file, gzip or plain. The first bytes decide which, not the name.
pub(crate) fn open_path(path: &Path) -> io::Result<Box<dyn Read>> {
    // Opening a FIFO would block until another process writes to it.
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
    Ok(if file.fill_buf()?.starts_with(&gzip::MAGIC) {
        Box::new(GzipReader::new(file))
    } else {
        Box::new(file)
    })
}

/// Reads the content of a file: at most one byte more than its official size, as a limit for decompression bombs.
/// Returns the available bytes of truncated gzip data.
pub(crate) fn read(
    info: &DatasetInfo,
    contents: Contents,
    file: &FileInfo,
) -> Result<Vec<u8>, Error> {
    let limit = file.inner.size.saturating_add(1);
    // For the bytes, and for the images made from them.
    require_memory(limit.saturating_mul(2)).map_err(|memory| Error::Memory {
        path: contents.path.clone(),
        memory,
    })?;
    let mut bytes = Vec::with_capacity(usize::try_from(limit).unwrap_or(0));
    match contents.reader.take(limit).read_to_end(&mut bytes) {
        Err(cause) if !is_truncation(&cause) || bytes.len() as u64 >= file.inner.size => {
            let path = contents.path;
            // Errors of the operating system have a number, those of the gzip decoder do not.
            Err(match cause.raw_os_error() {
                Some(_) => Error::Read { path, cause },
                None => Error::Damaged {
                    dataset: info.name,
                    path,
                    cause,
                },
            })
        }
        _ => Ok(bytes),
    }
}
