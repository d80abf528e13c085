//! Classification of a folder of labelled photos.

use std::fmt;
use std::path::{Path, PathBuf};

use modiste_core::{ImageShape, shown};
use modiste_dataset::LabelledFolder;
use modiste_infer::{Classifier, Prediction, is_unsure};
use modiste_metrics::{Confusion, auroc, wilson_interval};
use serde::Serialize;

use crate::classify::{Classified, classify_files};
use crate::table::table;
use crate::warning::Warning;

/// Longest edge of a thumbnail in pixels.
const THUMBNAIL: usize = 160;

/// Predictions for a folder of labelled photos.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PhotosReport {
    /// Classified photos of the classes.
    pub answers: Vec<PhotoAnswer>,
    /// Photos with the label `other`, which belong to none of the classes. They count neither for the accuracy nor in the
    /// confusion matrix.
    pub others: Vec<OtherPhoto>,
    /// Photos and labels that could not be read.
    pub failed: Vec<FailedPhoto>,
    /// Confusion matrix of the classified photos.
    pub confusion: Confusion,
    /// Shape of the network's input.
    pub input: ImageShape,
}

/// Prediction for a labelled photo.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PhotoAnswer {
    /// Index of the photo in the list of labels.
    pub index: usize,
    /// File, relative to the folder.
    pub file: PathBuf,
    /// Index of the true class.
    pub truth: usize,
    /// Ranked classes, inputs of the network, and the thumbnail if one was requested.
    pub classified: Classified,
}

impl PhotoAnswer {
    /// Returns the most probable class.
    pub fn best(&self) -> &Prediction {
        &self.classified.ranked[0]
    }

    /// Formats the prediction as a line: `    3         0  02.jpg  Dress, classified as T-shirt/top`. `classes`
    /// contains the names of the classes.
    pub fn line(&self, classes: &[String]) -> String {
        let (truth, predicted) = (self.truth, self.best().index);
        let mut note = match self.is_correct() {
            true => classes[truth].clone(),
            false => format!("{}, classified as {}", classes[truth], classes[predicted]),
        };
        if !self.classified.known {
            note += " (rejected)";
        }
        format!("{truth:5} {predicted:9}  {}  {note}", shown(&self.file))
    }

    /// Returns whether the most probable class is the true one.
    pub fn is_correct(&self) -> bool {
        self.best().index == self.truth
    }
}

/// Photo with the label `other`, and the answer for it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OtherPhoto {
    /// File, relative to the folder.
    pub file: PathBuf,
    /// Ranked classes, inputs of the network, and the thumbnail if one was requested.
    pub classified: Classified,
}

impl OtherPhoto {
    /// Formats the answer as a line, with the most probable class.
    pub fn line(&self) -> String {
        let best = &self.classified.ranked[0];
        let verdict = match self.classified.known {
            true => "classified as ",
            false => "rejected; nearest: ",
        };
        format!(
            "other {:9}  {}  {verdict}{}",
            best.index,
            shown(&self.file),
            best.class
        )
    }
}

/// A photo that could not be read, or a label that names no class.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct FailedPhoto {
    /// File, relative to the folder; `None` for a label.
    pub file: Option<String>,
    /// Reason.
    pub error: String,
}

/// Event of the classification of a folder.
#[derive(Debug)]
#[non_exhaustive]
pub enum PhotoEvent<'a> {
    /// A photo was classified.
    Answer(&'a PhotoAnswer),
    /// A photo with the label `other` was classified.
    Other(&'a OtherPhoto),
    /// A photo or a label could not be read; the text names the file.
    Failed(String),
    /// A warning.
    Warning(Warning),
}

/// Classifies the labelled photos of `folder`. A photo that cannot be read does not stop the others.
/// `thumbnails` creates thumbnails and keeps the inputs of the network: [`pages::photos`](crate::pages::photos)
/// shows both.
pub fn classify_photos(
    classifier: &mut Classifier,
    folder: &Path,
    labels: &LabelledFolder,
    thumbnails: bool,
    on_event: &mut dyn FnMut(PhotoEvent<'_>),
) -> PhotosReport {
    for warning in Warning::of_labels(labels) {
        on_event(PhotoEvent::Warning(warning));
    }
    let mut report = PhotosReport {
        answers: Vec::new(),
        others: Vec::new(),
        failed: Vec::new(),
        confusion: Confusion::new(classifier.network().metadata.classes.clone()),
        input: classifier.input(),
    };
    for error in &labels.errors {
        let error = error.to_string();
        on_event(PhotoEvent::Failed(error.clone()));
        report.failed.push(FailedPhoto { file: None, error });
    }
    let paths = photo_paths(folder, labels);
    let thumbnails = thumbnails.then_some(THUMBNAIL);
    for (index, classified) in classify_files(classifier, &paths, thumbnails) {
        let photo = labels.photos.get(index);
        let file = match photo {
            Some(photo) => &photo.file,
            None => &labels.others[index - labels.photos.len()],
        };
        let mut classified = match classified {
            Ok(classified) => classified,
            Err(error) => {
                on_event(PhotoEvent::Failed(error.to_string()));
                report.failed.push(FailedPhoto {
                    file: Some(file.display().to_string()),
                    error: error.reason(),
                });
                continue;
            }
        };
        if let Some(reason) = classified.warning.clone() {
            let path = paths[index].clone();
            on_event(PhotoEvent::Warning(Warning::Image { path, reason }));
        }
        if thumbnails.is_none() {
            classified.views = Vec::new();
        }
        let file = file.clone();
        match photo.map(|photo| photo.class) {
            Some(truth) => {
                let answer = PhotoAnswer {
                    index,
                    file,
                    truth,
                    classified,
                };
                report.confusion.add(truth, answer.best().index);
                on_event(PhotoEvent::Answer(&answer));
                report.answers.push(answer);
            }
            None => {
                let other = OtherPhoto { file, classified };
                on_event(PhotoEvent::Other(&other));
                report.others.push(other);
            }
        }
    }
    report
}

/// Returns the paths of the labelled photos of `folder`, then of those with the label `other`.
pub fn photo_paths(folder: &Path, labels: &LabelledFolder) -> Vec<PathBuf> {
    let photos = labels.photos.iter().map(|photo| &photo.file);
    let files = photos.chain(&labels.others);
    files.map(|file| folder.join(file)).collect()
}

impl PhotosReport {
    /// Number of photos of the classes that are rejected.
    pub fn rejected(&self) -> usize {
        let answers = self.answers.iter();
        answers.filter(|answer| !answer.classified.known).count()
    }

    /// Accuracy of the photos of the classes that are not rejected, 0 to 1; `None` if all are.
    pub fn accuracy_known(&self) -> Option<f64> {
        let known = self.answers.iter().filter(|answer| answer.classified.known);
        let correct = known.clone().filter(|answer| answer.is_correct()).count();
        let count = known.count();
        (count > 0).then(|| correct as f64 / count as f64)
    }

    /// Area under the receiver operating characteristic curve of the scores: photos of the classes against those with the
    /// label `other`. `None` if there are no photos of either kind.
    pub fn auroc(&self) -> Option<f64> {
        let known: Vec<f32> = self
            .answers
            .iter()
            .map(|answer| answer.classified.score)
            .collect();
        let others: Vec<f32> = self
            .others
            .iter()
            .map(|other| other.classified.score)
            .collect();
        (!known.is_empty() && !others.is_empty()).then(|| auroc(&known, &others))
    }

    /// Describes the rejected photos, in lines; empty if nothing is rejected and no photo has the label `other`.
    fn rejection(&self) -> String {
        let rejected = self.rejected();
        let mut text = String::new();
        if let Some(accuracy) = self.accuracy_known().filter(|_| rejected > 0) {
            text += &format!("rejected = {rejected}\naccuracy_known = {accuracy}\n");
        }
        if let Some(auroc) = self.auroc() {
            text += &format!("auroc = {auroc} ({})\n", self.rejected_others());
        }
        text
    }

    /// Describes how many of the photos with the label `other` are rejected.
    fn rejected_others(&self) -> String {
        let others = self.others.iter();
        let rejected = others.filter(|other| !other.classified.known).count();
        format!(
            "{rejected} of {} photos of none of the classes are rejected",
            self.others.len()
        )
    }

    /// Returns the accuracy and the predictions, for JSON.
    pub fn summary(&self) -> PhotosSummary {
        let classes = self.confusion.classes();
        let (right, photos) = (self.confusion.correct(), self.confusion.total());
        let answer = |answer: &PhotoAnswer| AnswerSummary {
            index: answer.index,
            file: answer.file.display().to_string(),
            truth: classes[answer.truth].clone(),
            predicted: answer.best().class.clone(),
            probability: answer.best().probability,
            unsure: is_unsure(&answer.classified.ranked),
            score: answer.classified.score,
            known: answer.classified.known,
        };
        let other = |other: &OtherPhoto| OtherSummary {
            file: other.file.display().to_string(),
            nearest: other.classified.ranked[0].class.clone(),
            probability: other.classified.ranked[0].probability,
            score: other.classified.score,
            known: other.classified.known,
        };
        let wrong = self.answers.iter().filter(|answer| !answer.is_correct());
        let per_class = self.confusion.per_class().map(|class| PhotoClassSummary {
            class: class.class.into(),
            photos: class.total,
            right: class.correct,
            interval: class.interval,
        });
        PhotosSummary {
            photos,
            right,
            accuracy: right as f64 / photos as f64,
            interval: wilson_interval(right, photos),
            per_class: per_class.collect(),
            confusion: self.confusion.counts().to_vec(),
            rejected: self.rejected(),
            accuracy_known: self.accuracy_known(),
            auroc: self.auroc(),
            answers: self.answers.iter().map(answer).collect(),
            others: self.others.iter().map(other).collect(),
            wrong: wrong.map(answer).collect(),
            errors: self.failed.clone(),
        }
    }
}

impl fmt::Display for PhotosReport {
    /// Writes the accuracy, the indices of the misclassified photos, the accuracy of each class and the confusion
    /// matrix.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let confusion = &self.confusion;
        let (correct, total) = (confusion.correct(), confusion.total());
        if total == 0 {
            return f.write_str(&self.rejected_others());
        }
        let [low, high] = wilson_interval(correct, total).map(|end| 100.0 * end);
        let accuracy = correct as f64 / total as f64;
        let wrong = self.answers.iter().filter(|answer| !answer.is_correct());
        let false_number: Vec<usize> = wrong.map(|answer| answer.index).collect();
        let rows: Vec<_> = confusion
            .per_class()
            .filter(|class| class.total > 0)
            .map(|class| {
                let [low, high] = class.interval.map(|end| 100.0 * end);
                [
                    class.class.to_owned(),
                    class.total.to_string(),
                    class.correct.to_string(),
                    format!("{:.1} %", 100.0 * class.correct as f64 / class.total as f64),
                    format!("{low:.1} to {high:.1} %"),
                ]
            })
            .collect();
        let headings = [
            "class",
            ">photos",
            ">correct",
            ">accuracy",
            ">95 % interval",
        ];
        write!(
            f,
            "accuracy = {accuracy} ({correct} of {total}; 95 % interval {low:.1} to {high:.1} %)\n\
         false_number = {false_number:?}\n{}\n{}\n\n{confusion}",
            self.rejection(),
            table(headings, &rows)
        )
    }
}

/// Accuracy and predictions for a folder of labelled photos.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PhotosSummary {
    /// Number of classified photos.
    pub photos: usize,
    /// Number of correctly classified photos.
    pub right: usize,
    /// Accuracy, 0 to 1; NaN without photos.
    pub accuracy: f64,
    /// 95 % confidence interval of the accuracy (Wilson), 0 to 1.
    pub interval: [f64; 2],
    /// Accuracy of each class.
    pub per_class: Vec<PhotoClassSummary>,
    /// Confusion matrix: a row for each true class, a column for each predicted one.
    pub confusion: Vec<Vec<usize>>,
    /// Number of photos that are rejected: classified as belonging to none of the classes.
    pub rejected: usize,
    /// Accuracy of the photos that are not rejected, 0 to 1; `None` if all are.
    pub accuracy_known: Option<f64>,
    /// Area under the receiver operating characteristic curve of the scores, photos of the classes against those with the
    /// label `other`; absent without such photos.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auroc: Option<f64>,
    /// All predictions.
    pub answers: Vec<AnswerSummary>,
    /// Photos with the label `other`; absent without such photos.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<OtherSummary>,
    /// Wrong predictions.
    pub wrong: Vec<AnswerSummary>,
    /// Photos and labels that could not be read.
    pub errors: Vec<FailedPhoto>,
}

/// Accuracy of one class of photos.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PhotoClassSummary {
    /// Name of the class.
    pub class: String,
    /// Number of photos of the class.
    pub photos: usize,
    /// Number of correctly classified photos of the class.
    pub right: usize,
    /// 95 % confidence interval of the accuracy (Wilson), 0 to 1.
    pub interval: [f64; 2],
}

/// Prediction for a photo.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AnswerSummary {
    /// Index of the photo in the list of labels.
    pub index: usize,
    /// File, relative to the folder.
    pub file: String,
    /// Name of the true class.
    pub truth: String,
    /// Name of the most probable class.
    pub predicted: String,
    /// Probability of that class, 0 to 1.
    pub probability: f32,
    /// True if the prediction is a guess: no class has a probability of 0.5 or more.
    pub unsure: bool,
    /// Score of the photo: higher is more like the classes.
    pub score: f32,
    /// True if the photo belongs to one of the classes: its score reaches the threshold of the model.
    pub known: bool,
}

/// Answer for a photo with the label `other`.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct OtherSummary {
    /// File, relative to the folder.
    pub file: String,
    /// Name of the most probable class.
    pub nearest: String,
    /// Probability of that class, 0 to 1.
    pub probability: f32,
    /// Score of the photo: higher is more like the classes.
    pub score: f32,
    /// True if the photo is not rejected.
    pub known: bool,
}
