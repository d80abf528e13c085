//! Folder of a run: one process writes to it at a time, and every file in it is complete.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use modiste_core::write_atomic;
use modiste_metrics::EpochMetrics;
use modiste_model::Network;
use modiste_report::{accuracy_curve, history_csv, loss_curve, parse_history_csv};

use super::checkpoints::Checkpoints;
use super::lock::{LOCK, Lock, is_lock};
use super::record::{RECORD, Record};
use super::temporary::{TEMPORARY, remove_temporary_files};
use crate::error::{Error, Result};
use crate::json::{pretty_json, read_text};
use crate::warning::Warning;

/// Default parent folder of runs.
pub const RUNS: &str = "runs";

/// File name of the history.
const HISTORY: &str = "history.csv";

/// File name of the event log.
pub(crate) const EVENTS: &str = "events.jsonl";

/// File name of the model with the final weights.
pub const MODEL: &str = "model.safetensors";

/// File name of the model with the best epoch's weights, if there is a validation split to choose it on.
pub(super) const BEST: &str = "best.safetensors";

/// Key of that epoch in the training metadata of the file.
pub(super) const EPOCH: &str = "epoch";

/// Folder of a run that this process has locked.
#[derive(Debug)]
pub(super) struct RunFolder {
    path: PathBuf,
    pub(super) checkpoints: Checkpoints,
    _lock: Lock,
}

impl RunFolder {
    /// Creates the folder `path`, which must be new or empty; without a path the first free `runs/NAME-N`.
    ///
    /// # Errors
    /// Returns [`Error::NotEmpty`] if the folder contains anything, [`Error::Locked`] if another process
    /// uses it, and [`Error::File`] if it cannot be created.
    pub(super) fn create(
        path: Option<&Path>,
        name: &str,
        on_warning: &mut dyn FnMut(Warning),
    ) -> Result<Self> {
        let Some(path) = path else {
            return Self::create_numbered(Path::new(RUNS), name, on_warning);
        };
        fs::create_dir_all(path).map_err(Error::file(path))?;
        // Checked before locking, which creates a file, and after it, when no other process writes.
        check_unused(path)?;
        let folder = Self::lock(path, on_warning)?;
        check_unused(path)?;
        Ok(folder)
    }

    fn create_numbered(
        runs: &Path,
        name: &str,
        on_warning: &mut dyn FnMut(Warning),
    ) -> Result<Self> {
        fs::create_dir_all(runs).map_err(Error::file(runs))?;
        let mut number = 1;
        loop {
            let path = runs.join(format!("{name}-{number}"));
            // The process that creates the folder owns it: two runs that start at the same time use two folders.
            match fs::create_dir(&path) {
                Ok(()) => return Self::lock(&path, on_warning),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(Error::file(&path)(error)),
            }
        }
    }

    /// Opens the folder of a run that has started, and reads its record.
    ///
    /// # Errors
    /// Returns the errors of [`Record::read`], and [`Error::Locked`] if another process uses it.
    pub(super) fn open(path: &Path, on_warning: &mut dyn FnMut(Warning)) -> Result<(Self, Record)> {
        // Read before locking, so that no file is created in a folder that is not a run.
        Record::read(path)?;
        let folder = Self::lock(path, on_warning)?;
        Ok((folder, Record::read(path)?))
    }

    fn lock(path: &Path, on_warning: &mut dyn FnMut(Warning)) -> Result<Self> {
        let lock = Lock::acquire(path, on_warning)?;
        let checkpoints = Checkpoints::of(path);
        remove_temporary_files(path);
        checkpoints.remove_temporary_files();
        Ok(Self {
            path: path.into(),
            checkpoints,
            _lock: lock,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that a model of `model_bytes` bytes and the files beside it fit on the disk.
    ///
    /// # Errors
    /// Returns [`Error::NoRoom`] if the disk is full or the folder is not writable.
    pub(super) fn reserve(&self, model_bytes: usize) -> Result<()> {
        const BESIDE: usize = 1 << 20;
        let probe = || -> io::Result<()> {
            let mut file = tempfile::tempfile_in(&self.path)?;
            let zeros = vec![0; 1 << 16];
            for _ in 0..(model_bytes + BESIDE).div_ceil(zeros.len()) {
                file.write_all(&zeros)?;
            }
            file.sync_all()
        };
        probe().map_err(|cause| Error::NoRoom {
            path: self.path.clone(),
            mebibytes: (model_bytes + BESIDE).div_ceil(1 << 20),
            cause,
        })
    }

    /// Writes `run.json`.
    ///
    /// # Errors
    /// Returns [`Error::File`] if it cannot be written.
    pub(super) fn write_record(&self, record: &Record) -> Result<()> {
        let mut json = pretty_json(&record.as_stored()).expect("plain data becomes JSON");
        json.push('\n');
        self.write(RECORD, json.as_bytes())
    }

    /// Writes a network under one of the names [`MODEL`] and [`BEST`].
    ///
    /// # Errors
    /// Returns [`Error::Model`] if it cannot be written, or contains NaN.
    pub(super) fn write_network(&self, name: &str, network: &Network) -> Result<()> {
        Ok(network.save(&self.file(name))?)
    }

    /// Writes the history.
    ///
    /// # Errors
    /// Returns [`Error::File`] if it cannot be written.
    pub(super) fn write_history(&self, history: &[EpochMetrics]) -> Result<()> {
        self.write(HISTORY, history_csv(&rounded(history)).as_bytes())
    }

    /// Writes the curves of a history of at least one epoch.
    ///
    /// # Errors
    /// Returns [`Error::File`] if one cannot be written and [`Error::Report`] if one cannot be drawn.
    pub(super) fn write_curves(&self, history: &[EpochMetrics]) -> Result<()> {
        let history = rounded(history);
        self.write("accuracy.png", &accuracy_curve(&history)?)?;
        self.write("loss.png", &loss_curve(&history)?)
    }

    /// Returns the path of a file in the folder.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        write_atomic(&path, bytes).map_err(Error::file(&path))
    }
}

/// Reads the history of the run in `folder`; it is empty before the end of the first epoch.
///
/// # Errors
/// Returns [`Error::File`] or [`Error::Contents`] if the file exists and cannot be read.
pub fn read_history(folder: &Path) -> Result<Vec<EpochMetrics>> {
    let path = folder.join(HISTORY);
    match read_text(&path) {
        Ok(text) => parse_history_csv(&text).map_err(|error| Error::Contents {
            path,
            reason: error.to_string(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::file(&path)(error)),
    }
}

/// Checks that a folder is empty, apart from files of a process that was killed before it wrote its record.
fn check_unused(path: &Path) -> Result<()> {
    for entry in fs::read_dir(path).map_err(Error::file(path))? {
        let name = entry.map_err(Error::file(path))?.file_name();
        let ours = match name.to_str() {
            Some(LOCK) => is_lock(&path.join(LOCK)),
            name => name.is_some_and(|name| name.starts_with(TEMPORARY)),
        };
        if !ours {
            return Err(Error::NotEmpty {
                path: path.into(),
                is_resumable: Record::read(path).is_ok_and(|record| record.is_resumable()),
            });
        }
    }
    Ok(())
}

/// Rounds durations to milliseconds, as the file stores them.
fn rounded(history: &[EpochMetrics]) -> Vec<EpochMetrics> {
    let rounded = |epoch: &EpochMetrics| EpochMetrics {
        seconds: (epoch.seconds * 1e3).round() / 1e3,
        ..*epoch
    };
    history.iter().map(rounded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_folder_that_is_not_empty() {
        let folder = tempfile::tempdir().expect("a folder");
        RunFolder::create(Some(folder.path()), "x", &mut |_| {}).expect("it is empty");
        // State of a process that was killed before it wrote its record.
        fs::write(folder.path().join(".modiste-x"), "half").expect("written");
        RunFolder::create(Some(folder.path()), "x", &mut |_| {}).expect("it counts as empty");
        RunFolder::create(Some(&folder.path().join("a/b")), "x", &mut |_| {}).expect("it is new");
        let refused = |path: &Path| {
            let refused = RunFolder::create(Some(path), "x", &mut |_| {}).expect_err("refused");
            assert!(refused.to_string().contains("is not empty"), "{refused}");
        };
        refused(folder.path());
        let other = tempfile::tempdir().expect("a folder");
        let lock = other.path().join(".lock");
        fs::write(&lock, "precious").expect("written");
        refused(other.path());
        assert_eq!(fs::read_to_string(&lock).expect("text"), "precious");
    }

    #[test]
    fn numbers_folders() {
        let folder = tempfile::tempdir().expect("a folder");
        for expected in ["smoke-1", "smoke-2"] {
            let run =
                RunFolder::create_numbered(folder.path(), "smoke", &mut |_| {}).expect("a new one");
            assert_eq!(run.path(), folder.path().join(expected));
        }
    }
}
