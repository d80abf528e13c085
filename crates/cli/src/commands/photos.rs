//! `photos`: a folder of labelled photos, and how many are told right.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use modiste_infer::Classifier;
use modiste_model::Network;
use serde::Deserialize;
use serde_json::json;

use crate::compute::kernel_options;
use crate::messages::say;
use crate::names::unknown;
use crate::output;
use crate::pictures;

/// The flags of `photos`.
#[derive(clap::Args)]
#[command(
    after_help = "The folder's labels.csv has the columns `file` and `label` (others are ignored):\n  \
                        file,label\n  01.jpg,Trouser\n  02.jpg,3\n\n\
                        Printed are, for each photo, the number of its class and of the predicted one; then\n\
                        the accuracy and the numbers (from 0) of the photos that are wrong."
)]
pub(crate) struct Arguments {
    /// The folder of the photos and of labels.csv.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The model file.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A line of labels.csv.
#[derive(Debug, Deserialize, PartialEq)]
struct Labelled {
    file: PathBuf,
    /// A class's name or its number, from 0.
    label: String,
}

/// Runs the command. A photo that cannot be read is told, not counted, and does not stop the others.
///
/// # Errors
/// Where the model or labels.csv cannot be read; where a photo could not, exit code 1.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut classifier =
        Classifier::with_kernels(Network::load(&arguments.model)?, &kernel_options(false)?)?;
    let classes = classifier.network().metadata.classes.clone();
    let labels = read_labels(&arguments.folder.join("labels.csv"), &classes)?;
    let mut code = ExitCode::SUCCESS;
    let (mut photos, mut wrong, mut false_number) = (0, Vec::new(), Vec::new());
    if !arguments.json {
        output::line("truth predicted")?;
    }
    for (index, (file, truth)) in labels.iter().enumerate() {
        let path = arguments.folder.join(file);
        let ranked = pictures::read(&path).and_then(|bytes| Ok(classifier.classify(&bytes)?));
        let best = match ranked {
            Ok(ranked) => ranked
                .into_iter()
                .next()
                .context("a network of no classes")?,
            Err(error) => {
                code = ExitCode::FAILURE;
                say(format_args!("error: {}: {error:#}", path.display()));
                continue;
            }
        };
        photos += 1;
        let right = best.index == *truth;
        if !right {
            false_number.push(index);
            wrong.push(json!({
                "index": index,
                "file": file,
                "truth": classes[*truth],
                "predicted": best.class,
                "probability": best.probability,
            }));
        }
        if !arguments.json {
            let note = if right {
                classes[*truth].clone()
            } else {
                format!("{}, taken for {}", classes[*truth], best.class)
            };
            let predicted = best.index;
            output::line(format_args!(
                "{truth:5} {predicted:9}  {}  {note}",
                file.display()
            ))?;
        }
    }
    ensure!(photos > 0, "none of the photos could be read");
    let right = photos - wrong.len();
    let accuracy = right as f64 / photos as f64;
    if arguments.json {
        output::json(&json!({
            "photos": photos,
            "right": right,
            "accuracy": accuracy,
            "wrong": wrong,
        }))?;
    } else {
        output::line(format_args!("accuracy = {accuracy} ({right} of {photos})"))?;
        output::line(format_args!("false_number = {false_number:?}"))?;
    }
    Ok(code)
}

/// The files of labels.csv and the numbers of their classes.
fn read_labels(path: &Path, classes: &[String]) -> Result<Vec<(PathBuf, usize)>> {
    let name = path.display();
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(path)
        .with_context(|| {
            format!("{name} cannot be read; it should have a line `file,label` and one per photo")
        })?;
    let mut labels = Vec::new();
    for record in reader.deserialize() {
        let record: Labelled = record.with_context(|| format!("{name}"))?;
        let class = class_number(&record.label, classes)
            .with_context(|| format!("{name}, {}", record.file.display()))?;
        labels.push((record.file, class));
    }
    if labels.is_empty() {
        bail!("{name} names no photo");
    }
    Ok(labels)
}

fn class_number(label: &str, classes: &[String]) -> Result<usize> {
    let by_name = classes
        .iter()
        .position(|class| class.eq_ignore_ascii_case(label));
    let by_number = || label.parse().ok().filter(|&number| number < classes.len());
    by_name.or_else(by_number).ok_or_else(|| {
        let known: Vec<&str> = classes.iter().map(String::as_str).collect();
        unknown("class", label, &known)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_names_and_numbers() {
        let classes = ["Shirt", "Bag"].map(String::from);
        assert_eq!(class_number("1", &classes).expect("a number"), 1);
        assert_eq!(class_number("bag", &classes).expect("a name"), 1);
        for label in ["2", "-1", "", "Bags"] {
            let error = class_number(label, &classes).unwrap_err().to_string();
            assert!(error.contains("There are: Shirt, Bag"), "{error}");
        }
    }

    #[test]
    fn digits_are_their_own_names() {
        let classes: Vec<String> = (0..10).map(|digit| digit.to_string()).collect();
        assert_eq!(class_number("7", &classes).expect("a digit"), 7);
    }
}
