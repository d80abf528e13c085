//! `download` and `train`: from nothing to a trained network.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::command;
use crate::modiste::{Modiste, Recipe, data_folder, find};
use crate::run_folder;
use crate::workspace;

/// The recipe that needs no download.
const EMBEDDED_RECIPE: &str = "smoke";

/// The recipe whose model is built in.
const SHIPPED_RECIPE: &str = "photos";

/// The dataset that is built in.
const EMBEDDED_DATASET: &str = "fashion-mnist-mini";

/// Downloads datasets.
///
/// # Errors
/// Where one cannot be had; `modiste` has then written why and what to do by hand.
pub(crate) fn download(names: &[String]) -> Result<()> {
    let modiste = Modiste::build(data_folder(None))?;
    command::run(modiste.command().args(["data", "download"]).args(names))
}

/// Downloads what the flags ask for, trains on it, evaluates, and shows how to predict.
///
/// # Errors
/// Where training, evaluating or predicting fails, or the run folder is not complete. Where only
/// the download fails, it says so and trains on the embedded images.
pub(crate) fn train(flags: &[OsString]) -> Result<()> {
    let data = value_of(flags, "--data").map(OsStr::to_owned);
    let modiste = Modiste::build(data_folder(data.as_deref().map(Path::new)))?;
    let recipes = modiste.recipes()?;
    let asked_for = Plan::new(flags, &recipes)?;
    let plan = match asked_for.download(&modiste) {
        Ok(()) => asked_for,
        Err(error) => asked_for.without_download(&recipes, &error)?,
    };

    let run = match value_of(&plan.flags, "--run") {
        Some(folder) => Path::new(folder).to_owned(),
        None => run_folder::fresh(&workspace::root().join("runs"), &plan.recipe),
    };
    let mut train = modiste.command();
    train.arg("train").args(&plan.flags);
    if value_of(&plan.flags, "--run").is_none() {
        train.arg("--run").arg(&run);
    }
    command::run(&mut train)?;
    run_folder::check_complete(&run)?;

    eprintln!("\nThe test images, with the model as it was read back from its file:");
    let model = run.join("model.safetensors");
    let mut evaluate = modiste.command();
    evaluate.arg("evaluate").arg("--model").arg(&model);
    evaluate
        .arg("--per-class")
        .arg("--dataset")
        .arg(&plan.dataset);
    if has(&plan.flags, "--allow-partial") {
        evaluate.arg("--allow-partial");
    }
    command::run(&mut evaluate)?;

    eprintln!(
        "\nThe run, with its history, curves and model: {}",
        run.display()
    );
    if plan.recipe == SHIPPED_RECIPE {
        compare_with_shipped(&model)?;
    }
    predict(&modiste, &plan.dataset, &model)
}

/// Says whether training gave the model that is built into `modiste`.
fn compare_with_shipped(model: &Path) -> Result<()> {
    let shipped = workspace::root().join("models/fashion-mnist.safetensors");
    let read = |path: &Path| fs::read(path).with_context(|| path.display().to_string());
    let verdict = if read(model)? == read(&shipped)? {
        "is, byte for byte, the one"
    } else {
        "differs from the one"
    };
    eprintln!(
        "The model {verdict} that is built in: {}",
        shipped.display()
    );
    Ok(())
}

/// Shows the command that predicts, and runs it where the picture is one of the network's classes.
fn predict(modiste: &Modiste, dataset: &str, model: &Path) -> Result<()> {
    let picture = workspace::pictures().join("9-ankle-boot.png");
    println!(
        "\nTo predict:\n  cargo run --release -p modiste-cli -- predict {} --model {}\n",
        workspace::relative(&picture).display(),
        workspace::relative(model).display(),
    );
    if !dataset.starts_with("fashion-mnist") {
        return Ok(());
    }
    let mut predict = modiste.command();
    predict.arg("predict").arg(picture);
    command::run(predict.arg("--model").arg(model))
}

/// What is going to be trained on what.
#[derive(Debug, PartialEq)]
struct Plan {
    recipe: String,
    dataset: String,
    /// Accuracy to expect where no other flag changes the recipe.
    floor: f64,
    /// What `modiste train` is given.
    flags: Vec<OsString>,
}

impl Plan {
    /// What the flags ask for: `--dataset`, else the dataset of `--recipe`, else the default's.
    fn new(flags: &[OsString], recipes: &[Recipe]) -> Result<Self> {
        let recipe = match value_of(flags, "--recipe") {
            Some(name) => find(recipes, &name.to_string_lossy())?,
            None => recipes.first().context("`modiste recipes` lists none")?,
        };
        let dataset = value_of(flags, "--dataset").map(OsStr::to_string_lossy);
        Ok(Self {
            recipe: recipe.name.clone(),
            dataset: dataset.map_or_else(|| recipe.dataset.clone(), Into::into),
            floor: recipe.floor,
            flags: flags.to_vec(),
        })
    }

    fn download(&self, modiste: &Modiste) -> Result<()> {
        // Who allows a cut file has one, and wants it used rather than replaced.
        if self.dataset == EMBEDDED_DATASET || has(&self.flags, "--allow-partial") {
            return Ok(());
        }
        let mut download = modiste.command();
        download.args(["data", "download", self.dataset.as_str()]);
        if has(&self.flags, "--offline") {
            download.arg("--offline");
        }
        command::run(&mut download)
    }

    /// The same on the embedded images, and a word on what that means.
    fn without_download(self, recipes: &[Recipe], error: &anyhow::Error) -> Result<Self> {
        let recipe = find(recipes, EMBEDDED_RECIPE)?;
        eprintln!(
            "
`{}` cannot be had: {error:#}; the reasons, and what to do by hand, stand above.
So this trains on the 5,000 embedded images of Fashion-MNIST instead, with the recipe `{}`
(network `{}`). Expect a test accuracy of {:.0} % or a little more, where `{}` on `{}` has {:.0} %.
",
            self.dataset,
            recipe.name,
            recipe.architecture,
            100.0 * recipe.floor,
            self.recipe,
            self.dataset,
            100.0 * self.floor,
        );
        let mut flags = self.flags;
        for name in ["--recipe", "--dataset", "--architecture"] {
            flags = without(&flags, name);
        }
        flags.extend(["--recipe".into(), recipe.name.clone().into()]);
        Self::new(&flags, recipes)
    }
}

/// The value of `--name VALUE` or `--name=VALUE`, the last where it is given twice.
fn value_of<'a>(flags: &'a [OsString], name: &str) -> Option<&'a OsStr> {
    let mut found = None;
    for (index, flag) in flags.iter().enumerate() {
        if flag == name {
            found = flags.get(index + 1).map(OsString::as_os_str);
        } else if let Some(value) = joined(flag, name) {
            found = Some(OsStr::new(value));
        }
    }
    found
}

/// The flags without `--name VALUE` and `--name=VALUE`.
fn without(flags: &[OsString], name: &str) -> Vec<OsString> {
    let mut flags = flags.iter();
    let mut kept = Vec::new();
    while let Some(flag) = flags.next() {
        if flag == name {
            flags.next();
        } else if joined(flag, name).is_none() {
            kept.push(flag.clone());
        }
    }
    kept
}

/// `VALUE` of `--name=VALUE`.
fn joined<'a>(flag: &'a OsStr, name: &str) -> Option<&'a str> {
    flag.to_str()?.strip_prefix(name)?.strip_prefix('=')
}

fn has(flags: &[OsString], name: &str) -> bool {
    flags.iter().any(|flag| flag == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    fn recipes() -> Vec<Recipe> {
        let recipe = |name: &str, dataset: &str, floor| Recipe {
            name: name.into(),
            dataset: dataset.into(),
            architecture: "compact".into(),
            floor,
            epochs: 5,
            json: serde_json::Value::Null,
        };
        vec![
            recipe("fashion", "fashion-mnist", 0.92),
            recipe("lecture", "mnist", 0.98),
            recipe("smoke", "fashion-mnist-mini", 0.82),
        ]
    }

    #[test]
    fn values_are_found_in_both_spellings() {
        let given = flags(&["--run", "a", "--epochs=3", "--quiet", "--run=b"]);
        assert_eq!(value_of(&given, "--run"), Some(OsStr::new("b")));
        assert_eq!(value_of(&given, "--epochs"), Some(OsStr::new("3")));
        assert_eq!(value_of(&given, "--data"), None);
        assert_eq!(without(&given, "--run"), flags(&["--epochs=3", "--quiet"]));
    }

    #[track_caller]
    fn check(given: &[&str], recipe: &str, dataset: &str) {
        let plan = Plan::new(&flags(given), &recipes()).expect("a plan");
        assert_eq!(
            (plan.recipe.as_str(), plan.dataset.as_str()),
            (recipe, dataset)
        );
        assert_eq!(plan.flags, flags(given));
    }

    #[test]
    fn the_flags_decide_what_is_downloaded() {
        check(&[], "fashion", "fashion-mnist");
        check(&["--recipe", "lecture"], "lecture", "mnist");
        check(&["--dataset=mnist", "--epochs", "1"], "fashion", "mnist");
        check(
            &["--recipe=lecture", "--dataset", "fashion-mnist"],
            "lecture",
            "fashion-mnist",
        );
        assert!(Plan::new(&flags(&["--recipe", "lectur"]), &recipes()).is_err());
    }

    #[test]
    fn without_the_data_the_embedded_images_are_trained_on() {
        let given = flags(&["--recipe=lecture", "--dataset", "mnist", "--epochs", "2"]);
        let plan = Plan::new(&given, &recipes()).expect("a plan");
        let plan = plan
            .without_download(&recipes(), &anyhow::anyhow!("no network"))
            .expect("another plan");
        assert_eq!(plan.dataset, "fashion-mnist-mini");
        assert_eq!(plan.flags, flags(&["--epochs", "2", "--recipe", "smoke"]));
    }
}
