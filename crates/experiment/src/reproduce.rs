//! Repetition of a run, and comparison of the results bit by bit.

use std::fmt;
use std::fs;
use std::path::Path;

use modiste_dataset::sha256;
use modiste_metrics::EpochMetrics;
use modiste_model::Network;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::run::{
    EVENTS, MODEL, OnEvent, Record, Run, RunOptions, State, epoch_weights, read_history, warn,
};
use crate::warning::Warning;
use crate::{COMMIT, VERSION};

/// Comparison of a run with its repetition.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Reproduction {
    /// Folder of the original run.
    pub original: String,
    /// Folder of the repetition.
    pub again: String,
    /// True if there is no difference.
    pub identical: bool,
    /// Number of completed epochs that were compared.
    pub epochs: usize,
    /// Number of epochs whose weights were compared by their hashes.
    pub weights_compared: usize,
    /// First epoch with a difference in the history or in the weights.
    pub first_difference: Option<EpochDifference>,
    /// Comparison of the final models, if both runs are finished.
    pub model: Option<ModelDifference>,
}

/// Difference after an epoch.
#[derive(Clone, Debug, Serialize)]
pub struct EpochDifference {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Columns of the history that differ: name, original value, repeated value.
    pub columns: Vec<(&'static str, f64, f64)>,
    /// True if the weights differ.
    pub weights_differ: bool,
}

/// Comparison of two models.
#[derive(Clone, Debug, Serialize)]
pub struct ModelDifference {
    /// True if the files have the same bytes.
    pub identical: bool,
    /// SHA-256 of the original and of the repeated file.
    pub sha256: [String; 2],
    /// Largest absolute difference of a parameter, and the name of its variable; `None` if all are equal.
    pub largest: Option<(f64, String)>,
}

/// Repeats the run in `original`, for at most `epochs` epochs, and compares every number of the history, the
/// weights after each epoch and the bytes of the final model. Returns `None` if the callback stopped the
/// repetition before these epochs were complete.
///
/// # Errors
/// Returns [`Error::NoEpoch`] if the run has no completed epoch, [`Error::DataChanged`] if its data have changed,
/// and the errors of [`Run::start`] and [`Run::train`].
pub fn reproduce(
    original: &Path,
    epochs: Option<usize>,
    options: &RunOptions<'_>,
    on_event: OnEvent<'_>,
) -> Result<Option<Reproduction>> {
    let before = Record::read(original)?;
    let history = read_history(original)?;
    if history.is_empty() {
        return Err(Error::NoEpoch {
            path: original.into(),
        });
    }
    if epochs == Some(0) {
        return Err(Error::setting("epochs is 0; take at least 1"));
    }
    // The repetition is as long as the original at most.
    let epochs = epochs.unwrap_or(history.len()).min(history.len());
    let on_warning = &mut |warning| warn(on_event, warning);
    compare_versions(original, &before, on_warning);
    let options = RunOptions {
        compute: before.compute.or(&options.compute)?,
        stop_after: Some(epochs),
        ..options.clone()
    };
    let run = Run::repeat(original, &before, &options, on_warning)?;
    let folder = run.path().to_owned();
    let record = run.train(on_event)?;
    let again = read_history(&folder)?;
    if again.len() < epochs {
        return Ok(None);
    }
    let is_whole = [&before, &record].map(|record| record.state) == [State::Finished; 2];
    let model = is_whole.then(|| compare_models(original, &folder));
    let model = model.transpose()?;
    let weights = [original, &folder].map(|run| epoch_weights(&run.join(EVENTS)));
    let differences = history.iter().zip(&again).map(|(then, now)| {
        let [before, after] = weights.each_ref().map(|all| all.get(&then.epoch));
        EpochDifference {
            epoch: then.epoch,
            columns: differing_columns(then, now),
            weights_differ: before
                .zip(after)
                .is_some_and(|(before, after)| before != after),
        }
    });
    let first_difference = differences
        .into_iter()
        .find(|epoch| !epoch.columns.is_empty() || epoch.weights_differ);
    Ok(Some(Reproduction {
        original: original.display().to_string(),
        again: folder.display().to_string(),
        identical: first_difference.is_none() && model.as_ref().is_none_or(|model| model.identical),
        epochs,
        weights_compared: (1..=epochs)
            .filter(|epoch| weights.iter().all(|all| all.contains_key(epoch)))
            .count(),
        first_difference,
        model,
    }))
}

impl fmt::Display for Reproduction {
    /// Writes whether the runs are identical, or where they differ and by how much.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reproduction {
            original, again, ..
        } = self;
        if self.identical {
            let model = match &self.model {
                Some(model) => format!(" and model.safetensors (sha256 {})", model.sha256[0]),
                None => String::new(),
            };
            return write!(
                f,
                "identical: {again} and {original}, {} epochs of history, the weights after {} of them{model}",
                self.epochs, self.weights_compared
            );
        }
        let mut lines = vec![format!("different: {again} and {original}")];
        if let Some(first) = &self.first_difference {
            for (column, then, now) in &first.columns {
                lines.push(format!(
                    "  epoch {}: {column} was {then}, is {now} (difference {:.1e})",
                    first.epoch,
                    (now - then).abs()
                ));
            }
            if first.weights_differ {
                lines.push(format!("  epoch {}: the weights differ", first.epoch));
            }
        }
        if let Some(model) = self.model.as_ref().filter(|model| !model.identical) {
            lines.push(match &model.largest {
                Some((difference, variable)) => {
                    format!(
                        "  model.safetensors: largest difference {difference:.1e}, in {variable}"
                    )
                }
                None => "  model.safetensors: same weights, different metadata".into(),
            });
        }
        f.write_str(&lines.join("\n"))
    }
}

fn compare_versions(original: &Path, before: &Record, on_warning: &mut dyn FnMut(Warning)) {
    if (before.modiste.as_str(), before.commit.as_deref()) == (VERSION, COMMIT) {
        return;
    }
    let name = |version: &str, commit: Option<&str>| match commit {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    };
    on_warning(Warning::OtherVersion {
        run: original.into(),
        then: name(&before.modiste, before.commit.as_deref()),
        now: name(VERSION, COMMIT),
    });
}

fn differing_columns(then: &EpochMetrics, now: &EpochMetrics) -> Vec<(&'static str, f64, f64)> {
    [
        ("loss", then.loss, now.loss),
        ("accuracy", then.accuracy, now.accuracy),
        ("val_loss", then.val_loss, now.val_loss),
        ("val_accuracy", then.val_accuracy, now.val_accuracy),
        ("learning_rate", then.learning_rate, now.learning_rate),
    ]
    .into_iter()
    .filter(|(_, then, now)| then.to_bits() != now.to_bits())
    .collect()
}

fn compare_models(original: &Path, again: &Path) -> Result<ModelDifference> {
    let paths = [original, again].map(|run| run.join(MODEL));
    let read = |path: &Path| fs::read(path).map_err(Error::file(path));
    let bytes = [read(&paths[0])?, read(&paths[1])?];
    let networks = [
        Network::from_bytes(&paths[0], &bytes[0])?,
        Network::from_bytes(&paths[1], &bytes[1])?,
    ];
    let plan = networks[0].architecture.plan()?;
    let mut largest: Option<(f64, String)> = None;
    for variable in &plan.variables {
        let [then, now] = networks
            .each_ref()
            .map(|network| network.parameters.values(variable));
        for (then, now) in then.iter().zip(now) {
            let difference = f64::from((then - now).abs());
            if difference > largest.as_ref().map_or(0.0, |(most, _)| *most) {
                largest = Some((difference, variable.name.clone()));
            }
        }
    }
    Ok(ModelDifference {
        identical: bytes[0] == bytes[1],
        sha256: bytes.map(|bytes| sha256([&*bytes])),
        largest,
    })
}
