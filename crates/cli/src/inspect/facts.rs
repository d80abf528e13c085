//! What a network was told when it was trained, and how to train it again.

use std::ffi::OsString;
use std::path::Path;

use anyhow::Result;
use modiste_core::significant;
use modiste_model::Network;
use modiste_report::{Section, commands, definitions, paragraph};
use modiste_train::{Recipe, recipes};
use serde_json::Value;

use crate::json::{differences, leaves, plain};
use crate::run::Record;
use crate::shell;

/// Of a run: its record.
pub(crate) fn run_facts(run: &Path, record: &Record) -> Result<Section> {
    let config = serde_json::to_value(&record.config)?;
    let commit = record.commit.as_deref().unwrap_or("not known");
    let commit: String = commit.chars().take(12).collect();
    let mut rows = vec![
        ("state", record.state.name().to_owned()),
        ("recipe", record.recipe.clone()),
        ("network", record.architecture.name.clone()),
        ("dataset", record.dataset.name.clone()),
        ("Modiste", record.modiste.clone()),
        ("commit", commit),
        ("computed with", record.compute.arithmetic()),
        ("threads", record.compute.threads.to_string()),
        ("machine", record.machine.to_string()),
    ];
    if let Some(seconds) = record.seconds {
        rows.push(("training took", format!("{seconds:.0} s")));
    }
    if let Some(limit) = record.limit {
        rows.push(("images at most", limit.to_string()));
    }
    let unofficial = record.unofficial_datasets();
    if !unofficial.is_empty() {
        let text = format!("not the official files: {}", unofficial.join(", "));
        rows.push(("warning", text));
    }
    let mut rows: Vec<(String, String)> = rows
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    rows.extend(settings(&config));
    let body = [
        definitions(&rows),
        variations(&config),
        paragraph(
            "To train it again and compare, byte for byte; run.json holds all that decides it:",
        ),
        commands(&[shell::reproduce(run)]),
        match changed(&record.recipe, &config) {
            changed if changed.is_empty() => String::new(),
            changed => paragraph(&format!(
                "Where it departs from the recipe {}: {}.",
                record.recipe,
                changed.join(", ")
            )),
        },
    ];
    Ok(section(body.concat()))
}

/// Of a model file: what it says of itself. `data` is the folder of the datasets.
pub(crate) fn model_facts(network: &Network, data: &Path) -> Section {
    let metadata = &network.metadata;
    let training = &metadata.training;
    let text = |key: &str| leaf(&training[key]);
    let mut rows = vec![
        ("network".to_owned(), network.architecture.name.clone()),
        ("dataset".to_owned(), metadata.dataset.clone()),
        (
            "temperature".to_owned(),
            significant(f64::from(metadata.temperature)),
        ),
    ];
    for (key, name) in [
        ("modiste", "Modiste"),
        ("recipe", "recipe"),
        ("training_images", "training images"),
    ] {
        rows.extend(text(key).map(|value| (name.to_owned(), value)));
    }
    let config = &training["config"];
    rows.extend(settings(config));
    let mut body = definitions(&rows) + &variations(config);
    if let Some(name) = training["recipe"].as_str() {
        let mut words = ["train", "--recipe", name].map(OsString::from).to_vec();
        let usual = recipe(name).map_or(["", ""], |recipe| [recipe.dataset, recipe.architecture]);
        let own = [&metadata.dataset, &network.architecture.name];
        for ((flag, usual), own) in ["dataset", "architecture"].iter().zip(usual).zip(own) {
            if own != usual {
                words.extend([format!("--{flag}"), own.clone()].map(OsString::from));
            }
        }
        words.extend(["--data".into(), shell::absolute(data).into()]);
        body += &paragraph("To train it again, on all images of the dataset:");
        body += &commands(&[shell::command(words)]);
        let changed = changed(name, config);
        if !changed.is_empty() {
            body += &paragraph(&format!(
                "with what departs from that recipe: {}.",
                changed.join(", ")
            ));
        }
    }
    section(body)
}

fn section(body: String) -> Section {
    Section {
        id: "configuration",
        title: "What it was told".into(),
        body,
    }
}

/// The configuration's settings, one a row; how images are varied is too long for that.
fn settings(config: &Value) -> Vec<(String, String)> {
    let Value::Object(config) = config else {
        return Vec::new();
    };
    let row = |(name, value): (&String, &Value)| {
        let name = name.replace('_', " ");
        match value {
            Value::Object(_) if name == "augmentation" => Some((name, "yes, below".into())),
            Value::Object(_) => {
                let parts = leaves(value).into_iter();
                let parts: Vec<String> =
                    parts.map(|(key, value)| format!("{key} {value}")).collect();
                Some((name, parts.join(", ")))
            }
            _ => leaf(value).map(|value| (name, value)),
        }
    };
    config.iter().filter_map(row).collect()
}

/// How images are varied, behind a word that opens it; nothing where they are not.
fn variations(config: &Value) -> String {
    let augmentation = &config["augmentation"];
    if !augmentation.is_object() {
        return String::new();
    }
    let rows: Vec<(String, String)> = leaves(augmentation).into_iter().collect();
    format!(
        "<details><summary>How images are varied</summary>\n{}</details>\n",
        definitions(&rows)
    )
}

fn leaf(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(plain(other)),
    }
}

/// The recipe of this name, where this version knows it.
fn recipe(name: &str) -> Option<Recipe> {
    recipes().into_iter().find(|recipe| recipe.name == name)
}

/// What of a configuration is not the recipe's.
fn changed(recipe: &str, config: &Value) -> Vec<String> {
    let Some(Ok(usual)) = self::recipe(recipe).map(|recipe| serde_json::to_value(recipe.config))
    else {
        return Vec::new();
    };
    differences(&[&usual, config])
        .into_iter()
        .map(|(key, values)| format!("{key} is {} and not {}", values[1], values[0]))
        .collect()
}
