//! The bytes inside a dataset's files, whether gzip or plain, on disk or built in.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

use crate::catalog::{DatasetInfo, FileInfo, Source};
use crate::embedded;
use crate::error::Error;

pub(crate) const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A file's bytes after decompression, and where they come from for error messages.
pub(crate) struct Contents {
    pub(crate) path: PathBuf,
    pub(crate) reader: Box<dyn Read>,
}

/// Opens a file of a dataset.
pub(crate) fn open(info: &DatasetInfo, file: &FileInfo, data: &Path) -> Result<Contents, Error> {
    if info.source == Source::Embedded
        && let Some(bytes) = embedded::bytes(file.name)
    {
        let path = Path::new(info.name).join(file.name);
        let reader: Box<dyn Read> = Box::new(MultiGzDecoder::new(bytes));
        return Ok(Contents { path, reader });
    }
    let path = locate(info, file, data).ok_or_else(|| Error::Missing {
        dataset: info.name,
        path: info.folder(data).join(file.name),
        url: info.url(file).unwrap_or_default(),
    })?;
    match open_path(&path) {
        Ok(reader) => Ok(Contents { path, reader }),
        Err(source) => Err(Error::Read { path, source }),
    }
}

/// Where a file lies: under its own name, or with `.gz` taken away or added.
pub(crate) fn locate(info: &DatasetInfo, file: &FileInfo, data: &Path) -> Option<PathBuf> {
    let other = match file.name.strip_suffix(".gz") {
        Some(plain) => plain.to_owned(),
        None => format!("{}.gz", file.name),
    };
    let folder = info.folder(data);
    [folder.join(file.name), folder.join(other)]
        .into_iter()
        .find(|path| path.exists())
}

/// Opens a file that may be gzip. Its first bytes say whether it is; its name does not matter.
pub(crate) fn open_path(path: &Path) -> io::Result<Box<dyn Read>> {
    let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
    Ok(if file.fill_buf()?.starts_with(&GZIP_MAGIC) {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    })
}

/// Reads a whole file into memory: at most one byte more than it officially has, so that a small
/// file which decompresses to a huge one does no harm. Of gzip data that are cut, what is there.
pub(crate) fn read(contents: Contents, file: &FileInfo) -> Result<Vec<u8>, Error> {
    let limit = file.inner.size.saturating_add(1);
    let mut bytes = Vec::with_capacity(usize::try_from(limit).unwrap_or(0));
    match contents.reader.take(limit).read_to_end(&mut bytes) {
        Err(source) if !cut_short(&source) || bytes.len() as u64 >= file.inner.size => {
            let path = contents.path;
            Err(Error::Read { path, source })
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
}

/// Hashes at most `limit` bytes.
pub(crate) fn digest(reader: impl Read, limit: u64) -> io::Result<Digest> {
    let mut reader = reader.take(limit);
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut size = 0;
    let cut = loop {
        match reader.read(&mut buffer) {
            Ok(0) => break false,
            Ok(count) => {
                hash.update(&buffer[..count]);
                size += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if cut_short(&error) => break true,
            Err(error) => return Err(error),
        }
    };
    let sha256 = hex(&hash.finalize());
    Ok(Digest { size, sha256, cut })
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
