//! Labels of own images that are probably wrong, by cross-validation and confident learning.

use std::fmt;

use modiste_core::shown;
use modiste_dataset::{Dataset, LoadedImages, folds};
use modiste_metrics::{LabelIssue, find_label_issues};
use modiste_model::{Metadata, Network};
use modiste_train::{Event, Next, TrainData, evaluate, fit};
use serde::Serialize;

use crate::compute::ComputeSetup;
use crate::data::DataSource;
use crate::error::{Error, Result};
use crate::inspect::{small_file, small_image};
use crate::own_images::load;
use crate::plan::Plan;
use crate::table::table;
use crate::warning::Warning;

/// Default number of folds of the cross-validation.
pub const DEFAULT_FOLDS: usize = 4;

/// Number of labels that the text of a report names.
const NAMED: usize = 20;

/// Largest number of labels whose images are kept.
const PICTURES: usize = 200;

/// Labels that are probably wrong.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct LabelReport {
    /// Path of the own images.
    pub path: String,
    /// Number of images.
    pub images: usize,
    /// Number of folds of the cross-validation.
    pub folds: usize,
    /// Fraction of the images whose label was predicted by the network that was not trained on them, 0 to 1.
    pub accuracy: f64,
    /// Labels that are probably wrong, the most evident ones first.
    pub issues: Vec<SuspectLabel>,
}

/// Label that is probably wrong.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SuspectLabel {
    /// Path of the file, or name of the array with the index of the image.
    pub file: String,
    /// Label of the image.
    pub label: String,
    /// Class that it more probably belongs to.
    pub suggested: String,
    /// Predicted probability of the label, 0 to 1.
    pub label_probability: f32,
    /// Predicted probability of the suggested class, 0 to 1.
    pub suggested_probability: f32,
    /// JPEG file of the image, reduced; `None` after the first 200, or if the file cannot be read again.
    #[serde(skip)]
    pub picture: Option<Vec<u8>>,
}

/// Progress of the cross-validation, after an epoch.
#[derive(Clone, Copy, Debug)]
pub struct FoldProgress {
    /// Fold, from 1.
    pub fold: usize,
    /// Number of folds.
    pub folds: usize,
    /// Epoch, from 1.
    pub epoch: usize,
    /// Number of epochs.
    pub epochs: usize,
    /// Accuracy on the images of the fold, which are not trained on, 0 to 1.
    pub accuracy: f64,
}

/// Finds labels of own images that are probably wrong: a network is trained for each fold on the images of the others,
/// and classifies those of the fold. See [`find_label_issues`] for the decision. Given parts are ignored; the images of a
/// group are in one fold. Nothing is changed.
///
/// # Errors
/// Returns [`Error::Setting`] if the plan has no own images or there are fewer than two folds with images,
/// [`Error::Source`] if the images cannot be read, and [`Error::Train`] if a training fails.
pub fn find_wrong_labels(
    plan: &Plan,
    fold_count: usize,
    setup: &ComputeSetup,
    source: &DataSource<'_>,
    on_progress: &mut dyn FnMut(FoldProgress),
    on_warning: &mut dyn FnMut(Warning),
) -> Result<LabelReport> {
    plan.check()?;
    let own = plan.own_images.as_ref();
    let own = own.ok_or_else(|| Error::setting("labels are checked on own images only"))?;
    let loaded = load(
        &own.source(&source.cache_options())?,
        source.on_progress,
        on_warning,
    )?;
    let labels = loaded.images.labels().to_vec();
    if fold_count > labels.len() {
        return Err(Error::setting(format!(
            "a cross-validation of {} images has at most as many folds, not {fold_count}",
            labels.len()
        )));
    }
    let groups: Vec<Option<u32>> = loaded.listing.samples.iter().map(|s| s.group).collect();
    let mut parts = folds(&labels, &groups, fold_count, plan.config.train.seed);
    parts.retain(|fold| !fold.is_empty());
    if parts.len() < 2 {
        return Err(Error::setting(format!(
            "a cross-validation needs at least 2 folds with images, but {fold_count} of {} images give {}",
            labels.len(),
            parts.len()
        )));
    }
    let classes = loaded.listing.classes.len();
    let mut probabilities = vec![0.0; labels.len() * classes];
    let mut correct = 0;
    for (number, fold) in parts.iter().enumerate() {
        let mut report = |epoch, accuracy| {
            on_progress(FoldProgress {
                fold: number + 1,
                folds: parts.len(),
                epoch,
                epochs: plan.config.train.epochs,
                accuracy,
            });
        };
        let held_out = held_out(&loaded, fold);
        let network = train_fold(plan, &held_out, setup, &mut report)?;
        let evaluation = evaluate(&network, &held_out.test, false, &setup.compute)?;
        correct += evaluation.correct;
        let rows = evaluation.probabilities.chunks_exact(classes);
        for (&index, row) in fold.iter().zip(rows) {
            probabilities[index * classes..][..classes].copy_from_slice(row);
        }
    }
    let issues = find_label_issues(&probabilities, &labels, classes);
    let suspects = issues.iter().enumerate().map(|(rank, issue)| {
        let row = &probabilities[issue.index * classes..][..classes];
        suspect(&loaded, issue, row, rank < PICTURES)
    });
    Ok(LabelReport {
        path: shown(&own.path).to_string(),
        images: labels.len(),
        folds: parts.len(),
        accuracy: correct as f64 / labels.len() as f64,
        issues: suspects.collect(),
    })
}

/// The images of a fold as test images, and all others to train on.
fn held_out(loaded: &LoadedImages, fold: &[usize]) -> Dataset {
    let mut is_in_fold = vec![false; loaded.images.len()];
    fold.iter().for_each(|&index| is_in_fold[index] = true);
    let others: Vec<usize> = (0..is_in_fold.len())
        .filter(|&index| !is_in_fold[index])
        .collect();
    Dataset {
        name: loaded.listing.name.clone(),
        classes: loaded.listing.classes.clone(),
        train: loaded.images.subset(&others),
        validation: None,
        test: loaded.images.subset(fold),
        fit: loaded.fit,
    }
}

fn train_fold(
    plan: &Plan,
    data: &Dataset,
    setup: &ComputeSetup,
    on_epoch: &mut dyn FnMut(usize, f64),
) -> Result<Network> {
    let metadata = Metadata {
        classes: data.classes.clone(),
        ..Metadata::default()
    };
    let config = &plan.config.train;
    let mut network = Network::initialize(plan.architecture.clone(), metadata, config.seed)?;
    let images = TrainData {
        train: &data.train,
        validation: &data.test,
        cutouts: None,
        pictures: None,
    };
    fit(&mut network, images, config, &setup.compute, &mut |event| {
        if let Event::Epoch(epoch, _) = event {
            on_epoch(epoch.epoch, epoch.val_accuracy);
        }
        Next::Continue
    })?;
    Ok(network)
}

fn suspect(
    loaded: &LoadedImages,
    issue: &LabelIssue,
    row: &[f32],
    has_picture: bool,
) -> SuspectLabel {
    let sample = &loaded.listing.samples[issue.index];
    let class = |label: u16| loaded.listing.classes[usize::from(label)].clone();
    SuspectLabel {
        file: shown(&sample.path).to_string(),
        label: class(issue.label),
        suggested: class(issue.suggested),
        label_probability: row[usize::from(issue.label)],
        suggested_probability: row[usize::from(issue.suggested)],
        picture: has_picture.then(|| picture(loaded, issue.index)).flatten(),
    }
}

/// The image as its file shows it, or as it was decoded if it comes from an array.
fn picture(loaded: &LoadedImages, index: usize) -> Option<Vec<u8>> {
    let listing = &loaded.listing;
    match listing.kind.is_arrays() {
        true => small_image(&loaded.images, index),
        false => small_file(&listing.file(&listing.samples[index])),
    }
}

impl LabelReport {
    /// Returns a sentence about the number of issues.
    pub fn summary(&self) -> String {
        format!(
            "{} of {} labels are probably wrong. Networks that were not trained on an image agree with {:.1} % of all \
             labels ({} folds).",
            self.issues.len(),
            self.images,
            100.0 * self.accuracy,
            self.folds
        )
    }

    /// Returns a CSV file with a row for each issue, the most evident ones first.
    pub fn csv(&self) -> Vec<u8> {
        let mut builder = csv::WriterBuilder::new();
        let mut csv = builder.has_headers(false).from_writer(Vec::new());
        csv.write_record(COLUMNS).expect("memory does not fail");
        for issue in &self.issues {
            csv.serialize(issue).expect("memory does not fail");
        }
        csv.into_inner().expect("memory does not fail")
    }
}

/// Columns of the CSV file.
const COLUMNS: [&str; 5] = [
    "file",
    "label",
    "suggested",
    "label_probability",
    "suggested_probability",
];

impl fmt::Display for LabelReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.summary())?;
        let rows: Vec<[String; 5]> = self
            .issues
            .iter()
            .take(NAMED)
            .map(|issue| {
                let percent = |probability: f32| format!("{:.1} %", 100.0 * probability);
                [
                    issue.file.clone(),
                    issue.label.clone(),
                    percent(issue.label_probability),
                    issue.suggested.clone(),
                    percent(issue.suggested_probability),
                ]
            })
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        let headings = ["file", "label", ">probability", "suggested", ">probability"];
        writeln!(f, "{}", table(headings, &rows))?;
        match self.issues.len() - rows.len() {
            0 => Ok(()),
            more => writeln!(f, "and {more} more"),
        }
    }
}
