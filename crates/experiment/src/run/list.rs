//! List of the runs in a folder.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::folder::read_history;
use super::lock::Lock;
use super::record::{RECORD, Record, State};
use crate::error::{Error, Result};
use crate::names::file_name;
use crate::table::table;
use crate::warning::Warning;

/// Summary of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunSummary {
    /// Name of the folder.
    pub name: String,
    /// Name of the recipe.
    pub recipe: String,
    /// Name of the dataset.
    pub dataset: String,
    /// Name of the network.
    pub architecture: String,
    /// State; `killed` if the process of a running one no longer exists.
    pub state: &'static str,
    /// Number of completed epochs.
    pub epochs_done: usize,
    /// Number of epochs of the whole run.
    pub epochs: usize,
    /// Accuracy on the test images, 0 to 1, of a finished run.
    pub test_accuracy: Option<f64>,
    /// Loss on the test images of a finished run.
    pub test_loss: Option<f64>,
    /// Validation accuracy of the last epoch, 0 to 1.
    pub val_accuracy: Option<f64>,
    /// Validation loss of the last epoch.
    pub val_loss: Option<f64>,
    /// Duration of the completed epochs in seconds.
    pub seconds: f64,
}

/// Lists the runs in `folder` by name, `fashion-10` after `fashion-9`. A run whose record cannot be read is
/// reported and left out.
///
/// # Errors
/// Returns [`Error::File`] if the folder cannot be read.
pub fn list_runs(folder: &Path, on_warning: &mut dyn FnMut(Warning)) -> Result<Vec<RunSummary>> {
    let entries = fs::read_dir(folder).map_err(Error::file(folder))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.join(RECORD).exists());
    paths.sort_by_key(|path| sort_key(path));
    let mut runs = Vec::new();
    for path in paths {
        match summarize(&path) {
            Ok(run) => runs.push(run),
            Err(error) => on_warning(Warning::UnreadableRun(error)),
        }
    }
    Ok(runs)
}

/// Formats a list of runs as a table. Validation results of runs that are not finished are in parentheses.
pub fn runs_table(runs: &[RunSummary]) -> String {
    let headings = [
        "run",
        "recipe",
        "network",
        "state",
        ">epochs",
        ">accuracy",
        ">loss",
        ">seconds",
    ];
    let number = |test: Option<f64>, validation: Option<f64>| match (test, validation) {
        (Some(test), _) => format!("{test:.4}"),
        (None, Some(validation)) => format!("({validation:.4})"),
        (None, None) => "-".into(),
    };
    let row = |run: &RunSummary| {
        [
            run.name.clone(),
            run.recipe.clone(),
            run.architecture.clone(),
            run.state.into(),
            format!("{}/{}", run.epochs_done, run.epochs),
            number(run.test_accuracy, run.val_accuracy),
            number(run.test_loss, run.val_loss),
            format!("{:.0}", run.seconds),
        ]
    };
    let rows: Vec<[String; 8]> = runs.iter().map(row).collect();
    table(headings, &rows)
}

fn summarize(path: &Path) -> Result<RunSummary> {
    let record = Record::read(path)?;
    let history = read_history(path)?;
    let last = history.last();
    let is_killed = record.state == State::Running && !Lock::is_held(path);
    Ok(RunSummary {
        name: file_name(path),
        recipe: record.recipe,
        dataset: record.dataset.name,
        architecture: record.architecture.name,
        state: match is_killed {
            true => "killed",
            false => record.state.name(),
        },
        epochs_done: history.len(),
        epochs: record.config.train.epochs,
        test_accuracy: record.test.map(|test| test.accuracy),
        test_loss: record.test.map(|test| test.loss),
        val_accuracy: last.map(|epoch| epoch.val_accuracy),
        val_loss: last.map(|epoch| epoch.val_loss),
        seconds: history.iter().fold(0.0, |sum, epoch| sum + epoch.seconds),
    })
}

/// Returns the name without its number, and the number.
fn sort_key(path: &Path) -> (String, u64) {
    let name = file_name(path);
    let front = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = name[front.len()..].parse().unwrap_or(0);
    (front.to_owned(), number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_by_number() {
        let mut paths = ["b-2", "a-10", "a-9", "a"].map(PathBuf::from);
        paths.sort_by_key(|path| sort_key(path));
        assert_eq!(paths, ["a", "a-9", "a-10", "b-2"].map(PathBuf::from));
    }
}
