//! `bench --job`: duration of the whole training of a recipe, including the start of the program, in Modiste and
//! in Keras.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::bench::network::Network;
use crate::command;
use crate::modiste::{Modiste, data_folder, find};
use crate::run_folder;
use crate::workspace;

/// Result of a training.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outcome {
    /// Name and version of the program.
    name: String,
    /// Duration of the program in seconds.
    seconds: f64,
    /// Accuracy on the test images, 0 to 1.
    test_accuracy: f64,
}

/// Trains a recipe once with each program, and prints times and accuracies.
///
/// # Errors
/// If the recipe is unknown or measures no test images after each epoch, or a training fails.
pub(super) fn job(recipe: &str, threads: usize, python: Option<&Path>) -> Result<()> {
    let data = data_folder(None);
    let modiste = Modiste::build(data.clone())?;
    let recipes = modiste.recipes()?;
    let found = find(&recipes, recipe)?;
    ensure!(
        found.json["config"]["validation"] == "test",
        "the job needs a recipe that validates on the test images; `{recipe}` does not"
    );
    command::run(modiste.command().args(["data", "download", &found.dataset]))?;
    let files = data.join(&found.dataset);
    ensure!(
        files.is_dir(),
        "the images of `{recipe}` are embedded in Modiste: there are no files for Keras"
    );

    let mut outcomes = vec![modiste_job(&modiste, recipe, threads)?];
    if let Some(python) = python {
        let folder = tempfile::tempdir().context("temporary folder")?;
        let name = found.json["architecture"].as_str().unwrap_or_default();
        let network = Network::named(name, folder.path())?;
        network.write(&modiste)?;
        outcomes.push(keras_job(
            python,
            &found.json,
            &network.file,
            &files,
            threads,
        )?);
    }
    println!("{}", table(recipe, threads, &outcomes));
    Ok(())
}

fn modiste_job(modiste: &Modiste, recipe: &str, threads: usize) -> Result<Outcome> {
    let folder = tempfile::tempdir().context("temporary folder")?;
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
    let record = std::fs::read_to_string(run.join("run.json")).context("record of the run")?;
    let record: Value = serde_json::from_str(&record)?;
    let version = record["modiste"].as_str().unwrap_or_default();
    Ok(Outcome {
        name: format!("modiste ({version})"),
        seconds,
        test_accuracy: record["test"]["accuracy"]
            .as_f64()
            .context("the record contains no test accuracy")?,
    })
}

fn keras_job(
    python: &Path,
    recipe: &Value,
    network: &Path,
    data: &Path,
    threads: usize,
) -> Result<Outcome> {
    let mut command = Command::new(python);
    command
        .arg(workspace::root().join("xtask/peers/keras_job.py"))
        .arg("--network")
        .arg(network)
        .arg("--data")
        .arg(data)
        .arg(format!("--threads={threads}"))
        .arg(format!("--recipe={recipe}"));
    let start = Instant::now();
    let report = command::output(&mut command)?;
    let seconds = start.elapsed().as_secs_f64();
    let report: Value = serde_json::from_str(&report).context("output of Keras")?;
    let version = report["version"].as_str().unwrap_or_default();
    Ok(Outcome {
        name: format!("keras ({version})"),
        seconds,
        test_accuracy: report["test_accuracy"]
            .as_f64()
            .context("the output of Keras contains no test accuracy")?,
    })
}

fn table(recipe: &str, threads: usize, outcomes: &[Outcome]) -> String {
    let mut lines = vec![
        format!(
            "Training of the recipe `{recipe}` with {threads} threads, including the start of the program"
        ),
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
    fn prints_ratio_to_peer() {
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
