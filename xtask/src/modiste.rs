//! The binary `modiste`: built by cargo, then run as a user runs it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use cargo_metadata::Message;
use serde_json::Value;

use crate::command;
use crate::workspace::{self, cargo};

/// A built `modiste` and the folder in which it looks for datasets.
pub(crate) struct Modiste {
    binary: PathBuf,
    data: PathBuf,
}

impl Modiste {
    /// Builds it in release and lets it look for datasets in `data`.
    ///
    /// # Errors
    /// Where it does not build; cargo has then written why.
    pub(crate) fn build(data: PathBuf) -> Result<Self> {
        Ok(Self {
            binary: build()?,
            data,
        })
    }

    /// A command that runs it in the folder where this program runs, so that paths given to it mean
    /// what they mean to the user.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.env("MODISTE_DATA", &self.data);
        command
    }

    /// What it writes as JSON.
    ///
    /// # Errors
    /// Where it fails or writes no JSON.
    pub(crate) fn json(&self, command: &mut Command) -> Result<Value> {
        let text = command::output(command)?;
        serde_json::from_str(&text).with_context(|| {
            let start: String = text.chars().take(200).collect();
            format!("`modiste ... --json` wrote no JSON, but: {start}")
        })
    }

    /// The recipes that it knows, the default first.
    ///
    /// # Errors
    /// Where it fails or a recipe lacks what is needed of it.
    pub(crate) fn recipes(&self) -> Result<Vec<Recipe>> {
        parse_recipes(&self.json(self.command().args(["recipes", "--json"]))?)
    }
}

/// What a task needs to know of a recipe.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recipe {
    /// What `--recipe` calls it.
    pub(crate) name: String,
    /// The dataset that it trains on.
    pub(crate) dataset: String,
    /// Its network's name.
    pub(crate) architecture: String,
    /// Test accuracy that it stays above, 0 to 1.
    pub(crate) floor: f64,
    /// How many epochs it trains.
    pub(crate) epochs: u64,
    /// All that it says, for a program that trains by it.
    pub(crate) json: Value,
}

/// The recipe of this name.
///
/// # Errors
/// Where there is none; the message lists those that there are.
pub(crate) fn find<'a>(recipes: &'a [Recipe], name: &str) -> Result<&'a Recipe> {
    recipes
        .iter()
        .find(|recipe| recipe.name == name)
        .with_context(|| {
            let known: Vec<_> = recipes.iter().map(|recipe| recipe.name.as_str()).collect();
            format!("there is no recipe `{name}`, but {}", known.join(", "))
        })
}

fn parse_recipes(json: &Value) -> Result<Vec<Recipe>> {
    let recipe = |value: &Value| {
        let text = |key: &str| Some(value[key].as_str()?.to_owned());
        Some(Recipe {
            name: text("name")?,
            dataset: text("dataset")?,
            architecture: text("architecture")?,
            floor: value["floor"].as_f64()?,
            epochs: value["config"]["epochs"].as_u64()?,
            json: value.clone(),
        })
    };
    json.as_array()
        .context("`modiste recipes --json` wrote no array")?
        .iter()
        .map(|value| {
            recipe(value).with_context(|| {
                format!("a recipe needs name, dataset, architecture, floor, config.epochs: {value}")
            })
        })
        .collect()
}

/// Builds the binary and asks cargo where it is: that follows `CARGO_TARGET_DIR` and every setting
/// of the user's.
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
        None => bail!("cargo built modiste-cli, but names no binary `modiste`"),
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

/// The folder of the datasets: the one asked for, else `datasets` of the workspace.
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
    fn recipes_are_read() {
        let json = json!([{
            "name": "smoke", "description": "one minute", "dataset": "fashion-mnist-mini",
            "architecture": "compact", "floor": 0.82, "config": { "epochs": 5, "seed": 1 },
        }]);
        let recipes = parse_recipes(&json).expect("a recipe");
        assert_eq!(find(&recipes, "smoke").expect("it is there").epochs, 5);
        assert_eq!(
            find(&recipes, "smok").unwrap_err().to_string(),
            "there is no recipe `smok`, but smoke"
        );
    }

    #[test]
    fn a_recipe_that_lacks_something_is_shown() {
        let error = parse_recipes(&json!([{ "name": "half" }])).unwrap_err();
        assert!(error.to_string().ends_with(r#"{"name":"half"}"#), "{error}");
        assert!(parse_recipes(&json!({})).is_err());
    }

    #[test]
    fn a_build_without_the_binary_is_told_apart() {
        let finished = r#"{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(finished).expect("one message"), None);
    }
}
