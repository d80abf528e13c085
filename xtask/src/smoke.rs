//! `smoke`: end-to-end check on the embedded images, from training to prediction. It needs no internet access
//! and leaves no files behind.

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

/// Minimum number of the ten images that are classified correctly: a network at the minimum expected accuracy
/// misses a few.
const PICTURES_CORRECT: usize = 7;

/// Maximum difference between the accuracy of the model file and that of the last epoch. They are the same number
/// in different formats.
const ACCURACY_TOLERANCE: f64 = 1e-6;

/// Trains on the embedded images, evaluates, predicts, writes a report, and repeats the training.
///
/// # Errors
/// If a command fails or a result is not as expected.
pub(crate) fn smoke() -> Result<()> {
    let folder = tempfile::tempdir().context("temporary folder")?;
    // An empty data folder: the result does not depend on the user's datasets.
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
        "predict: {} of {} pictures classified correctly",
        pictures.correct, pictures.pictures
    );
    ensure!(
        pictures.pictures == 10 && pictures.correct >= PICTURES_CORRECT,
        "expected 10 pictures in {}, of which at least {PICTURES_CORRECT} are classified correctly",
        workspace::pictures().display()
    );

    report(&modiste, &run)?;
    reproduce(&modiste, &run, folder.path())?;
    println!(
        "smoke: passed, {:.1} s after the build",
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

fn train(modiste: &Modiste, run: &Path) -> Result<()> {
    let mut train = modiste.command();
    train.args(["train", "--recipe", "smoke"]);
    command::run(train.arg("--run").arg(run))
}

/// Reads the validation accuracy after each epoch and checks the number of epochs.
fn history(run: &Path, recipe: &Recipe) -> Result<Vec<f64>> {
    let file = run.join("history.csv");
    let csv = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let accuracies = validation_accuracies(&csv)?;
    ensure!(
        accuracies.len() as u64 == recipe.epochs,
        "history.csv has {} epochs; the recipe has {}",
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

/// Compares an evaluation with the recipe's minimum expected accuracy and with the last epoch, which was measured
/// on the same images.
fn check_accuracy(evaluation: &Value, history: &[f64], floor: f64) -> Result<()> {
    let accuracy = evaluation["accuracy"].as_f64().context("no `accuracy`")?;
    let images = evaluation["images"].as_u64().context("no `images`")?;
    println!("evaluate: accuracy {accuracy:.4} on {images} test images (floor {floor})");
    ensure!(
        accuracy >= floor,
        "the test accuracy {accuracy} is below the recipe's floor {floor}"
    );
    let last = *history.last().context("history.csv contains no epoch")?;
    ensure!(
        (accuracy - last).abs() <= ACCURACY_TOLERANCE,
        "the accuracy of the model file is {accuracy}; after the last epoch it was {last}"
    );
    Ok(())
}

fn predict(modiste: &Modiste, model: &Path) -> Result<Score> {
    let folder = workspace::pictures();
    let mut files = fs::read_dir(&folder)
        .with_context(|| folder.display().to_string())?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    files.sort();
    let mut predict = modiste.command();
    // All ten classes, so that the probabilities sum to 1.
    predict.arg("predict").args(files).args(["--top", "10"]);
    score(&modiste.json(predict.arg("--model").arg(model).arg("--json"))?)
}

/// Repeats the run with one thread and checks that history and model are identical.
fn reproduce(modiste: &Modiste, run: &Path, folder: &Path) -> Result<()> {
    let mut reproduce = modiste.command();
    reproduce.arg("reproduce").arg(run);
    reproduce.args(["--threads", "1", "--quiet", "--json", "--run"]);
    let verdict = modiste.json(reproduce.arg(folder.join("again")))?;
    check_verdict(&verdict)?;
    println!("reproduce: identical history and model with one thread");
    Ok(())
}

/// Checks that a whole run was compared, and that its repetition is identical.
fn check_verdict(verdict: &Value) -> Result<()> {
    ensure!(
        verdict["identical"] == true && verdict["model"]["identical"] == true,
        "the repetition of the run differs: {verdict}"
    );
    Ok(())
}

/// Writes the report of the run and checks its size.
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
    fn rejects_different_or_partial_repetition() {
        let verdict = |identical, model| json!({ "identical": identical, "model": model });
        let same = json!({ "identical": true });
        check_verdict(&verdict(true, same.clone())).expect("identical");
        assert!(check_verdict(&verdict(false, same)).is_err());
        assert!(check_verdict(&verdict(true, Value::Null)).is_err());
    }

    #[test]
    fn compares_accuracy_with_floor_and_history() {
        let evaluation = json!({ "accuracy": 0.8349999785423279, "images": 1000 });
        check_accuracy(&evaluation, &[0.7, 0.835], 0.82).expect("equal up to rounding to 32 bits");
        assert!(check_accuracy(&evaluation, &[0.7, 0.836], 0.82).is_err());
        assert!(check_accuracy(&evaluation, &[0.7, 0.835], 0.84).is_err());
        assert!(check_accuracy(&evaluation, &[], 0.82).is_err());
        assert!(check_accuracy(&json!({ "accuracy": 0.9 }), &[0.9], 0.82).is_err());
    }
}
