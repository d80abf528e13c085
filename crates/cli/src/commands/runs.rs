//! `runs`: the runs of a folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::messages::say;
use crate::names;
use crate::output;
use crate::run::{Lock, RUNS, Record, State, read_history};
use modiste_core::shown;

/// The flags of `runs`.
#[derive(clap::Args)]
#[command(
    after_help = "A run is running, finished, interrupted (by Ctrl-C), failed, or killed: then its process\n\
                        is gone and did not say why. `modiste train --resume RUN` goes on with one that is\n\
                        interrupted or killed. Accuracy and loss are those of the test images; of a run that is\n\
                        not finished, in brackets, of the validation images after its last epoch.\n\n\
                        Examples:\n  modiste runs\n  modiste runs elsewhere/ --json"
)]
pub(crate) struct Arguments {
    /// The folder that holds runs.
    #[arg(value_name = "DIR", default_value = RUNS)]
    folder: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// One run of a list.
#[derive(Serialize)]
struct Row {
    name: String,
    recipe: String,
    dataset: String,
    architecture: String,
    state: &'static str,
    epochs_done: usize,
    epochs: usize,
    test_accuracy: Option<f64>,
    test_loss: Option<f64>,
    val_accuracy: Option<f64>,
    val_loss: Option<f64>,
    /// Of its whole epochs.
    seconds: f64,
}

/// Runs the command.
///
/// # Errors
/// Where the folder cannot be read. A run whose record cannot be read is told, and left out.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let folder = &arguments.folder;
    let entries = fs::read_dir(folder).with_context(|| shown(folder))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort_by_key(|path| in_order(path));
    let mut rows = Vec::new();
    for path in paths.iter().filter(|path| path.join("run.json").exists()) {
        match row(path) {
            Ok(row) => rows.push(row),
            Err(error) => say(format_args!("warning: {error:#}")),
        }
    }
    if arguments.json {
        return output::json(&rows);
    }
    if rows.is_empty() {
        say(format_args!("there is no run in {}", shown(folder)));
        return Ok(());
    }
    let cells: Vec<_> = rows.iter().map(Row::cells).collect();
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
    output::line(output::table(headings, &cells))
}

fn row(path: &Path) -> Result<Row> {
    let record = Record::read(path)?;
    let history = read_history(path)?;
    let last = history.last();
    let killed = record.state == State::Running && !Lock::is_taken(path);
    Ok(Row {
        name: names::own(path),
        recipe: record.recipe,
        dataset: record.dataset.name,
        architecture: record.architecture.name,
        state: if killed {
            "killed"
        } else {
            record.state.name()
        },
        epochs_done: history.len(),
        epochs: record.config.epochs,
        test_accuracy: record.test.map(|test| test.accuracy),
        test_loss: record.test.map(|test| test.loss),
        val_accuracy: last.map(|epoch| epoch.val_accuracy),
        val_loss: last.map(|epoch| epoch.val_loss),
        seconds: history.iter().fold(0.0, |sum, epoch| sum + epoch.seconds),
    })
}

impl Row {
    fn cells(&self) -> [String; 8] {
        let number = |test: Option<f64>, validation: Option<f64>| match (test, validation) {
            (Some(test), _) => format!("{test:.4}"),
            (None, Some(validation)) => format!("({validation:.4})"),
            (None, None) => "-".into(),
        };
        [
            self.name.clone(),
            self.recipe.clone(),
            self.architecture.clone(),
            self.state.into(),
            format!("{}/{}", self.epochs_done, self.epochs),
            number(self.test_accuracy, self.val_accuracy),
            number(self.test_loss, self.val_loss),
            format!("{:.0}", self.seconds),
        ]
    }
}

/// `fashion-10` after `fashion-9`.
fn in_order(path: &Path) -> (String, u64) {
    let name = names::own(path);
    let digits = name.len() - name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (front, number) = name.split_at(name.len() - digits);
    (front.to_owned(), number.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_their_order() {
        let mut paths = ["b-2", "a-10", "a-9", "a"].map(PathBuf::from);
        paths.sort_by_key(|path| in_order(path));
        assert_eq!(paths, ["a", "a-9", "a-10", "b-2"].map(PathBuf::from));
    }
}
