//! Predictions for images, in one of three formats.

use std::path::Path;

use anyhow::Result;
use modiste_core::shown;
use modiste_experiment::{Classified, Error, Warning, predictions_csv, predictions_header};
use modiste_infer::{Prediction, is_unsure, prediction_set};
use serde_json::{Value, json};

use crate::terminal::advice::warn;
use crate::terminal::messages::say;
use crate::terminal::output;

/// Format of the results on standard output.
pub(crate) enum Format {
    /// A line per file.
    Lines,
    /// One array with an object per file.
    Json,
    /// A row per file and class.
    Csv,
}

/// Predictions on standard output.
pub(crate) struct Predictions {
    format: Format,
    /// Number of classes per file.
    top: usize,
    /// Smallest probability of a class in a prediction set, if sets are printed.
    set_threshold: Option<f32>,
    objects: Vec<Value>,
    failed: usize,
}

impl Predictions {
    /// Predictions in a format, with the `top` most probable classes of each file, or those of a set.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub(crate) fn new(format: Format, top: usize, set_threshold: Option<f32>) -> Result<Self> {
        if let Format::Csv = format {
            output::write(&predictions_header())?;
        }
        Ok(Self {
            format,
            top,
            set_threshold,
            objects: Vec::new(),
            failed: 0,
        })
    }

    /// Prints the answer for a file, or its error on standard error.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub(crate) fn print(&mut self, file: &Path, answer: Result<Classified, Error>) -> Result<()> {
        let name = file.display().to_string();
        let classified = match answer {
            Ok(classified) => classified,
            Err(error) => {
                self.failed += 1;
                say(format_args!("error: {error}"));
                let object = json!({ "file": name, "error": error.reason() });
                self.objects.push(object);
                return Ok(());
            }
        };
        if let Some(reason) = classified.warning {
            let path = file.to_owned();
            warn(Warning::Image { path, reason });
        }
        let unsure = is_unsure(&classified.ranked);
        let set = self
            .set_threshold
            .map(|threshold| prediction_set(&classified.ranked, threshold).to_vec());
        let mut top = classified.ranked;
        top.truncate(self.top);
        match self.format {
            Format::Json => {
                let mut object = json!({
                    "file": name,
                    "predictions": top,
                    "unsure": unsure,
                    "score": classified.score,
                    "known": classified.known,
                });
                if let Some(set) = set {
                    let classes: Vec<&String> = set.iter().map(|one| &one.class).collect();
                    object["set"] = json!(classes);
                }
                self.objects.push(object);
                Ok(())
            }
            Format::Csv => output::write(&predictions_csv(&name, set.as_ref().unwrap_or(&top))),
            Format::Lines => {
                let text = match (classified.known, &set) {
                    (false, _) => rejected(&top),
                    (true, Some(set)) => line(set, false),
                    (true, None) => line(&top, unsure),
                };
                output::line(format_args!("{}: {text}", shown(file)))
            }
        }
    }

    /// Prints the JSON array, if that is the format. Returns the number of files that failed.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub(crate) fn end(self) -> Result<usize> {
        if let Format::Json = self.format {
            output::json(&self.objects)?;
        }
        Ok(self.failed)
    }
}

/// Formats the answer for an image that belongs to none of the classes: `none of these (nearest: Bag 31.0 %)`.
fn rejected(ranked: &[Prediction]) -> String {
    format!("none of these (nearest: {})", line(&ranked[..1], false))
}

/// Formats classes and probabilities: `Sneaker 97.2 %, Sandal 1.1 %`.
fn line(ranked: &[Prediction], unsure: bool) -> String {
    let parts: Vec<String> = ranked
        .iter()
        .map(|one| format!("{} {:.1} %", one.class, 100.0 * one.probability))
        .collect();
    let note = if unsure { " (a guess)" } else { "" };
    parts.join(", ") + note
}
