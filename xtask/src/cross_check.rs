//! `cross-check`: comparison of Modiste's metrics with scikit-learn and of its event files with TensorBoard.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command;
use crate::modiste::Modiste;
use crate::python;
use crate::workspace;

/// Trains on the embedded images. Python then computes accuracy, confusion matrix, F1, top-k accuracy, loss and
/// calibration from the predictions, and reads the run's event file.
///
/// # Errors
/// If there is no Python, or a number differs.
pub(crate) fn cross_check() -> Result<()> {
    let packages = BTreeSet::from(["numpy", "scikit-learn", "tensorboard"]);
    let Some(python) = python::find(None, &packages)? else {
        bail!("this task needs Python");
    };
    let folder = tempfile::tempdir().context("temporary folder")?;
    let modiste = Modiste::build(folder.path().join("data"))?;
    let run = folder.path().join("run");
    let mut train = modiste.command();
    train.args([
        "train",
        "--recipe",
        "smoke",
        "--epochs",
        "2",
        "--tensorboard",
        "--quiet",
    ]);
    command::run(train.arg("--run").arg(&run))?;

    let (predictions, evaluation) = (folder.path().join("p.csv"), folder.path().join("e.json"));
    let mut evaluate = modiste.command();
    evaluate
        .arg("evaluate")
        .arg("--model")
        .arg(run.join("model.safetensors"));
    evaluate.args(["--dataset", "fashion-mnist-mini", "--json", "--predictions"]);
    fs::write(&evaluation, command::output(evaluate.arg(&predictions))?)?;

    let check = |script: &str, files: &[&Path]| {
        let script = workspace::root().join("xtask/peers").join(script);
        command::run(Command::new(&python).arg(script).args(files))
    };
    check("sklearn_check.py", &[&predictions, &evaluation])?;
    check("tensorboard_check.py", &[&run])
}
