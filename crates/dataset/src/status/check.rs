//! Checks of a file by its content or by its length.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::state::FileState;
use crate::catalog::{DatasetInfo, FileInfo};
use crate::files::digest::{self, Digest};
use crate::files::{contents, gzip, identify};

/// State of an invalid file.
pub(super) fn invalid(reason: String) -> FileState {
    FileState::Invalid { reason }
}

/// Determines the state of a file from the hash of its content.
pub(super) fn content_state(
    info: &DatasetInfo,
    file: &FileInfo,
    found: io::Result<Digest>,
) -> FileState {
    let expected = file.inner;
    let found = match found {
        Err(error) => return invalid(error.to_string()),
        Ok(found) if found.is_official(file) => return FileState::Official,
        Ok(found) => found,
    };
    if found.truncated && found.sha256 == expected.sha256 {
        return invalid("the gzip checksum is missing".to_owned());
    }
    if let Some((owner, other)) = identify::owner_of(info, &found.sha256) {
        return invalid(format!("contains {}", other.in_dataset(owner)));
    }
    if found.size < expected.size
        && found.size > 0
        && let Some(format) = identify::format_of(&found.start)
        && !format.starts_with("an IDX")
    {
        return invalid(format!("this is {format}"));
    }
    match found {
        found if found.size < expected.size => FileState::Truncated {
            found: found.size,
            expected: expected.size,
        },
        found if found.size > expected.size => {
            invalid(format!("more than {} bytes", expected.size))
        }
        found if found.truncated => invalid("the gzip checksum is missing".to_owned()),
        found => FileState::Unofficial {
            expected: expected.sha256,
            found: found.sha256,
        },
    }
}

/// Determines the state of a file from its length, without hashing it if possible.
pub(super) fn length_state(info: &DatasetInfo, file: &FileInfo, path: Option<&Path>) -> FileState {
    let Some(path) = path else {
        return FileState::Present;
    };
    let expected = file.inner.size;
    match announced_length(path) {
        Ok((found, _)) if found == expected => FileState::Present,
        Ok((found, false)) if found < expected => FileState::Truncated { found, expected },
        Ok((_, false)) => invalid(format!("more than {expected} bytes")),
        // A truncated gzip file announces an arbitrary length, so it has to be read.
        Ok((_, true)) => {
            let limit = expected.saturating_add(1);
            let found = contents::open_path(path).and_then(|c| digest::digest(c, limit));
            match content_state(info, file, found) {
                FileState::Official => FileState::Present,
                other => other,
            }
        }
        Err(error) => invalid(error.to_string()),
    }
}

/// Returns the length of a plain file and `false`, or the length that a gzip file announces for its content in its last
/// four bytes and `true`.
fn announced_length(path: &Path) -> io::Result<(u64, bool)> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut start = Vec::new();
    Read::by_ref(&mut file).take(2).read_to_end(&mut start)?;
    if start != gzip::MAGIC {
        return Ok((length, false));
    }
    // Header and trailer of an empty gzip file are 18 bytes.
    if length < 18 {
        return Ok((0, true));
    }
    let mut trailer = [0; 4];
    file.seek(SeekFrom::End(-4))?;
    file.read_exact(&mut trailer)?;
    Ok((u64::from(u32::from_le_bytes(trailer)), true))
}
