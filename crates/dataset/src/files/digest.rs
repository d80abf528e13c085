//! Length and SHA-256 of contents.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use crate::catalog::FileInfo;

/// Length, SHA-256 and first bytes of a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) size: u64,
    pub(crate) sha256: String,
    /// `true` if the data is a truncated gzip stream.
    pub(crate) truncated: bool,
    /// First bytes, enough to recognise a format.
    pub(crate) start: Vec<u8>,
}

/// Reads and hashes at most `limit` bytes.
pub(crate) fn digest(reader: impl Read, limit: u64) -> io::Result<Digest> {
    let mut reader = reader.take(limit);
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut size = 0;
    let mut start = Vec::new();
    let truncated = loop {
        match reader.read(&mut buffer) {
            Ok(0) => break false,
            Ok(count) => {
                let missing = 512_usize.saturating_sub(start.len()).min(count);
                start.extend_from_slice(&buffer[..missing]);
                hash.update(&buffer[..count]);
                size += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if is_truncation(&error) => break true,
            Err(error) => return Err(error),
        }
    };
    let sha256 = hex(&hash.finalize());
    Ok(Digest {
        size,
        sha256,
        truncated,
        start,
    })
}

impl Digest {
    /// Returns `true` if the content is the official one.
    pub(crate) fn is_official(&self, file: &FileInfo) -> bool {
        !self.truncated && self.size == file.inner.size && self.sha256 == file.inner.sha256
    }
}

/// Computes the SHA-256 of the concatenated `parts`, as 64 lower-case hexadecimal digits.
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

/// Formats bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// Returns `true` if the error means that the data ends early.
pub(super) fn is_truncation(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_nist_test_vector() {
        let found = digest(&b"abc"[..], 99).expect("bytes");
        assert_eq!(
            found.sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!((found.size, found.truncated), (3, false));
        assert_eq!(digest(&b"abc"[..], 2).expect("bytes").size, 2);
    }
}
