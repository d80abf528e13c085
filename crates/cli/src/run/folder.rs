//! The folder of a run: one process writes to it at a time, and every file in it is whole.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use modiste_core::shown;
use modiste_core::write_atomic;
use modiste_metrics::EpochMetrics;
use modiste_model::Network;
use modiste_report::{accuracy_curve, history_csv, loss_curve, parse_history_csv};

use super::checkpoints::Checkpoints;
use super::lock::{LOCK, Lock, is_lock};
use super::record::{RECORD, Record};
use super::temporary::{TEMPORARY, remove_temporary_files};
use crate::json::{pretty_json, read_text};
use crate::shell;

/// Where runs go for which no folder is named.
pub(crate) const RUNS: &str = "runs";

/// The history's name.
const HISTORY: &str = "history.csv";

/// The log's name.
pub(crate) const EVENTS: &str = "events.jsonl";

/// The final weights.
pub(crate) const MODEL: &str = "model.safetensors";

/// The weights of the best epoch, where images were held back to choose it on.
pub(crate) const BEST: &str = "best.safetensors";

/// Under what its description of the training says which epoch that is.
pub(crate) const EPOCH: &str = "epoch";

/// A folder that is this process's alone.
pub(crate) struct RunFolder {
    path: PathBuf,
    pub(crate) checkpoints: Checkpoints,
    _lock: Lock,
}

impl RunFolder {
    /// The folder that was asked for, which must be new or empty; else the first free `runs/NAME-N`.
    ///
    /// # Errors
    /// Where the folder holds anything, or cannot be made, or is another process's.
    pub(crate) fn create(asked_for: Option<&Path>, name: &str) -> Result<Self> {
        let Some(path) = asked_for else {
            return Self::fresh(Path::new(RUNS), name);
        };
        fs::create_dir_all(path).with_context(|| shown(path))?;
        if path.join(RECORD).exists() {
            let unfinished = Record::read(path).is_ok_and(|record| record.can_go_on());
            let advice = match unfinished {
                true => {
                    "\n".to_owned() + &shell::advice("to go on with that run", &shell::resume(path))
                }
                false => String::new(),
            };
            bail!(
                "{} is not empty, and a run never overwrites anything: name another folder{advice}",
                shown(path)
            );
        }
        // Before the lock, which would be one more file, and after it, when nobody else writes.
        refuse_if_used(path)?;
        let folder = Self::take(path)?;
        refuse_if_used(path)?;
        Ok(folder)
    }

    fn fresh(runs: &Path, name: &str) -> Result<Self> {
        fs::create_dir_all(runs).with_context(|| shown(runs))?;
        let mut number = 1;
        loop {
            let path = runs.join(format!("{name}-{number}"));
            // Whoever makes the folder has it: two runs that start at once get two.
            match fs::create_dir(&path) {
                Ok(()) => return Self::take(&path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error).with_context(|| shown(&path)),
            }
        }
    }

    /// The folder of a run that has begun, and its record.
    ///
    /// # Errors
    /// Where it holds no run, or another process has it.
    pub(crate) fn open(path: &Path) -> Result<(Self, Record)> {
        // Before the lock, so that nothing is left in a folder that holds no run.
        Record::read(path)?;
        let folder = Self::take(path)?;
        Ok((folder, Record::read(path)?))
    }

    fn take(path: &Path) -> Result<Self> {
        let lock = Lock::take(path)?;
        let checkpoints = Checkpoints::of(path);
        remove_temporary_files(path);
        checkpoints.remove_remains();
        Ok(Self {
            path: path.into(),
            checkpoints,
            _lock: lock,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a model of so many bytes finds room, and something for its history beside it.
    ///
    /// # Errors
    /// Where the disk is full or the folder takes no file.
    pub(crate) fn reserve(&self, model_bytes: usize) -> Result<()> {
        const BESIDE: usize = 1 << 20;
        let probe = || -> io::Result<()> {
            let mut file = tempfile::tempfile_in(&self.path)?;
            let zeros = vec![0; 1 << 16];
            for _ in 0..(model_bytes + BESIDE).div_ceil(zeros.len()) {
                file.write_all(&zeros)?;
            }
            file.sync_all()
        };
        probe().with_context(|| {
            format!(
                "{} cannot take the model, {} MiB",
                shown(&self.path),
                (model_bytes + BESIDE).div_ceil(1 << 20)
            )
        })
    }

    /// Writes `run.json`.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(crate) fn write_record(&self, record: &Record) -> Result<()> {
        let mut json = pretty_json(&record.as_stored())?;
        json.push('\n');
        self.write(RECORD, json.as_bytes())
    }

    /// Writes a network under one of the names [`MODEL`] and [`BEST`].
    ///
    /// # Errors
    /// If it cannot be written, or has numbers that nothing can be computed with.
    pub(crate) fn write_network(&self, name: &str, network: &Network) -> Result<()> {
        Ok(network.save(&self.file(name))?)
    }

    /// Writes the history.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(crate) fn write_history(&self, history: &[EpochMetrics]) -> Result<()> {
        self.write(HISTORY, history_csv(&rounded(history)).as_bytes())
    }

    /// Writes the curves of a history of at least one epoch.
    ///
    /// # Errors
    /// Where one cannot be written.
    pub(crate) fn write_curves(&self, history: &[EpochMetrics]) -> Result<()> {
        let history = rounded(history);
        self.write("accuracy.png", &accuracy_curve(&history)?)?;
        self.write("loss.png", &loss_curve(&history)?)
    }

    /// A file in the folder, for those that grow.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        write_atomic(&path, bytes).with_context(|| shown(&path))
    }
}

/// The history of the run in `folder`; none of a run that has not come to the end of an epoch.
///
/// # Errors
/// Where there is a history that cannot be read.
pub(crate) fn read_history(folder: &Path) -> Result<Vec<EpochMetrics>> {
    let path = folder.join(HISTORY);
    match read_text(&path) {
        Ok(text) => parse_history_csv(&text).with_context(|| shown(&path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| shown(&path)),
    }
}

/// Fails where a folder holds anything but what a process leaves that was killed before it had written
/// its record.
fn refuse_if_used(path: &Path) -> Result<()> {
    let context = || shown(path);
    for entry in fs::read_dir(path).with_context(context)? {
        let name = entry.with_context(context)?.file_name();
        let ours = match name.to_str() {
            Some(LOCK) => is_lock(&path.join(LOCK)),
            name => name.is_some_and(|name| name.starts_with(TEMPORARY)),
        };
        if !ours {
            bail!(
                "{} is not empty, and a run never overwrites anything: name another folder",
                shown(path)
            );
        }
    }
    Ok(())
}

/// The history as the file keeps it: durations to the millisecond.
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
    fn a_folder_with_anything_in_it_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        RunFolder::create(Some(folder.path()), "x").expect("it is empty");
        // As a process leaves it that was killed before it had written its record.
        fs::write(folder.path().join(".modiste-x"), "half").expect("written");
        RunFolder::create(Some(folder.path()), "x").expect("it is as good as empty");
        RunFolder::create(Some(&folder.path().join("a/b")), "x").expect("it is new");
        let refused = |path: &Path| {
            let refused = RunFolder::create(Some(path), "x").err().expect("refused");
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
    fn fresh_folders_are_numbered() {
        let folder = tempfile::tempdir().expect("a folder");
        for expected in ["smoke-1", "smoke-2"] {
            let run = RunFolder::fresh(folder.path(), "smoke").expect("a fresh one");
            assert_eq!(run.path(), folder.path().join(expected));
        }
    }
}
