//! Files out of a `.tar.gz` that is not trusted.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::store::{StoreError, store};
use crate::catalog::FileInfo;

/// What an archive may hold beside the files that are wanted: headers, a list of names.
const SLACK: u64 = 1 << 20;

/// Stores the `wanted` files in `folder` and says so of each. Of the archive's paths only the last
/// part is looked at, and only to recognise a wanted file: nothing else is written anywhere. At
/// most `limit` bytes, those of all its files, are unpacked, and some slack.
pub(super) fn extract(
    packed: impl Read,
    limit: u64,
    wanted: &[FileInfo],
    folder: &Path,
    stored: &mut dyn FnMut(&FileInfo, PathBuf),
) -> Result<(), StoreError> {
    let failed = |error: std::io::Error| StoreError::Refused {
        reason: format!("the archive is damaged: {error}"),
    };
    let packed = BufReader::with_capacity(1 << 16, packed);
    let unpacked = MultiGzDecoder::new(packed).take(limit.saturating_add(SLACK));
    let mut archive = tar::Archive::new(unpacked);
    let mut left: Vec<&FileInfo> = wanted.iter().collect();
    for entry in archive.entries().map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let place = left.iter().position(|file| {
            let path = entry.path_bytes();
            let name = path.rsplit(|&byte| byte == b'/').next();
            entry.header().entry_type().is_file() && name == Some(file.name.as_bytes())
        });
        if let Some(place) = place {
            let file = left.remove(place);
            let path = store(entry, file.inner.size, file, folder)?;
            stored(file, path);
        }
        // The rest of the archive, were it endless, does not matter.
        if left.is_empty() {
            return Ok(());
        }
    }
    let names: Vec<&str> = left.iter().map(|file| file.name).collect();
    Err(StoreError::Refused {
        reason: format!("the archive has no {}", names.join(", ")),
    })
}
