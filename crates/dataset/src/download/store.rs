//! Verified storage: untrusted bytes become a file of a dataset only if their SHA-256 matches.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use modiste_core::{AtomicFile, shown};

use crate::catalog::FileInfo;
use crate::files::contents;
use crate::files::digest::{self, Digest};

/// Error of [`store_file`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The bytes are not the official content, or cannot be read. Another source may succeed.
    #[error("{reason}")]
    Rejected {
        /// Difference to the official content, or the read error.
        reason: String,
    },
    /// The file cannot be written, whatever the source.
    #[error("{}: cannot be written: {cause}", shown(path))]
    Write {
        /// Path of the file or folder.
        path: PathBuf,
        /// Error of the file system. The message contains it, so `source()` does not return it.
        cause: io::Error,
    },
}

/// Stores `bytes`, gzip or plain, as `file` in the existing folder `folder`, and returns the path.
///
/// The bytes are written to a temporary file, which is renamed if the SHA-256 of its decompressed content matches.
///
/// # Errors
/// Returns [`StoreError`] if the content does not match or cannot be written. An existing file then stays as it was.
///
/// ```
/// use modiste_dataset::{lookup, store_file};
///
/// let folder = tempfile::tempdir()?;
/// let file = lookup("mnist")?.files()[1];
/// let error = store_file(&file, folder.path(), &b"<html>Sign in</html>"[..]).unwrap_err();
/// assert_eq!(error.to_string(), "train-labels-idx1-ubyte.gz contains 20 of 60008 bytes");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn store_file(file: &FileInfo, folder: &Path, bytes: impl Read) -> Result<PathBuf, StoreError> {
    store(bytes, file_limit(file), file, folder)
}

/// Largest download accepted for `file`, gzip or plain, in bytes.
pub(super) fn file_limit(file: &FileInfo) -> u64 {
    limit(file.gz.unwrap_or(file.inner).size)
}

/// Largest download accepted for a file of official `size`, in bytes. A mirror may compress the content differently,
/// and worse.
pub(super) fn limit(size: u64) -> u64 {
    size + size / 4 + (1 << 16)
}

/// Stores `bytes`, of which more than `limit` are an error, as [`store_file`] does.
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
    // `io::copy` would not distinguish read errors, which are the source's, from write errors.
    let mut buffer = vec![0; 1 << 16];
    let mut arrived = 0;
    loop {
        let count = match bytes.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(rejected(error.to_string())),
        };
        arrived += count as u64;
        if arrived > limit {
            let reason = format!("{} is larger than {limit} bytes", file.name);
            return Err(rejected(reason));
        }
        stored.write_all(&buffer[..count]).map_err(disk)?;
    }
    let found = contents::open_path(stored.temporary_path())
        .and_then(|inside| digest::digest(inside, file.inner.size.saturating_add(1)))
        .map_err(|error| rejected(format!("{} is damaged: {error}", file.name)))?;
    match found.is_official(file) {
        true => stored.commit().map_err(disk),
        false => Err(rejected(difference(file, &found))),
    }
}

fn rejected(reason: String) -> StoreError {
    StoreError::Rejected { reason }
}

/// Describes how the content differs from the official one.
fn difference(file: &FileInfo, found: &Digest) -> String {
    let (name, expected) = (file.name, file.inner);
    if found.size > expected.size {
        format!("{name} contains more than {} bytes", expected.size)
    } else if found.truncated || found.size < expected.size {
        format!("{name} contains {} of {} bytes", found.size, expected.size)
    } else {
        format!(
            "{name} has different content: sha256 {} expected, {} found",
            expected.sha256, found.sha256
        )
    }
}
