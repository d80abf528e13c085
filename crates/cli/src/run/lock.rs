//! One process per run.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::messages::say;
use modiste_core::shown;

/// The file's name. It stays: were it removed, one process could lock the old file and another a new
/// one.
pub(super) const LOCK: &str = ".lock";

/// What the file says before the number of the process.
const HOLDER: &str = "process ";

/// How long a process may take to let go of the lock after it was killed.
const PATIENCE: Duration = Duration::from_secs(1);

/// Holds a run while it lives. The system lets go of it when the process ends, however it ends, so
/// that no lock is left over: what the file says is only who had it last.
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of the run in `folder`.
    ///
    /// # Errors
    /// Where another process has it, or the folder takes no file.
    pub(super) fn take(folder: &Path) -> Result<Self> {
        let path = folder.join(LOCK);
        let mut file = open(&path).with_context(|| {
            format!(
                "{} takes no file, and a run writes to its folder",
                shown(folder)
            )
        })?;
        let start = Instant::now();
        let mut locked = file.try_lock();
        while matches!(locked, Err(TryLockError::WouldBlock)) && start.elapsed() < PATIENCE {
            std::thread::sleep(PATIENCE / 20);
            locked = file.try_lock();
        }
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "{} is in the hands of {}: wait for it to end, or end it",
                shown(folder),
                holder(&mut file)
            ),
            // Some network file systems have no locks; better to train than to refuse.
            Err(TryLockError::Error(error)) => {
                say(format_args!(
                    "warning: {} cannot be locked ({error}): see to it that no other process trains there",
                    shown(folder)
                ));
            }
        }
        let before = holder(&mut file);
        if !before.is_empty() {
            say(format_args!(
                "{}: {before} had it and ended without a word; its lock is void",
                shown(folder)
            ));
        }
        // On a full disk nobody can read who has it, and it is locked all the same.
        write_holder(&mut file).ok();
        Ok(Self { file })
    }

    /// Whether a process has the run now.
    pub(crate) fn is_taken(folder: &Path) -> bool {
        let Ok(file) = File::open(folder.join(LOCK)) else {
            return false;
        };
        // Not for itself: two who only look do not stand in each other's way.
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Nobody has it: that is what an empty file says.
        let _ = self.file.set_len(0);
    }
}

/// Whether a file of that name is one of ours.
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
    fn a_run_is_one_process_s_and_free_again_after_it() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(!Lock::is_taken(folder.path()));
        let lock = Lock::take(folder.path()).expect("it is free");
        assert!(Lock::is_taken(folder.path()));
        let refused = Lock::take(folder.path()).err().expect("taken").to_string();
        let us = format!("in the hands of process {}:", std::process::id());
        assert!(refused.contains(&us), "{refused}");
        drop(lock);
        assert!(!Lock::is_taken(folder.path()));
        Lock::take(folder.path()).expect("it is free again");
    }

    #[test]
    fn what_a_dead_process_left_is_no_lock() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(LOCK), "process 4194304\n").expect("written");
        assert!(!Lock::is_taken(folder.path()));
        Lock::take(folder.path()).expect("nobody has it");
    }
}
