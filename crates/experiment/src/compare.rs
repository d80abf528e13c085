//! Comparison of runs: settings that differ, results, and tests of significance.

use std::path::{Path, PathBuf};

use modiste_metrics::{EpochMetrics, argmax, mcnemar};
use modiste_model::Network;
use serde::Serialize;
use serde_json::Value;

use crate::compute::ComputeSetup;
use crate::data::DataSource;
use crate::error::{Error, Result};
use crate::json::differences;
use crate::measure::{Measurement, TestOptions, measure};
use crate::run::{MODEL, Record, read_history};
use crate::warning::Warning;

/// Maximum number of characters of a setting.
const LONGEST: usize = 40;

/// Fields of a record that are not settings.
const NOT_SETTINGS: [&str; 17] = [
    "class_counts",
    "format_version",
    "state",
    "photos_folder",
    "photos_folder_in_run",
    "data_folder",
    "data_folder_in_run",
    "tensorboard",
    "machine",
    "started_unix",
    "seconds",
    "epochs",
    "test",
    "best",
    "photos",
    "error",
    "diverged",
];

/// Comparison of runs.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// Result of each run.
    pub runs: Vec<RunResult>,
    /// Settings in which the runs differ.
    pub differences: Vec<Difference>,
    /// Pairs of runs that were measured on the same images.
    pub pairs: Vec<Pair>,
    /// Runs that could not be measured.
    #[serde(skip)]
    pub failed: Vec<Error>,
}

/// Result of one of the runs.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RunResult {
    /// Folder of the run.
    pub run: String,
    /// Number of test images.
    pub images: usize,
    /// Accuracy on the test images, 0 to 1.
    pub accuracy: f64,
    /// 95 % confidence interval of the accuracy (Wilson), 0 to 1.
    pub interval: [f64; 2],
    /// Mean recall of the classes that have test images, 0 to 1.
    pub balanced_accuracy: f64,
    /// Mean cross-entropy on the test images.
    pub loss: f64,
    /// Number of completed epochs.
    pub epochs: usize,
    /// Duration of these epochs in seconds.
    pub seconds: f64,
    /// Metrics of each epoch.
    #[serde(skip)]
    pub history: Vec<EpochMetrics>,
}

/// Setting in which runs differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Path of the setting: `config.learning_rate`.
    pub setting: String,
    /// Values in the order of the runs.
    pub values: Vec<String>,
}

/// Two runs that were measured on the same images.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// Folder of the first run.
    pub first: String,
    /// Folder of the second run.
    pub second: String,
    /// Number of images that only the first run classifies correctly.
    pub only_first: usize,
    /// Number of images that only the second run classifies correctly.
    pub only_second: usize,
    /// p-value of McNemar's exact test, 0 to 1.
    pub p: f64,
}

impl Pair {
    /// Returns whether the difference is significant at the 5 % level.
    pub fn is_significant(&self) -> bool {
        self.p < 0.05
    }
}

/// Measures runs on their test images and compares them. A path that does not contain a run with a model is
/// skipped with a warning. A run that cannot be measured is listed in [`Comparison::failed`].
///
/// # Errors
/// Returns [`Error::NoRun`] if a path does not exist and [`Error::TooFewRuns`] if fewer than two runs with a
/// model remain.
pub fn compare(
    paths: &[PathBuf],
    data: &DataSource<'_>,
    setup: &ComputeSetup,
    on_warning: &mut dyn FnMut(Warning),
) -> Result<Comparison> {
    let mut measured = Vec::new();
    let mut failed = Vec::new();
    for candidate in candidates(paths, on_warning)? {
        let options = TestOptions {
            max_samples: candidate.record.max_samples,
            data: *data,
            record: Some(&candidate.record),
            ..TestOptions::default()
        };
        match measure(&candidate.network, &options, setup, on_warning) {
            Ok(measurement) => measured.push((candidate, measurement)),
            Err(cause) => failed.push(Error::InRun {
                path: candidate.path,
                cause: Box::new(cause),
            }),
        }
    }
    let settings: Vec<Value> = measured
        .iter()
        .map(|(run, _)| settings(&run.record))
        .collect();
    let settings: Vec<&Value> = settings.iter().collect();
    let mut pairs = Vec::new();
    for (index, first) in measured.iter().enumerate() {
        for second in &measured[index + 1..] {
            if first.1.images == second.1.images {
                pairs.push(pair(first, second));
            }
        }
    }
    Ok(Comparison {
        differences: differences(&settings)
            .into_iter()
            .map(|(setting, values)| Difference {
                setting,
                values: values.iter().map(|value| shortened(value)).collect(),
            })
            .collect(),
        pairs,
        runs: measured.into_iter().map(result).collect(),
        failed,
    })
}

/// A run that has a model.
struct Candidate {
    path: PathBuf,
    record: Record,
    history: Vec<EpochMetrics>,
    network: Network,
}

/// The runs with a model among `paths`.
fn candidates(paths: &[PathBuf], on_warning: &mut dyn FnMut(Warning)) -> Result<Vec<Candidate>> {
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut skipped = Vec::new();
    for path in paths {
        // A missing path is a typing error. A dangling link may come from a shell pattern, and is skipped.
        if path.symlink_metadata().is_err() {
            return Err(Error::NoRun { path: path.clone() });
        }
        match Candidate::read(path) {
            Ok(candidate) => candidates.push(candidate),
            Err(error) => skipped.push(error),
        }
    }
    if candidates.len() < 2 {
        return Err(Error::TooFewRuns {
            found: candidates.first().map(|only| only.path.clone()),
            skipped: skipped.iter().map(ToString::to_string).collect(),
        });
    }
    for error in skipped {
        on_warning(Warning::SkippedRun(error));
    }
    Ok(candidates)
}

impl Candidate {
    fn read(path: &Path) -> Result<Self> {
        if !path.is_dir() {
            return Err(Error::NotAFolder { path: path.into() });
        }
        let record = Record::read(path)?;
        let model = path.join(MODEL);
        if !model.exists() {
            return Err(Error::NoModel {
                path: path.into(),
                reason: Some(record.state.name().into()),
            });
        }
        Ok(Self {
            network: Network::load(&model)?,
            history: read_history(path)?,
            path: path.into(),
            record,
        })
    }
}

fn result((run, measurement): (Candidate, Measurement)) -> RunResult {
    let seconds = run.history.iter().map(|epoch| epoch.seconds);
    RunResult {
        run: run.path.display().to_string(),
        images: measurement.evaluation.images,
        accuracy: measurement.evaluation.accuracy,
        interval: measurement.interval(),
        balanced_accuracy: measurement.evaluation.balanced_accuracy,
        loss: measurement.evaluation.loss,
        epochs: run.history.len(),
        seconds: seconds.fold(0.0, |sum, seconds| sum + seconds),
        history: run.history,
    }
}

fn pair(first: &(Candidate, Measurement), second: &(Candidate, Measurement)) -> Pair {
    let correct = |(_, measurement): &(Candidate, Measurement)| -> Vec<bool> {
        let answers = measurement.answers();
        answers.map(|(row, truth)| argmax(row) == truth).collect()
    };
    let (mut only_first, mut only_second) = (0, 0);
    for (one, other) in correct(first).into_iter().zip(correct(second)) {
        only_first += usize::from(one && !other);
        only_second += usize::from(other && !one);
    }
    Pair {
        first: first.0.path.display().to_string(),
        second: second.0.path.display().to_string(),
        only_first,
        only_second,
        p: mcnemar(only_first, only_second),
    }
}

/// The fields of a record that are settings.
fn settings(record: &Record) -> Value {
    let mut value = serde_json::to_value(record).expect("plain data becomes JSON");
    if let Value::Object(fields) = &mut value {
        fields.retain(|name, _| !NOT_SETTINGS.contains(&name.as_str()));
    }
    value
}

fn shortened(value: &str) -> String {
    match value.chars().count() > LONGEST {
        true => value.chars().take(LONGEST).chain("...".chars()).collect(),
        false => value.to_owned(),
    }
}
