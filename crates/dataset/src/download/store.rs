//! Bytes of unknown quality become a file of a dataset, or nothing.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use modiste_core::AtomicFile;

use crate::catalog::FileInfo;
use crate::download::mirror::Failure;
use crate::files::{contents, digest};

/// Why bytes did not become a file.
#[derive(Debug)]
pub(crate) enum Refused {
    /// They are not what they should be, or do not arrive: another source may do better.
    Source(Failure),
    /// They cannot be written: no source will do better.
    Disk { path: PathBuf, source: io::Error },
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Refused::Source(failure)
    }
}

/// Writes `bytes`, at most `limit` of them, to a temporary file in `folder`, and gives it the name
/// of `file` if the bytes inside it are the official ones. Returns its path.
pub(crate) fn store(
    mut bytes: impl Read,
    limit: u64,
    file: &FileInfo,
    folder: &Path,
) -> Result<PathBuf, Refused> {
    let name = folder.join(file.name);
    let disk = |source| Refused::Disk {
        path: name.clone(),
        source,
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
            Err(error) => return Err(Failure::new(error.to_string()).into()),
        };
        arrived += count as u64;
        if arrived > limit {
            let reason = format!("{} is larger than {limit} bytes", file.name);
            return Err(Failure::new(reason).into());
        }
        stored.write_all(&buffer[..count]).map_err(disk)?;
    }
    let found = contents::open_path(stored.temporary_path())
        .and_then(|inside| digest::digest(inside, file.inner.size.saturating_add(1)))
        .map_err(|error| Failure::new(format!("{} is damaged: {error}", file.name)))?;
    if !found.is_official(file) {
        let name = file.name;
        let expected = file.inner;
        let reason = if found.size > expected.size {
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
        };
        return Err(Failure::new(reason).into());
    }
    stored.commit().map_err(disk)
}
