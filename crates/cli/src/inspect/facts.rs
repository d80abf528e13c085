//! Configuration of a training run, and the commands that repeat it.

use std::ffi::OsString;
use std::path::Path;

use anyhow::Result;
use maud::{Markup, html};
use modiste_core::significant;
use modiste_model::Network;
use modiste_report::{Section, commands, definitions, details, paragraph};
use modiste_train::{Recipe, recipes};
use serde_json::Value;

use crate::json::{differences, leaves, plain};
use crate::run::Record;
use crate::shell;

/// Configuration of a run, from its record.
pub(crate) fn run_facts(run: &Path, record: &Record) -> Result<Section> {
    let config = serde_json::to_value(&record.config)?;
    let commit = record.commit.as_deref().unwrap_or("unknown");
    let commit: String = commit.chars().take(12).collect();
    let mut rows = vec![
        ("state", record.state.name().to_owned()),
        ("recipe", record.recipe.clone()),
        ("network", record.architecture.name.clone()),
        ("dataset", record.dataset.name.clone()),
        ("Modiste", record.modiste.clone()),
        ("commit", commit),
        ("arithmetic", record.compute.arithmetic()),
        ("threads", record.compute.threads.to_string()),
        ("machine", record.machine.to_string()),
    ];
    if let Some(seconds) = record.seconds {
        rows.push(("training time", format!("{seconds:.0} s")));
    }
    if let Some(limit) = record.limit {
        rows.push(("image limit", limit.to_string()));
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
    let changed = changed(&record.recipe, &config);
    Ok(section(html! {
        (definitions(&rows))
        (augmentation(&config))
        (paragraph(
            "This command repeats the run from run.json and verifies that the result is bit-identical:"
        ))
        (commands(&[shell::reproduce(run)]))
        @if !changed.is_empty() {
            (paragraph(&format!(
                "Settings that differ from the recipe {}: {}.",
                record.recipe,
                changed.join(", ")
            )))
        }
    }))
}

/// Configuration stored in a model file. `data` is the folder of the datasets.
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
    let mut again = html! {};
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
        let changed = changed(name, config);
        again = html! {
            (paragraph("This command repeats the training on all images of the dataset:"))
            (commands(&[shell::command(words)]))
            @if !changed.is_empty() {
                (paragraph(&format!(
                    "Settings that differ from the recipe {name}: {}.",
                    changed.join(", ")
                )))
            }
        };
    }
    section(html! { (definitions(&rows)) (augmentation(config)) (again) })
}

fn section(body: Markup) -> Section {
    Section {
        id: "configuration",
        title: "Configuration".into(),
        body,
    }
}

/// Rows of the configuration's settings. The augmentation has a list of its own.
fn settings(config: &Value) -> Vec<(String, String)> {
    let Value::Object(config) = config else {
        return Vec::new();
    };
    let row = |(name, value): (&String, &Value)| {
        let name = name.replace('_', " ");
        match value {
            Value::Object(_) if name == "augmentation" => Some((name, "yes, see below".into())),
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

/// Settings of the augmentation, if there is one.
fn augmentation(config: &Value) -> Markup {
    let augmentation = &config["augmentation"];
    if !augmentation.is_object() {
        return html! {};
    }
    let rows: Vec<(String, String)> = leaves(augmentation).into_iter().collect();
    details("Augmentation", &definitions(&rows))
}

fn leaf(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(plain(other)),
    }
}

/// Recipe of this name, if this version has it.
fn recipe(name: &str) -> Option<Recipe> {
    recipes().into_iter().find(|recipe| recipe.name == name)
}

/// Settings of a configuration that differ from the recipe.
fn changed(recipe: &str, config: &Value) -> Vec<String> {
    let Some(Ok(usual)) = self::recipe(recipe).map(|recipe| serde_json::to_value(recipe.config))
    else {
        return Vec::new();
    };
    differences(&[&usual, config])
        .into_iter()
        .map(|(key, values)| format!("{key} is {} instead of {}", values[1], values[0]))
        .collect()
}
