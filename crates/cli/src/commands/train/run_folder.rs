//! The folder of a run: fresh or empty, and every file in it written whole.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use modiste_dataset::write_atomic;
use modiste_model::Network;
use modiste_report::{EpochRecord, accuracy_curve, history_csv, loss_curve};
use modiste_train::EpochSummary;

use super::record::Record;

/// Where runs go for which no folder is named.
const RUNS: &str = "runs";

/// A folder that is this run's alone.
pub(crate) struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// The folder that was asked for, which must be new or empty; else the first free `runs/NAME-N`.
    ///
    /// # Errors
    /// Where the folder holds anything, or cannot be made.
    pub(crate) fn create(asked_for: Option<&Path>, name: &str) -> Result<Self> {
        let Some(path) = asked_for else {
            return Self::fresh(Path::new(RUNS), name);
        };
        fs::create_dir_all(path).with_context(|| path.display().to_string())?;
        let mut entries = fs::read_dir(path).with_context(|| path.display().to_string())?;
        if entries.next().is_some() {
            bail!(
                "{} is not empty, and a run never overwrites anything: name another folder",
                path.display()
            );
        }
        Ok(Self { path: path.into() })
    }

    fn fresh(runs: &Path, name: &str) -> Result<Self> {
        fs::create_dir_all(runs).with_context(|| runs.display().to_string())?;
        let mut number = 1;
        loop {
            let path = runs.join(format!("{name}-{number}"));
            // Whoever makes the folder has it: two runs that start at once get two.
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error).with_context(|| path.display().to_string()),
            }
        }
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
                self.path.display(),
                (model_bytes + BESIDE).div_ceil(1 << 20)
            )
        })
    }

    /// Writes `run.json`.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(crate) fn write_record(&self, record: &Record) -> Result<()> {
        let mut json = serde_json::to_string_pretty(record)?;
        json.push('\n');
        self.write("run.json", json.as_bytes())
    }

    /// Writes the model, the history and, where an epoch is complete, its curves.
    ///
    /// # Errors
    /// Where one cannot be written.
    pub(crate) fn write_results(&self, network: &Network, history: &[EpochSummary]) -> Result<()> {
        self.write("model.safetensors", &network.to_bytes()?)?;
        let history: Vec<EpochRecord> = history.iter().map(record_of).collect();
        self.write("history.csv", history_csv(&history).as_bytes())?;
        if !history.is_empty() {
            self.write("accuracy.png", &accuracy_curve(&history)?)?;
            self.write("loss.png", &loss_curve(&history)?)?;
        }
        Ok(())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        write_atomic(&path, bytes).with_context(|| path.display().to_string())
    }
}

/// The same epoch as the report knows it, with times to the millisecond.
fn record_of(summary: &EpochSummary) -> EpochRecord {
    EpochRecord {
        epoch: summary.epoch,
        loss: summary.loss,
        accuracy: summary.accuracy,
        val_loss: summary.val_loss,
        val_accuracy: summary.val_accuracy,
        learning_rate: summary.learning_rate,
        seconds: (summary.seconds * 1e3).round() / 1e3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_anything_in_it_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        RunFolder::create(Some(folder.path()), "x").expect("it is empty");
        RunFolder::create(Some(&folder.path().join("a/b")), "x").expect("it is new");
        let refused = RunFolder::create(Some(folder.path()), "x")
            .err()
            .expect("refused");
        assert!(refused.to_string().contains("is not empty"), "{refused}");
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
