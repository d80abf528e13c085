//! The bytes inside a dataset's files, whether gzip or plain, on disk or built in.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use modiste_core::require_memory;

use super::digest::cut_short;
use super::gzip::{self, GzipReader};
use super::{embedded, locate};
use crate::catalog::{DatasetInfo, FileInfo, Source};
use crate::error::Error;

/// A file's bytes after decompression, and where they come from for error messages.
pub(crate) struct Contents {
    pub(crate) path: PathBuf,
    pub(crate) reader: Box<dyn Read>,
}

/// The paths that may hold a file of a dataset, best first; at least one.
///
/// # Errors
/// [`Error::Missing`] if there is none, and what is wrong with the folder of all datasets.
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

/// Opens a file that may be gzip. Its first bytes say whether it is; its name does not matter.
pub(crate) fn open_path(path: &Path) -> io::Result<Box<dyn Read>> {
    // To open a FIFO would wait for whoever writes to it.
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

/// Reads a whole file into memory: at most one byte more than it officially has, so that a small
/// file which decompresses to a huge one does no harm. Of gzip data that are cut, what is there.
pub(crate) fn read(
    info: &DatasetInfo,
    contents: Contents,
    file: &FileInfo,
) -> Result<Vec<u8>, Error> {
    let limit = file.inner.size.saturating_add(1);
    // What is read, and the images that are made of it.
    require_memory(limit.saturating_mul(2)).map_err(|memory| Error::Memory {
        path: contents.path.clone(),
        memory,
    })?;
    let mut bytes = Vec::with_capacity(usize::try_from(limit).unwrap_or(0));
    match contents.reader.take(limit).read_to_end(&mut bytes) {
        Err(cause) if !cut_short(&cause) || bytes.len() as u64 >= file.inner.size => {
            let path = contents.path;
            // What the operating system says has a number, and what gzip says has none.
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
