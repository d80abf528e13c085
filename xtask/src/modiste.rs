//! The binary `modiste`, built by cargo and run as a user runs it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use cargo_metadata::Message;
use serde_json::Value;

use crate::command;
use crate::workspace::{self, cargo};

/// Binary `modiste` and the folder of its datasets.
pub(crate) struct Modiste {
    binary: PathBuf,
    data: PathBuf,
}

impl Modiste {
    /// Builds the binary in release mode, for datasets in the folder `data`.
    ///
    /// # Errors
    /// If it does not build; cargo prints the reason.
    pub(crate) fn build(data: PathBuf) -> Result<Self> {
        Ok(Self {
            binary: build()?,
            data,
        })
    }

    /// Returns a command that runs the binary in the current folder, so that relative paths of the user stay
    /// valid.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.env("MODISTE_DATA", &self.data);
        command
    }

    /// Runs a command and parses its standard output as JSON.
    ///
    /// # Errors
    /// If the command fails or its output is not JSON.
    pub(crate) fn json(&self, command: &mut Command) -> Result<Value> {
        let text = command::output(command)?;
        serde_json::from_str(&text).with_context(|| {
            let start: String = text.chars().take(200).collect();
            format!("the output of `modiste ... --json` is not JSON: {start}")
        })
    }

    /// Returns the recipes, the default first.
    ///
    /// # Errors
    /// If the command fails or a field of a recipe is missing.
    pub(crate) fn recipes(&self) -> Result<Vec<Recipe>> {
        parse_recipes(&self.json(self.command().args(["recipes", "--json"]))?)
    }
}

/// Recipe of a training.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recipe {
    /// Name of the recipe.
    pub(crate) name: String,
    /// Name of the dataset, or of the dataset of the cut-outs if the recipe is for photos.
    pub(crate) dataset: String,
    /// True for a recipe for photos of the repository.
    pub(crate) has_images: bool,
    /// Name of the network.
    pub(crate) architecture: String,
    /// Lower bound of the test accuracy, 0 to 1.
    pub(crate) floor: f64,
    /// Number of epochs.
    pub(crate) epochs: u64,
    /// All fields, for a program that trains by the recipe.
    pub(crate) json: Value,
}

/// Returns the recipe of a name.
///
/// # Errors
/// If there is no such recipe; the message lists all recipes.
pub(crate) fn find<'a>(recipes: &'a [Recipe], name: &str) -> Result<&'a Recipe> {
    recipes
        .iter()
        .find(|recipe| recipe.name == name)
        .with_context(|| {
            let known: Vec<_> = recipes.iter().map(|recipe| recipe.name.as_str()).collect();
            format!(
                "there is no recipe `{name}`; there are: {}",
                known.join(", ")
            )
        })
}

/// Parses the recipes that have a dataset or photos; one for the user's images has none.
fn parse_recipes(json: &Value) -> Result<Vec<Recipe>> {
    let recipe = |value: &Value| {
        let text = |key: &str| Some(value[key].as_str()?.to_owned());
        Some(Recipe {
            name: text("name")?,
            dataset: match &value["images"]["cutouts"] {
                Value::String(cutouts) => cutouts.clone(),
                _ => text("dataset")?,
            },
            has_images: value["images"].is_object(),
            architecture: text("architecture")?,
            floor: value["floor"].as_f64()?,
            epochs: value["config"]["epochs"].as_u64()?,
            json: value.clone(),
        })
    };
    json.as_array()
        .context("the output of `modiste recipes --json` is not an array")?
        .iter()
        .filter(|value| value.get("dataset") != Some(&Value::Null) || value["images"].is_object())
        .map(|value| {
            recipe(value).with_context(|| {
                format!(
                    "a recipe needs name, dataset, architecture, floor and config.epochs: {value}"
                )
            })
        })
        .collect()
}

/// Builds the binary and returns its path from cargo's messages, which respect `CARGO_TARGET_DIR` and all
/// other settings of the user.
fn build() -> Result<PathBuf> {
    let mut command = cargo();
    command
        .args([
            "build",
            "--release",
            "-p",
            "modiste-cli",
            "--bin",
            "modiste",
        ])
        .arg("--message-format=json-render-diagnostics");
    let messages = command::output(command.stdin(Stdio::null()))?;
    match executable(&messages)? {
        Some(binary) => Ok(binary),
        None => {
            bail!("cargo built modiste-cli, but its messages do not contain a binary `modiste`")
        }
    }
}

fn executable(messages: &str) -> Result<Option<PathBuf>> {
    let mut found = None;
    for message in Message::parse_stream(messages.as_bytes()) {
        if let Message::CompilerArtifact(artifact) = message.context("cargo's messages")?
            && artifact.target.name == "modiste"
            && let Some(path) = artifact.executable
        {
            found = Some(path.into_std_path_buf());
        }
    }
    Ok(found)
}

/// Returns the folder of the datasets: `asked_for`, else MODISTE_DATA, else `datasets` in the workspace.
pub(crate) fn data_folder(asked_for: Option<&Path>) -> PathBuf {
    match asked_for {
        Some(folder) => folder.to_owned(),
        None => std::env::var_os("MODISTE_DATA")
            .map_or_else(|| workspace::root().join("datasets"), PathBuf::from),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parses_recipes() {
        let json = json!([{
            "name": "smoke", "description": "one minute", "dataset": "fashion-mnist-mini",
            "architecture": "compact", "floor": 0.82, "config": { "epochs": 5, "seed": 1 },
        }]);
        let recipes = parse_recipes(&json).expect("a recipe");
        let photos = json!([{
            "name": "photos", "dataset": null, "images": { "cutouts": "fashion-mnist" },
            "architecture": "resnet", "floor": 0.7, "config": { "epochs": 5 },
        }, { "name": "images", "dataset": null, "images": null }]);
        let photos = parse_recipes(&photos).expect("a recipe");
        assert!(photos.len() == 1 && photos[0].has_images);
        assert_eq!(photos[0].dataset, "fashion-mnist");
        assert_eq!(find(&recipes, "smoke").expect("it is there").epochs, 5);
        assert_eq!(
            find(&recipes, "smok").unwrap_err().to_string(),
            "there is no recipe `smok`; there are: smoke"
        );
    }

    #[test]
    fn rejects_incomplete_recipe() {
        let error = parse_recipes(&json!([{ "name": "half" }])).unwrap_err();
        assert!(error.to_string().ends_with(r#"{"name":"half"}"#), "{error}");
        assert!(parse_recipes(&json!({})).is_err());
    }

    #[test]
    fn detects_missing_binary() {
        let finished = r#"{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(finished).expect("one message"), None);
    }
}
