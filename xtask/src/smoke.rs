//! `smoke`: the whole way on the embedded images, from training to prediction, held to what it
//! should give. It needs no network and leaves nothing behind.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::command;
use crate::history::validation_accuracies;
use crate::modiste::{Modiste, Recipe, find};
use crate::predictions::{Score, score};
use crate::run_folder::check_complete;
use crate::workspace;

/// Of the ten pictures, how many must be recognised: a network at the floor can miss a few.
const PICTURES_RIGHT: usize = 7;

/// How far the accuracy of the model read from its file may lie from that of the last epoch. It is
/// the same number but for the way in which it is written.
const ACCURACY_TOLERANCE: f64 = 1e-6;

/// Trains on the embedded images, evaluates, predicts, explains, and trains once more for the same bytes.
///
/// # Errors
/// At the first thing that is not as it should be.
pub(crate) fn smoke() -> Result<()> {
    let folder = tempfile::tempdir().context("a temporary folder is needed")?;
    // An empty data folder: whatever lies in the user's does not matter here.
    let modiste = Modiste::build(folder.path().join("data"))?;
    let recipes = modiste.recipes()?;
    let recipe = find(&recipes, "smoke")?;
    let start = Instant::now();

    let run = folder.path().join("run");
    train(&modiste, &run)?;
    check_complete(&run)?;
    let seconds = start.elapsed().as_secs_f64();
    let history = history(&run, recipe)?;
    println!("train: {} epochs in {seconds:.1} s", history.len());

    let model = run.join("model.safetensors");
    let evaluation = evaluate(&modiste, &model, &recipe.dataset)?;
    check_accuracy(&evaluation, &history, recipe.floor)?;

    let pictures = predict(&modiste, &model)?;
    println!(
        "predict: {} of {} pictures right",
        pictures.right, pictures.pictures
    );
    ensure!(
        pictures.pictures == 10 && pictures.right >= PICTURES_RIGHT,
        "of the 10 pictures in {}, {PICTURES_RIGHT} should be right",
        workspace::pictures().display()
    );

    report(&modiste, &run)?;
    reproduce(&modiste, &run, folder.path())?;
    println!(
        "smoke: all right, {:.1} s after the build",
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

fn train(modiste: &Modiste, run: &Path) -> Result<()> {
    let mut train = modiste.command();
    train.args(["train", "--recipe", "smoke"]);
    command::run(train.arg("--run").arg(run))
}

/// The validation accuracy after each epoch, of which there are as many as the recipe says.
fn history(run: &Path, recipe: &Recipe) -> Result<Vec<f64>> {
    let file = run.join("history.csv");
    let csv =
        fs::read_to_string(&file).with_context(|| format!("{} is no text", file.display()))?;
    let accuracies = validation_accuracies(&csv)?;
    ensure!(
        accuracies.len() as u64 == recipe.epochs,
        "history.csv has {} epochs, the recipe {}",
        accuracies.len(),
        recipe.epochs
    );
    Ok(accuracies)
}

fn evaluate(modiste: &Modiste, model: &Path, dataset: &str) -> Result<Value> {
    let mut evaluate = modiste.command();
    evaluate.arg("evaluate").arg("--model").arg(model);
    modiste.json(evaluate.args(["--dataset", dataset, "--json"]))
}

/// Holds an evaluation to the recipe's floor and to the last epoch, which saw the same images.
fn check_accuracy(evaluation: &Value, history: &[f64], floor: f64) -> Result<()> {
    let accuracy = evaluation["accuracy"].as_f64().context("no `accuracy`")?;
    let images = evaluation["images"].as_u64().context("no `images`")?;
    println!("evaluate: accuracy {accuracy:.4} on {images} test images (floor {floor})");
    ensure!(
        accuracy >= floor,
        "the test accuracy {accuracy} lies below the recipe's floor {floor}"
    );
    let last = *history.last().context("history.csv has no epoch")?;
    ensure!(
        (accuracy - last).abs() <= ACCURACY_TOLERANCE,
        "read back from its file the model has the accuracy {accuracy}, after training it had {last}"
    );
    Ok(())
}

fn predict(modiste: &Modiste, model: &Path) -> Result<Score> {
    let folder = workspace::pictures();
    let mut files = fs::read_dir(&folder)
        .with_context(|| format!("{} cannot be listed", folder.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    files.sort();
    let mut predict = modiste.command();
    // All ten classes, so that the probabilities sum to 1.
    predict.arg("predict").args(files).args(["--top", "10"]);
    score(&modiste.json(predict.arg("--model").arg(model).arg("--json"))?)
}

/// The run again with one thread gives the same history and model.
fn reproduce(modiste: &Modiste, run: &Path, folder: &Path) -> Result<()> {
    let mut reproduce = modiste.command();
    reproduce.arg("reproduce").arg(run);
    reproduce.args(["--threads", "1", "--quiet", "--json", "--run"]);
    let verdict = modiste.json(reproduce.arg(folder.join("again")))?;
    check_verdict(&verdict)?;
    println!("reproduce: the same history and model with one thread");
    Ok(())
}

/// Whether a whole run was compared and came to the same.
fn check_verdict(verdict: &Value) -> Result<()> {
    ensure!(
        verdict["identical"] == true && verdict["model"]["identical"] == true,
        "the run, trained again, came to something else: {verdict}"
    );
    Ok(())
}

/// The run in one page.
fn report(modiste: &Modiste, run: &Path) -> Result<()> {
    command::run(modiste.command().arg("report").arg(run))?;
    let page = run.join("report.html");
    let size = fs::metadata(&page)
        .with_context(|| page.display().to_string())?
        .len();
    ensure!(
        (10_000..3_000_000).contains(&size),
        "{} has {size} bytes",
        page.display()
    );
    println!("report: {size} bytes");
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_run_that_parts_or_is_not_whole_is_no_repetition() {
        let verdict = |identical, model| json!({ "identical": identical, "model": model });
        let same = json!({ "identical": true });
        check_verdict(&verdict(true, same.clone())).expect("the same");
        assert!(check_verdict(&verdict(false, same)).is_err());
        assert!(check_verdict(&verdict(true, Value::Null)).is_err());
    }

    #[test]
    fn accuracy_is_held_to_the_floor_and_to_the_history() {
        let evaluation = json!({ "accuracy": 0.8349999785423279, "images": 1000 });
        check_accuracy(&evaluation, &[0.7, 0.835], 0.82).expect("32 bits more or less");
        assert!(check_accuracy(&evaluation, &[0.7, 0.836], 0.82).is_err());
        assert!(check_accuracy(&evaluation, &[0.7, 0.835], 0.84).is_err());
        assert!(check_accuracy(&evaluation, &[], 0.82).is_err());
        assert!(check_accuracy(&json!({ "accuracy": 0.9 }), &[0.9], 0.82).is_err());
    }
}
