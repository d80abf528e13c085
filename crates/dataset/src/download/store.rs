//! Bytes of unknown quality become a file of a dataset, or nothing.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use modiste_core::{AtomicFile, shown};

use crate::catalog::FileInfo;
use crate::files::contents;
use crate::files::digest::{self, Digest};

/// Why bytes did not become a file of a dataset.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// They are not what they should be, or cannot be read: other bytes may do better.
    #[error("{reason}")]
    Refused {
        /// What was met.
        reason: String,
    },
    /// They cannot be written: no other bytes will do better.
    #[error("{}: cannot be written: {cause}", shown(path))]
    Write {
        /// The file, or the folder.
        path: PathBuf,
        /// The error of the file system. It is part of the text, so it is no `source()`.
        cause: io::Error,
    },
}

/// Writes `bytes`, gzip or plain, to a temporary file in `folder`, which exists, and gives it the
/// name of `file` if the SHA-256 of the bytes inside is the official one. Returns its path.
///
/// # Errors
/// [`StoreError`]; a file that was there before is then as it was.
///
/// ```
/// use modiste_dataset::{lookup, store_file};
///
/// let folder = tempfile::tempdir()?;
/// let file = lookup("mnist")?.files()[1];
/// let error = store_file(&file, folder.path(), &b"<html>Sign in</html>"[..]).unwrap_err();
/// assert_eq!(error.to_string(), "train-labels-idx1-ubyte.gz has 20 of 60008 bytes inside");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn store_file(file: &FileInfo, folder: &Path, bytes: impl Read) -> Result<PathBuf, StoreError> {
    store(bytes, file_limit(file), file, folder)
}

/// The most bytes worth taking for `file`, gzip or plain.
pub(super) fn file_limit(file: &FileInfo) -> u64 {
    limit(file.gz.unwrap_or(file.inner).size)
}

/// The most bytes worth taking for what officially has `size`: a mirror may compress anew, and less
/// well.
pub(super) fn limit(size: u64) -> u64 {
    size + size / 4 + (1 << 16)
}

/// Writes `bytes`, at most `limit` of them, to a temporary file in `folder`, and gives it the name
/// of `file` if the bytes inside it are the official ones. Returns its path.
pub(super) fn store(
    mut bytes: impl Read,
    limit: u64,
    file: &FileInfo,
    folder: &Path,
) -> Result<PathBuf, StoreError> {
    let name = folder.join(file.name);
    let disk = |cause| StoreError::Write {
        path: name.clone(),
        cause,
    };
    let mut stored = AtomicFile::create(&name).map_err(disk)?;
    // Not `io::copy`: an error on the way in and one on the way out mean different things.
    let mut buffer = vec![0; 1 << 16];
    let mut arrived = 0;
    loop {
        let count = match bytes.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(refused(error.to_string())),
        };
        arrived += count as u64;
        if arrived > limit {
            let reason = format!("{} is larger than {limit} bytes", file.name);
            return Err(refused(reason));
        }
        stored.write_all(&buffer[..count]).map_err(disk)?;
    }
    let found = contents::open_path(stored.temporary_path())
        .and_then(|inside| digest::digest(inside, file.inner.size.saturating_add(1)))
        .map_err(|error| refused(format!("{} is damaged: {error}", file.name)))?;
    match found.is_official(file) {
        true => stored.commit().map_err(disk),
        false => Err(refused(difference(file, &found))),
    }
}

fn refused(reason: String) -> StoreError {
    StoreError::Refused { reason }
}

/// What differs between the official bytes and those that were found.
fn difference(file: &FileInfo, found: &Digest) -> String {
    let (name, expected) = (file.name, file.inner);
    if found.size > expected.size {
        format!("{name} has more than {} bytes inside", expected.size)
    } else if found.cut || found.size < expected.size {
        format!(
            "{name} has {} of {} bytes inside",
            found.size, expected.size
        )
    } else {
        format!(
            "{name} has other bytes inside: sha256 {} expected, {} found",
            expected.sha256, found.sha256
        )
    }
}
