//! Extraction of files from an untrusted `.tar.gz` archive.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::store::{StoreError, store};
use crate::catalog::FileInfo;

/// Bytes that an archive may contain besides the wanted files, such as headers and a list of names.
const SLACK: u64 = 1 << 20;

/// Stores the `wanted` files in `folder` and calls `stored` for each.
///
/// A wanted file is recognised by the last component of its path in the archive; no other file is written, and none
/// outside `folder`. At most `limit` bytes, the size of all files, and [`SLACK`] are unpacked.
pub(super) fn extract(
    packed: impl Read,
    limit: u64,
    wanted: &[FileInfo],
    folder: &Path,
    stored: &mut dyn FnMut(&FileInfo, PathBuf),
) -> Result<(), StoreError> {
    let failed = |error: std::io::Error| StoreError::Rejected {
        reason: format!("the archive is damaged: {error}"),
    };
    let packed = BufReader::with_capacity(1 << 16, packed);
    let unpacked = MultiGzDecoder::new(packed).take(limit.saturating_add(SLACK));
    let mut archive = tar::Archive::new(unpacked);
    let mut left: Vec<&FileInfo> = wanted.iter().collect();
    for entry in archive.entries().map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let position = left.iter().position(|file| {
            let path = entry.path_bytes();
            let name = path.rsplit(|&byte| byte == b'/').next();
            entry.header().entry_type().is_file() && name == Some(file.name.as_bytes())
        });
        if let Some(position) = position {
            let file = left.remove(position);
            let path = store(entry, file.inner.size, file, folder)?;
            stored(file, path);
        }
        // The rest of the archive is not read, however long it is.
        if left.is_empty() {
            return Ok(());
        }
    }
    let names: Vec<&str> = left.iter().map(|file| file.name).collect();
    Err(StoreError::Rejected {
        reason: format!("the archive does not contain {}", names.join(", ")),
    })
}
