//! `download` and `train`: datasets, and the whole way from a download to a trained network.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::command;
use crate::modiste::{Modiste, Recipe, data_folder, find};
use crate::run_folder;
use crate::workspace;

/// Recipe whose dataset is embedded.
const EMBEDDED_RECIPE: &str = "smoke";

/// Recipe of the built-in model.
const SHIPPED_RECIPE: &str = "photos";

/// Dataset that is embedded in the binary.
const EMBEDDED_DATASET: &str = "fashion-mnist-mini";

/// Downloads datasets.
///
/// # Errors
/// If a download fails; `modiste` prints the reason and what to do instead.
pub(crate) fn download(names: &[String]) -> Result<()> {
    let modiste = Modiste::build(data_folder(None))?;
    command::run(modiste.command().args(["data", "download"]).args(names))
}

/// Downloads the dataset that the flags name, trains on it, evaluates the model and classifies a picture. If the
/// download fails, training uses the embedded images.
///
/// # Errors
/// If training, evaluation or prediction fails, or the run's folder is not complete.
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

    eprintln!("\nEvaluation of the model file on the test images:");
    let model = run.join("model.safetensors");
    let mut evaluate = modiste.command();
    evaluate.arg("evaluate").arg("--model").arg(&model);
    evaluate.arg("--per-class");
    // Photos are tested on the test part of the run.
    if !plan.has_images {
        evaluate.arg("--dataset").arg(&plan.dataset);
    }
    if has(&plan.flags, "--allow-partial") {
        evaluate.arg("--allow-partial");
    }
    command::run(&mut evaluate)?;

    eprintln!(
        "\nFolder of the run, with its history, curves and model: {}",
        run.display()
    );
    if plan.recipe == SHIPPED_RECIPE {
        compare_with_shipped(&model)?;
    }
    predict(&modiste, &plan.dataset, &model)
}

/// Prints whether the model is identical to the built-in one.
fn compare_with_shipped(model: &Path) -> Result<()> {
    let shipped = workspace::root().join("models/fashion-mnist.safetensors");
    let read = |path: &Path| fs::read(path).with_context(|| path.display().to_string());
    let verdict = if read(model)? == read(&shipped)? {
        "is identical to"
    } else {
        "differs from"
    };
    eprintln!(
        "The model {verdict} the built-in one: {}",
        shipped.display()
    );
    Ok(())
}

/// Prints a command that classifies a picture, and runs it if the dataset has the class of the picture.
fn predict(modiste: &Modiste, dataset: &str, model: &Path) -> Result<()> {
    let picture = workspace::pictures().join("9-ankle-boot.png");
    println!(
        "\nTo classify a picture:\n  cargo run --release -p modiste-cli -- predict {} --model {}\n",
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

/// Recipe and dataset of a training.
#[derive(Debug, PartialEq)]
struct Plan {
    recipe: String,
    dataset: String,
    /// True if the recipe trains on photos of the repository.
    has_images: bool,
    /// Expected accuracy, 0 to 1, if no flag changes the recipe.
    floor: f64,
    /// Flags for `modiste train`.
    flags: Vec<OsString>,
}

impl Plan {
    /// Returns the plan of the flags: the dataset is `--dataset`, else that of `--recipe`, else that of the default
    /// recipe.
    fn new(flags: &[OsString], recipes: &[Recipe]) -> Result<Self> {
        let recipe = match value_of(flags, "--recipe") {
            Some(name) => find(recipes, &name.to_string_lossy())?,
            None => recipes
                .first()
                .context("`modiste recipes` lists no recipe")?,
        };
        let dataset = value_of(flags, "--dataset").map(OsStr::to_string_lossy);
        Ok(Self {
            recipe: recipe.name.clone(),
            dataset: dataset.map_or_else(|| recipe.dataset.clone(), Into::into),
            has_images: recipe.has_images,
            floor: recipe.floor,
            flags: flags.to_vec(),
        })
    }

    fn download(&self, modiste: &Modiste) -> Result<()> {
        // A user who allows truncated files has some, and a download would replace them.
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

    /// Returns a plan for the embedded images instead, and prints the consequences.
    fn without_download(self, recipes: &[Recipe], error: &anyhow::Error) -> Result<Self> {
        let recipe = find(recipes, EMBEDDED_RECIPE)?;
        eprintln!(
            "
`{}` cannot be downloaded: {error:#}; the reasons, and what to do instead, are printed above.
Training uses the 5,000 embedded images of Fashion-MNIST instead, with the recipe `{}` (network
`{}`). Its test accuracy is at least {:.0} %; that of `{}` on `{}` is at least {:.0} %.
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

/// Returns the value of `--name VALUE` or `--name=VALUE`; the last one if there are several.
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

/// Returns the flags without `--name VALUE` and `--name=VALUE`.
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

/// Returns the value of `--name=VALUE`.
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
            has_images: false,
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
    fn finds_values_in_both_forms() {
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
    fn flags_select_recipe_and_dataset() {
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
    fn falls_back_to_embedded_images() {
        let given = flags(&["--recipe=lecture", "--dataset", "mnist", "--epochs", "2"]);
        let plan = Plan::new(&given, &recipes()).expect("a plan");
        let plan = plan
            .without_download(&recipes(), &anyhow::anyhow!("no network"))
            .expect("another plan");
        assert_eq!(plan.dataset, "fashion-mnist-mini");
        assert_eq!(plan.flags, flags(&["--epochs", "2", "--recipe", "smoke"]));
    }
}
