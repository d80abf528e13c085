//! Lock of a run, which only one process can hold.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::warning::Warning;

/// Name of the lock file. It is not removed: one process could otherwise lock the old file and another a new one.
pub(super) const LOCK: &str = ".lock";

/// Text in the lock file, before the process ID.
const HOLDER: &str = "process ";

/// Maximum time that the system takes to release the lock of a killed process.
const PATIENCE: Duration = Duration::from_secs(1);

/// Lock of a run, held until the value is dropped. The system releases it when the process ends, even if it is
/// killed; the text of the file only names the last holder.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Acquires the lock of the run in `folder`.
    ///
    /// # Errors
    /// Returns [`Error::Locked`] if another process holds it and [`Error::File`] if the folder is not
    /// writable.
    pub(super) fn acquire(folder: &Path, on_warning: &mut dyn FnMut(Warning)) -> Result<Self> {
        let path = folder.join(LOCK);
        let mut file = open(&path).map_err(|cause| Error::NotWritable {
            path: folder.into(),
            cause,
        })?;
        let start = Instant::now();
        let mut locked = file.try_lock();
        while matches!(locked, Err(TryLockError::WouldBlock)) && start.elapsed() < PATIENCE {
            std::thread::sleep(PATIENCE / 20);
            locked = file.try_lock();
        }
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Locked {
                    path: folder.into(),
                    holder: holder(&mut file),
                });
            }
            // Some network file systems do not support locks. Training is still possible without one.
            Err(TryLockError::Error(cause)) => on_warning(Warning::CannotLock {
                run: folder.into(),
                cause,
            }),
        }
        let before = holder(&mut file);
        if !before.is_empty() {
            on_warning(Warning::StaleLock {
                run: folder.into(),
                holder: before,
            });
        }
        // On a full disk, the name of the holder cannot be written; the lock is valid without it.
        write_holder(&mut file).ok();
        Ok(Self { file })
    }

    /// Returns whether a process holds the lock of the run in `folder`.
    pub(super) fn is_held(folder: &Path) -> bool {
        let Ok(file) = File::open(folder.join(LOCK)) else {
            return false;
        };
        // A shared lock, so that processes that only list runs do not exclude each other.
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // An empty file names no holder.
        let _ = self.file.set_len(0);
    }
}

/// Returns whether a file of this name is a lock file of a run.
pub(super) fn is_lock(path: &Path) -> bool {
    std::fs::read_to_string(path).is_ok_and(|text| text.is_empty() || text.starts_with(HOLDER))
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
    match read {
        Ok(_) => text.trim().to_owned(),
        Err(_) => "another process".to_owned(),
    }
}

fn write_holder(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{HOLDER}{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excludes_other_holders_until_dropped() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(!Lock::is_held(folder.path()));
        let lock = Lock::acquire(folder.path(), &mut |_| {}).expect("it is free");
        assert!(Lock::is_held(folder.path()));
        let refused = Lock::acquire(folder.path(), &mut |_| {})
            .expect_err("taken")
            .to_string();
        let us = format!("in use by process {}:", std::process::id());
        assert!(refused.contains(&us), "{refused}");
        drop(lock);
        assert!(!Lock::is_held(folder.path()));
        Lock::acquire(folder.path(), &mut |_| {}).expect("it is free again");
    }

    #[test]
    fn removes_stale_lock() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(LOCK), "process 4194304\n").expect("written");
        assert!(!Lock::is_held(folder.path()));
        let mut warnings = Vec::new();
        Lock::acquire(folder.path(), &mut |warning| {
            warnings.push(warning.to_string());
        })
        .expect("it is free");
        assert!(
            warnings[0].contains("stale lock left by process 4194304"),
            "{warnings:?}"
        );
    }
}
