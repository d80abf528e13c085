//! Cache of decoded images: one file per set of images and settings, in a folder of limited size.
//!
//! An entry is written to a temporary file and renamed, so that a killed process leaves no part of an entry. Two
//! processes may decode the same images at the same time; the second replaces the entry by equal bytes. The least
//! recently used entries are removed first.

mod entry;
mod hashes;

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

pub(crate) use entry::{Contents, EntryWriter, open_entry};
pub(crate) use hashes::{ContentHash, HashIndex, Stamp};

/// Default limit of the cache, in bytes.
pub const CACHE_LIMIT: u64 = 10_000_000_000;

/// Ending of the names of entries.
const ENTRY: &str = "pixels";
/// Ending of the names of temporary files.
const PARTIAL: &str = "partial";
/// Ending of the names of files with hashes.
const INDEX: &str = "hashes";

/// Age from which a temporary file that no process holds is removed.
const STALE: Duration = Duration::from_secs(60);

/// Place of decoded images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CacheOptions {
    /// The folder `$MODISTE_CACHE`, else `$XDG_CACHE_HOME/modiste`, else `~/.cache/modiste` (`%LOCALAPPDATA%\modiste` on
    /// Windows), of at most [`CACHE_LIMIT`] bytes.
    #[default]
    Standard,
    /// A folder, and the largest number of bytes in it.
    Folder {
        /// Path of the folder, which is created.
        path: PathBuf,
        /// Limit in bytes.
        limit: u64,
    },
    /// No cache: images are decoded each time, into memory.
    Off,
}

impl CacheOptions {
    /// Folder of the cache and its limit in bytes; `None` without a cache, or if the system has no folder for it.
    pub fn folder(&self) -> Option<(PathBuf, u64)> {
        match self {
            Self::Standard => Some((standard_folder(|name| env::var_os(name))?, CACHE_LIMIT)),
            Self::Folder { path, limit } => Some((path.clone(), *limit)),
            Self::Off => None,
        }
    }
}

fn standard_folder(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Option<PathBuf> {
    let path = |name| {
        variable(name)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    };
    // The XDG specification requires relative paths to be ignored.
    let absolute = |name| path(name).filter(|path| path.is_absolute());
    path("MODISTE_CACHE")
        .or_else(|| Some(absolute("XDG_CACHE_HOME")?.join("modiste")))
        .or_else(|| match cfg!(windows) {
            true => Some(absolute("LOCALAPPDATA")?.join("modiste")),
            false => Some(absolute("HOME")?.join(".cache/modiste")),
        })
}

/// Entry of the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheEntry {
    /// Path of the file.
    pub path: PathBuf,
    /// Length in bytes.
    pub bytes: u64,
    /// Time of the last use.
    pub last_used: SystemTime,
}

/// Lists the entries of a cache, least recently used first. A folder that does not exist has none.
///
/// # Errors
/// Returns the error of the file system.
///
/// ```
/// use modiste_dataset::{CacheOptions, cache_entries};
///
/// let folder = tempfile::tempdir()?;
/// let cache = CacheOptions::Folder { path: folder.path().join("new"), limit: 1_000 };
/// assert_eq!(cache_entries(&cache)?, []);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn cache_entries(options: &CacheOptions) -> io::Result<Vec<CacheEntry>> {
    match options.folder() {
        Some((folder, _)) => entries(&folder),
        None => Ok(Vec::new()),
    }
}

/// Removes all files of a cache, and returns the number of bytes that are free now. Files that another process writes
/// at the moment stay.
///
/// # Errors
/// Returns the error of the file system.
pub fn clear_cache(options: &CacheOptions) -> io::Result<u64> {
    let Some((folder, _)) = options.folder() else {
        return Ok(0);
    };
    if !folder.exists() {
        return Ok(0);
    }
    let _lock = lock(&folder)?;
    let mut freed = 0;
    for (path, metadata) in files(&folder, &[ENTRY, INDEX])? {
        freed += metadata.len();
        fs::remove_file(path)?;
    }
    Ok(freed + remove_stale(&folder, Duration::ZERO))
}

fn entries(folder: &Path) -> io::Result<Vec<CacheEntry>> {
    let mut entries: Vec<CacheEntry> = files(folder, &[ENTRY])?
        .into_iter()
        .map(|(path, metadata)| CacheEntry {
            path,
            bytes: metadata.len(),
            last_used: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
        })
        .collect();
    entries.sort_by(|one, other| (one.last_used, &one.path).cmp(&(other.last_used, &other.path)));
    Ok(entries)
}

/// Files of the cache with one of the endings. Other files in the folder are not touched.
fn files(folder: &Path, endings: &[&str]) -> io::Result<Vec<(PathBuf, fs::Metadata)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        // Another process may have removed it meanwhile.
        if ending.is_some_and(|ending| endings.contains(&ending))
            && let Ok(metadata) = path.metadata()
            && metadata.is_file()
        {
            found.push((path, metadata));
        }
    }
    Ok(found)
}

/// Removes the least recently used entries until `bytes` more fit into `limit`.
pub(crate) fn make_room(folder: &Path, bytes: u64, limit: u64) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let _lock = lock(folder)?;
    remove_stale(folder, STALE);
    let entries = entries(folder)?;
    let mut total: u64 = entries.iter().map(|entry| entry.bytes).sum();
    for entry in entries {
        if total.saturating_add(bytes) <= limit {
            break;
        }
        // An entry that cannot be removed, because another process has it open on Windows, is left.
        if fs::remove_file(&entry.path).is_ok() {
            total -= entry.bytes;
        }
    }
    Ok(())
}

/// Exclusive lock of the folder, until the file is dropped.
fn lock(folder: &Path) -> io::Result<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join("lock"))?;
    file.lock()?;
    Ok(file)
}

/// Removes temporary files of processes that were killed, and returns their length. A process holds a lock on its file.
fn remove_stale(folder: &Path, age: Duration) -> u64 {
    let mut freed = 0;
    for (path, metadata) in files(folder, &[PARTIAL]).unwrap_or_default() {
        let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let is_old = modified.elapsed().is_ok_and(|elapsed| elapsed >= age);
        let is_free = || File::open(&path).is_ok_and(|file| file.try_lock().is_ok());
        if is_old && is_free() && fs::remove_file(&path).is_ok() {
            freed += metadata.len();
        }
    }
    freed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_decides_the_folder() {
        let with = |set: &[(&str, &str)]| {
            let set: Vec<(String, String)> = set
                .iter()
                .map(|&(name, value)| (name.into(), value.into()))
                .collect();
            standard_folder(|name| {
                let found = set.iter().find(|(known, _)| known == name);
                found.map(|(_, value)| value.into())
            })
        };
        assert_eq!(with(&[]), None);
        #[cfg(unix)]
        {
            let home = ("HOME", "/home/x");
            assert_eq!(with(&[home]), Some("/home/x/.cache/modiste".into()));
            let relative = ("XDG_CACHE_HOME", "cache");
            assert_eq!(
                with(&[home, relative]),
                Some("/home/x/.cache/modiste".into())
            );
            let xdg = ("XDG_CACHE_HOME", "/cache");
            assert_eq!(with(&[home, xdg]), Some("/cache/modiste".into()));
            assert_eq!(
                with(&[home, xdg, ("MODISTE_CACHE", "here")]),
                Some("here".into())
            );
            assert_eq!(
                with(&[home, xdg, ("MODISTE_CACHE", "")]),
                Some("/cache/modiste".into())
            );
        }
    }

    fn write(folder: &Path, name: &str, bytes: usize, seconds: u64) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, vec![0; bytes]).expect("written");
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let file = File::options().write(true).open(&path).expect("a file");
        file.set_modified(time).expect("a time");
        path
    }

    #[test]
    fn least_recently_used_entries_go_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let [old, new, newest] = [("b.pixels", 1), ("a.pixels", 5), ("c.pixels", 9)]
            .map(|(name, seconds)| write(folder.path(), name, 100, seconds));
        let foreign = write(folder.path(), "holiday.jpg", 100, 0);
        make_room(folder.path(), 150, 400).expect("room");
        assert!(!old.exists() && new.exists() && newest.exists() && foreign.exists());
        make_room(folder.path(), 300, 350).expect("room");
        assert!(!new.exists() && !newest.exists() && foreign.exists());
    }

    #[test]
    fn files_of_killed_processes_are_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let killed = write(folder.path(), "1.partial", 7, 1);
        let held = write(folder.path(), "2.partial", 7, 1);
        let lock = File::open(&held).expect("a file");
        lock.lock().expect("a lock");
        make_room(folder.path(), 1, 10).expect("room");
        assert!(!killed.exists() && held.exists());
        let cache = CacheOptions::Folder {
            path: folder.path().into(),
            limit: 10,
        };
        write(folder.path(), "3.pixels", 30, 1);
        write(folder.path(), "4.hashes", 3, 1);
        assert_eq!(cache_entries(&cache).expect("readable").len(), 1);
        assert_eq!(clear_cache(&cache).expect("cleared"), 33);
        drop(lock);
        assert_eq!(clear_cache(&cache).expect("cleared"), 7);
    }
}
