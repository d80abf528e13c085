//! `bench --job`: a recipe's whole training, from a cold start to the test accuracy, by Modiste and
//! by Keras.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::command;
use crate::modiste::{Modiste, data_folder, find};
use crate::run_folder;
use crate::workspace;

/// One training.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outcome {
    /// Who, and in which version.
    name: String,
    /// From the program's start to its end.
    seconds: f64,
    test_accuracy: f64,
}

/// Trains by a recipe once with each and prints the times and accuracies.
///
/// # Errors
/// Where there is no such recipe, or a training fails.
pub(super) fn job(recipe: &str, threads: usize, python: Option<&Path>) -> Result<()> {
    let data = data_folder(None);
    let modiste = Modiste::build(data.clone())?;
    let recipes = modiste.recipes()?;
    let found = find(&recipes, recipe)?;
    ensure!(
        found.json["config"]["validation"] == "test",
        "a job is a recipe that looks at the test images; `{recipe}` does not"
    );
    command::run(modiste.command().args(["data", "download", &found.dataset]))?;
    let files = data.join(&found.dataset);
    ensure!(
        files.is_dir(),
        "the images of `{recipe}` are built into Modiste: Keras has no files to read"
    );

    let mut outcomes = vec![modiste_job(&modiste, recipe, threads)?];
    if let Some(python) = python {
        outcomes.push(keras_job(python, &found.json, &files, threads)?);
    }
    println!("{}", table(recipe, threads, &outcomes));
    Ok(())
}

fn modiste_job(modiste: &Modiste, recipe: &str, threads: usize) -> Result<Outcome> {
    let folder = tempfile::tempdir().context("a temporary folder is needed")?;
    let run = folder.path().join("run");
    let mut command = modiste.command();
    command
        .args(["train", "--quiet", "--device", "cpu", "--recipe", recipe])
        .arg(format!("--threads={threads}"))
        .arg("--run")
        .arg(&run);
    let start = Instant::now();
    command::output(&mut command)?;
    let seconds = start.elapsed().as_secs_f64();
    run_folder::check_complete(&run)?;
    let record = std::fs::read_to_string(run.join("run.json")).context("the run's record")?;
    let record: Value = serde_json::from_str(&record)?;
    let version = record["modiste"].as_str().unwrap_or_default();
    Ok(Outcome {
        name: format!("modiste ({version})"),
        seconds,
        test_accuracy: record["test"]["accuracy"]
            .as_f64()
            .context("the record has no test accuracy")?,
    })
}

fn keras_job(python: &Path, recipe: &Value, data: &Path, threads: usize) -> Result<Outcome> {
    let mut command = Command::new(python);
    command
        .arg(workspace::root().join("xtask/peers/keras_job.py"))
        .arg("--data")
        .arg(data)
        .arg(format!("--threads={threads}"))
        .arg(format!("--recipe={recipe}"));
    let start = Instant::now();
    let report = command::output(&mut command)?;
    let seconds = start.elapsed().as_secs_f64();
    let report: Value = serde_json::from_str(&report).context("what Keras reported")?;
    let version = report["version"].as_str().unwrap_or_default();
    Ok(Outcome {
        name: format!("keras ({version})"),
        seconds,
        test_accuracy: report["test_accuracy"]
            .as_f64()
            .context("Keras reported no test accuracy")?,
    })
}

fn table(recipe: &str, threads: usize, outcomes: &[Outcome]) -> String {
    let mut lines = vec![
        format!("The recipe `{recipe}` from a cold start, {threads} threads"),
        String::new(),
        "| | seconds | test accuracy |".into(),
        "|---|---|---|".into(),
    ];
    lines.extend(outcomes.iter().map(|outcome| {
        format!(
            "| {} | {:.1} | {:.2} % |",
            outcome.name,
            outcome.seconds,
            100.0 * outcome.test_accuracy
        )
    }));
    if let [own, peer] = outcomes {
        let ratio = own.seconds / peer.seconds;
        lines.push(format!("\nModiste takes {ratio:.2} of the time."));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_the_ratio_where_there_is_a_peer() {
        let outcome = |name: &str, seconds| Outcome {
            name: name.into(),
            seconds,
            test_accuracy: 0.93046,
        };
        let own = outcome("modiste (1)", 50.0);
        let alone = table("fashion", 2, std::slice::from_ref(&own));
        assert!(
            alone.ends_with("| modiste (1) | 50.0 | 93.05 % |"),
            "{alone}"
        );
        let both = table("fashion", 2, &[own, outcome("keras (3)", 200.0)]);
        assert!(both.ends_with("Modiste takes 0.25 of the time."), "{both}");
    }
}
