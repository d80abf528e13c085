//! What the bytes and the length of a file say of it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::state::FileState;
use crate::catalog::{DatasetInfo, FileInfo};
use crate::files::digest::{self, Digest};
use crate::files::{contents, foreign, gzip};

/// The state of a file that is not what it should be.
pub(super) fn wrong(reason: String) -> FileState {
    FileState::Wrong { reason }
}

/// What a hash says of a file.
pub(super) fn state(info: &DatasetInfo, file: &FileInfo, found: io::Result<Digest>) -> FileState {
    let expected = file.inner;
    let found = match found {
        Err(error) => return wrong(error.to_string()),
        Ok(found) if found.is_official(file) => return FileState::Official,
        Ok(found) => found,
    };
    if found.cut && found.sha256 == expected.sha256 {
        return wrong("the gzip checksum is cut off".to_owned());
    }
    if let Some((owner, other)) = foreign::owner_of(info, &found.sha256) {
        return wrong(format!("holds {}", other.in_dataset(owner)));
    }
    if found.size < expected.size
        && found.size > 0
        && let Some(format) = foreign::format_of(&found.start)
        && !format.starts_with("an IDX")
    {
        return wrong(format!("this is {format}"));
    }
    match found {
        found if found.size < expected.size => FileState::Cut {
            found: found.size,
            expected: expected.size,
        },
        found if found.size > expected.size => wrong(format!("more than {} bytes", expected.size)),
        found if found.cut => wrong("the gzip checksum is cut off".to_owned()),
        found => FileState::Unofficial {
            expected: expected.sha256,
            found: found.sha256,
        },
    }
}

/// What a file's length says of it.
pub(super) fn quick_state(info: &DatasetInfo, file: &FileInfo, path: Option<&Path>) -> FileState {
    let Some(path) = path else {
        return FileState::Present;
    };
    let expected = file.inner.size;
    match announced_length(path) {
        Ok((found, _)) if found == expected => FileState::Present,
        Ok((found, false)) if found < expected => FileState::Cut { found, expected },
        Ok((_, false)) => wrong(format!("more than {expected} bytes")),
        // A gzip file that is cut announces some other length: only reading tells the real one.
        Ok((_, true)) => {
            let limit = expected.saturating_add(1);
            let found = contents::open_path(path).and_then(|c| digest::digest(c, limit));
            match state(info, file, found) {
                FileState::Official => FileState::Present,
                other => other,
            }
        }
        Err(error) => wrong(error.to_string()),
    }
}

/// The length of a plain file; of a gzip file what its last four bytes say of the data inside, and
/// `true`.
fn announced_length(path: &Path) -> io::Result<(u64, bool)> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut start = Vec::new();
    Read::by_ref(&mut file).take(2).read_to_end(&mut start)?;
    if start != gzip::MAGIC {
        return Ok((length, false));
    }
    // The header and the trailer of an empty gzip file are 18 bytes.
    if length < 18 {
        return Ok((0, true));
    }
    let mut trailer = [0; 4];
    file.seek(SeekFrom::End(-4))?;
    file.read_exact(&mut trailer)?;
    Ok((u64::from(u32::from_le_bytes(trailer)), true))
}
