//! The bytes inside a dataset's files, whether gzip or plain, on disk or built in.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::catalog::{DatasetInfo, FileInfo, Source};
use crate::embedded;
use crate::error::Error;
use crate::gzip::{self, GzipReader};
use crate::locate;
use modiste_core::require_memory;

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

/// How many bytes there are and what they hash to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) size: u64,
    pub(crate) sha256: String,
    /// Whether gzip data end in the middle.
    pub(crate) cut: bool,
    /// The first bytes, enough to tell formats apart.
    pub(crate) start: Vec<u8>,
}

/// Hashes at most `limit` bytes.
pub(crate) fn digest(reader: impl Read, limit: u64) -> io::Result<Digest> {
    let mut reader = reader.take(limit);
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut size = 0;
    let mut start = Vec::new();
    let cut = loop {
        match reader.read(&mut buffer) {
            Ok(0) => break false,
            Ok(count) => {
                let missing = 512_usize.saturating_sub(start.len()).min(count);
                start.extend_from_slice(&buffer[..missing]);
                hash.update(&buffer[..count]);
                size += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if cut_short(&error) => break true,
            Err(error) => return Err(error),
        }
    };
    let sha256 = hex(&hash.finalize());
    Ok(Digest {
        size,
        sha256,
        cut,
        start,
    })
}

impl Digest {
    /// Whether these are the official bytes, complete.
    pub(crate) fn is_official(&self, file: &FileInfo) -> bool {
        !self.cut && self.size == file.inner.size && self.sha256 == file.inner.sha256
    }
}

/// The SHA-256 of some bytes, one part after the other: 64 hexadecimal digits.
///
/// ```
/// let whole = modiste_dataset::sha256([&b"abc"[..]]);
/// assert!(whole.starts_with("ba7816bf8f01cfea"));
/// assert_eq!(modiste_dataset::sha256([&b"a"[..], b"bc"]), whole);
/// ```
pub fn sha256<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hex(&hash.finalize())
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn cut_short(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_what_nist_hashes() {
        let found = digest(&b"abc"[..], 99).expect("bytes");
        assert_eq!(
            found.sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!((found.size, found.cut), (3, false));
        assert_eq!(digest(&b"abc"[..], 2).expect("bytes").size, 2);
    }
}
