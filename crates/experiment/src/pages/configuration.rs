//! Section about the configuration of a run or a model, with the command that repeats the training.

use std::path::Path;

use maud::{Markup, html};
use modiste_core::significant;
use modiste_dataset::lookup;
use modiste_model::Network;
use modiste_report::{Section, commands, definitions, details, paragraph};
use serde_json::Value;

use super::training_command::{CommandFor, TrainingCommand};
use crate::json::{differences, leaves, plain};
use crate::recipe::find_recipe;
use crate::run::Record;

/// Returns the section of a run, from its record.
pub(super) fn of_run(run: &Path, record: &Record, command: Option<&CommandFor<'_>>) -> Section {
    let config = serde_json::to_value(&record.config).expect("plain data becomes JSON");
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
    if let Some(from) = &record.pretrained {
        rows.push(("pretrained model", from.summary()));
    }
    if let Some(seconds) = record.seconds {
        rows.push(("training time", format!("{seconds:.0} s")));
    }
    if let Some(count) = record.max_samples {
        rows.push(("maximum number of samples", count.to_string()));
    }
    let unofficial = record.unofficial_datasets();
    if !unofficial.is_empty() {
        let text = format!("not the official dataset files: {}", unofficial.join(", "));
        rows.push(("warning", text));
    }
    let mut rows: Vec<(String, String)> = rows
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    rows.extend(settings(&config));
    let changed = changed(&record.recipe, &config);
    section(html! {
        (definitions(&rows))
        (augmentation(&config))
        @if let Some(command) = command {
            (paragraph(
                "This command repeats the run from run.json and verifies that the result is bit-identical:"
            ))
            (commands(&[command(&TrainingCommand::Reproduce { run })]))
        }
        @if !changed.is_empty() {
            (paragraph(&format!(
                "Settings that differ from the recipe {}: {}.",
                record.recipe,
                changed.join(", ")
            )))
        }
    })
}

/// Returns the section of a model, from its metadata. `data` is the folder of the datasets.
pub(super) fn of_model(
    network: &Network,
    data: &Path,
    command: Option<&CommandFor<'_>>,
) -> Section {
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
        let recipe = find_recipe(name).ok();
        let usual = |value: &str, of_recipe: Option<&str>| Some(value) == of_recipe;
        let [dataset, architecture] = [&metadata.dataset, &network.architecture.name];
        let images = recipe.as_ref().and_then(|recipe| recipe.images.as_ref());
        let is_of_recipe = images.is_some_and(|images| images.folder() == dataset);
        // The path of the user's own images is unknown.
        let is_known = is_of_recipe || lookup(dataset).is_ok();
        let command = command.filter(|_| is_known).map(|command| {
            let of_recipe = recipe.as_ref().and_then(|recipe| recipe.dataset);
            command(&TrainingCommand::Train {
                recipe: name,
                dataset: Some(dataset.as_str())
                    .filter(|name| !is_of_recipe && !usual(name, of_recipe)),
                architecture: Some(architecture.as_str())
                    .filter(|name| !usual(name, recipe.as_ref().map(|recipe| recipe.architecture))),
                data,
            })
        });
        let changed = changed(name, config);
        again = html! {
            @if let Some(command) = command {
                (paragraph("This command repeats the training on all images of the dataset:"))
                (commands(&[command]))
            }
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

/// Returns a row for each setting. The settings of the augmentation are in a separate list.
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

/// Returns a list of the augmentation's settings, if there is an augmentation.
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

/// Returns the settings of a configuration that differ from the recipe.
fn changed(recipe: &str, config: &Value) -> Vec<String> {
    let Ok(recipe) = find_recipe(recipe) else {
        return Vec::new();
    };
    let usual = serde_json::to_value(recipe.config).expect("plain data becomes JSON");
    differences(&[&usual, config])
        .into_iter()
        .map(|(key, values)| format!("{key} is {} instead of {}", values[1], values[0]))
        .collect()
}
