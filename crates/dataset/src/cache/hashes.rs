//! Hashes of files, so that a file is read again only if its size or time of modification changed.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use modiste_core::write_atomic;

use super::INDEX;
use crate::files::digest::sha256;

/// SHA-256 of a file's content.
pub(crate) type ContentHash = [u8; 32];

/// Size and time of modification of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    size: u64,
    /// Nanoseconds since 1970.
    modified: u64,
}

impl Stamp {
    /// Stamp of a file; `None` if the file cannot be read.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        let since = metadata
            .modified()
            .ok()?
            .duration_since(SystemTime::UNIX_EPOCH);
        Some(Self {
            size: metadata.len(),
            modified: since.map_or(0, |since| since.as_nanos() as u64),
        })
    }
}

/// Time within which a file may change without another time of modification.
const RESOLUTION: Duration = Duration::from_secs(2);

const MAGIC: &[u8] = b"modiste hashes 1\n";

/// Hashes of the files in one folder, by relative path.
#[derive(Default)]
pub(crate) struct HashIndex {
    path: PathBuf,
    hashes: HashMap<Vec<u8>, (Stamp, ContentHash)>,
}

impl HashIndex {
    /// Reads the hashes of the files below `root` from the cache. Damaged or missing hashes give an empty index.
    pub(crate) fn read(cache: &Path, root: &Path) -> Self {
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let name = sha256([root.as_os_str().as_encoded_bytes()]);
        let path = cache.join(format!("{}.{INDEX}", &name[..16]));
        let hashes = fs::read(&path).ok().and_then(|bytes| parse(&bytes));
        let hashes = hashes.unwrap_or_default();
        Self { path, hashes }
    }

    /// Hash of an unchanged file.
    pub(crate) fn get(&self, file: &Path, stamp: Stamp) -> Option<ContentHash> {
        let (known, hash) = self.hashes.get(file.as_os_str().as_encoded_bytes())?;
        (*known == stamp).then_some(*hash)
    }

    /// Adds hashes, and stores all. Files that changed a moment ago are left out, because a further change could leave
    /// their time as it is. A cache that cannot be written is not an error.
    pub(crate) fn store<'a>(
        &mut self,
        files: impl Iterator<Item = (&'a Path, Stamp, ContentHash)>,
    ) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let settled = now
            .unwrap_or_default()
            .saturating_sub(RESOLUTION)
            .as_nanos() as u64;
        let bytes = |file: &Path| file.as_os_str().as_encoded_bytes().to_vec();
        let mut is_changed = false;
        for (file, stamp, hash) in files.filter(|(_, stamp, _)| stamp.modified < settled) {
            let before = self.hashes.insert(bytes(file), (stamp, hash));
            is_changed |= before != Some((stamp, hash));
        }
        if is_changed {
            write_atomic(&self.path, &self.to_bytes()).ok();
        }
    }

    /// Per file: size, time, hash, length of the path, path.
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for (file, (stamp, hash)) in &self.hashes {
            bytes.extend(stamp.size.to_le_bytes());
            bytes.extend(stamp.modified.to_le_bytes());
            bytes.extend(hash);
            bytes.extend((file.len() as u32).to_le_bytes());
            bytes.extend(file);
        }
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend(checksum.to_le_bytes());
        bytes
    }
}

fn parse(bytes: &[u8]) -> Option<HashMap<Vec<u8>, (Stamp, ContentHash)>> {
    let (bytes, checksum) = bytes.split_last_chunk::<4>()?;
    if crc32c::crc32c(bytes) != u32::from_le_bytes(*checksum) {
        return None;
    }
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let mut hashes = HashMap::new();
    while !rest.is_empty() {
        let size = u64::from_le_bytes(*rest.split_off_chunk()?);
        let modified = u64::from_le_bytes(*rest.split_off_chunk()?);
        let hash: ContentHash = *rest.split_off_chunk()?;
        let length = u32::from_le_bytes(*rest.split_off_chunk()?) as usize;
        let (file, after) = rest.split_at_checked(length)?;
        rest = after;
        hashes.insert(file.to_vec(), (Stamp { size, modified }, hash));
    }
    Some(hashes)
}

/// Reading of a slice from its start.
trait SplitOff<'a> {
    /// Removes the first `N` bytes and returns them.
    fn split_off_chunk<const N: usize>(&mut self) -> Option<&'a [u8; N]>;
}

impl<'a> SplitOff<'a> for &'a [u8] {
    fn split_off_chunk<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (chunk, rest) = self.split_first_chunk::<N>()?;
        *self = rest;
        Some(chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unchanged_files_keep_their_hash() {
        let folder = tempfile::tempdir().expect("a folder");
        let old = Stamp {
            size: 5,
            modified: 1_000,
        };
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .expect("after 1970");
        let fresh = Stamp {
            size: 5,
            modified: now.as_nanos() as u64,
        };
        let root = folder.path().join("images");
        let mut index = HashIndex::read(folder.path(), &root);
        let files = [
            ("a.png", old, [7; 32]),
            ("b/c.png", old, [8; 32]),
            ("new.png", fresh, [9; 32]),
        ];
        index.store(
            files
                .iter()
                .map(|(file, stamp, hash)| (Path::new(*file), *stamp, *hash)),
        );
        let index = HashIndex::read(folder.path(), &root);
        assert_eq!(index.get(Path::new("a.png"), old), Some([7; 32]));
        assert_eq!(index.get(Path::new("b/c.png"), old), Some([8; 32]));
        assert_eq!(
            index.get(Path::new("a.png"), Stamp { size: 6, ..old }),
            None
        );
        assert_eq!(index.get(Path::new("a.png"), fresh), None);
        assert_eq!(index.get(Path::new("new.png"), fresh), None);
        assert_eq!(
            HashIndex::read(folder.path(), folder.path()).get(Path::new("a.png"), old),
            None
        );
        let bytes = index.to_bytes();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(parse(&damaged).is_none());
            parse(&bytes[..at]);
        }
    }
}
