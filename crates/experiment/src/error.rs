//! Errors of runs, comparisons and reports.

use std::io;
use std::path::{Path, PathBuf};

use modiste_core::shown;
use modiste_dataset::{LabelError, LabelsError, ReadError, SourceError};
use modiste_infer::ClassifierError;
use modiste_model::{ArchitectureError, FileError, GradCamError, InstructionSetError};
use modiste_train::TrainError;

use crate::run::DivergenceAdvice;

/// Result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Error of a run, a comparison, a measurement or a report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name that is not known.
    #[error("there is no {kind} `{name}`; did you mean `{nearest}`? There are: {known}")]
    UnknownName {
        /// Kind of thing: `recipe`.
        kind: &'static str,
        /// Name that was given.
        name: String,
        /// Most similar known name.
        nearest: String,
        /// Known names, separated by commas.
        known: String,
    },
    /// A setting that cannot be used.
    #[error("{problem}")]
    Setting {
        /// Setting, value, and accepted values.
        problem: String,
    },
    /// The photos of a recipe do not exist.
    #[error(
        "{} does not exist, and the folder datasets does not contain these photos; they are part of the repository, {}",
        modiste_core::shown(path),
        env!("CARGO_PKG_REPOSITORY")
    )]
    RecipeImages {
        /// Path of the table in the folder of the datasets.
        path: PathBuf,
    },
    /// Own images that cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A file or folder that cannot be read or written.
    #[error("{}: {cause}", shown(path))]
    File {
        /// File or folder.
        path: PathBuf,
        /// Error of the file system. It is part of the text, so it is not a `source()`.
        cause: io::Error,
    },
    /// A file whose contents cannot be read.
    #[error("{}: {reason}", shown(path))]
    Contents {
        /// File.
        path: PathBuf,
        /// First problem in the file.
        reason: String,
    },
    /// A path that cannot be stored in JSON.
    #[error(
        "{} is not UTF-8, and cannot be stored in {}: rename it, or use a link",
        shown(path),
        crate::run::RECORD
    )]
    PathNotUtf8 {
        /// Path.
        path: PathBuf,
    },
    /// A folder of a run that does not exist.
    #[error("the run {} does not exist", shown(path))]
    NoRun {
        /// The folder.
        path: PathBuf,
    },
    /// A folder without the record of a run.
    #[error(
        "{} is not a run: it has no {}. A run that was killed before it wrote one had not started; \
         start it again with the same settings",
        shown(path),
        crate::run::RECORD
    )]
    NotARun {
        /// The folder.
        path: PathBuf,
    },
    /// A record of a version that is not supported.
    #[error(
        "{} has format version {found}, written by Modiste {modiste}; this Modiste, {}, reads versions {} to \
         {}",
        shown(path),
        crate::VERSION,
        crate::plan::OLDEST_VERSION,
        crate::plan::FORMAT_VERSION
    )]
    RecordVersion {
        /// Path of the record.
        path: PathBuf,
        /// Format version of the record.
        found: u32,
        /// Version of Modiste that wrote it.
        modiste: String,
    },
    /// A folder for a new run that is not empty.
    #[error(
        "{} is not empty, and a run never overwrites anything: name another folder",
        shown(path)
    )]
    NotEmpty {
        /// The folder.
        path: PathBuf,
        /// True if it contains a run that can be resumed.
        is_resumable: bool,
    },
    /// A folder of a run that is not writable.
    #[error("{}: a run writes to its folder: {cause}", shown(path))]
    NotWritable {
        /// Folder of the run.
        path: PathBuf,
        /// Error of the file system.
        cause: io::Error,
    },
    /// A run that another process is training.
    #[error("{} is in use by {holder}: wait for it to end, or end it", shown(path))]
    Locked {
        /// Folder of the run.
        path: PathBuf,
        /// Process that trains it: `process 123`.
        holder: String,
    },
    /// A finished run, which cannot be resumed.
    #[error("{} is finished: nothing is left to train", shown(path))]
    Finished {
        /// Folder of the run.
        path: PathBuf,
    },
    /// A run that cannot be resumed because its training diverged.
    #[error(
        "{} cannot be resumed, since from its last checkpoint it would diverge again: {reason}. Start a new \
         run with other settings, in another folder",
        shown(path)
    )]
    HasDiverged {
        /// Folder of the run.
        path: PathBuf,
        /// Error that ended the run.
        reason: String,
    },
    /// A run that cannot be resumed because another version of Modiste started it.
    #[error(
        "{} was started by Modiste {modiste}, and this is {}, which may compute other numbers: resume it with \
         that version, or start a new run",
        shown(path),
        crate::VERSION
    )]
    OtherVersion {
        /// Folder of the run.
        path: PathBuf,
        /// Version that started it.
        modiste: String,
    },
    /// Data that differ from those that a run was trained on.
    #[error(
        "the data in {} differ from those that {} was trained on:{changes}",
        shown(data),
        shown(run)
    )]
    DataChanged {
        /// Folder of the datasets.
        data: PathBuf,
        /// Folder of the run.
        run: PathBuf,
        /// A line for each file that differs, each after a line break.
        changes: String,
    },
    /// A model to start from that is not the one of the run.
    #[error(
        "{model} is not the model that the run started from: its SHA-256 was {then} and is {now}. Restore the file, or \
         start a new run"
    )]
    ModelChanged {
        /// Path of the model.
        model: String,
        /// SHA-256 when the run started.
        then: String,
        /// SHA-256 now.
        now: String,
    },
    /// A run without a model.
    #[error("{} has no model{}", shown(path), match reason { None => " yet".into(), Some(reason) => format!(" ({reason})") })]
    NoModel {
        /// Folder of the run.
        path: PathBuf,
        /// Reason why it cannot be resumed; `None` if it can.
        reason: Option<String>,
    },
    /// A run that has not completed an epoch.
    #[error("{} has no completed epoch to compare with", shown(path))]
    NoEpoch {
        /// Folder of the run.
        path: PathBuf,
    },
    /// A folder that does not contain a model.
    #[error(
        "{}: the folder does not contain {}; it contains {contents}",
        shown(path),
        crate::run::MODEL
    )]
    NoModelFile {
        /// The folder.
        path: PathBuf,
        /// Names of its first files.
        contents: String,
    },
    /// A folder in which the model cannot be written, such as on a full disk.
    #[error(
        "{}: cannot reserve {mebibytes} MiB for the model: {cause}",
        shown(path)
    )]
    NoRoom {
        /// Folder of the run.
        path: PathBuf,
        /// Size of the model and of the files beside it in MiB.
        mebibytes: usize,
        /// Error of the file system.
        cause: io::Error,
    },
    /// Fewer than two runs to compare.
    #[error("comparing needs two runs with a model, and there is {}; skipped:\n  {}", match found { None => "none".to_owned(), Some(run) => format!("only {}", shown(run)) }, skipped.join("\n  "))]
    TooFewRuns {
        /// The only run with a model, if there is one.
        found: Option<PathBuf>,
        /// Reasons why other paths were skipped.
        skipped: Vec<String>,
    },
    /// A file in place of the folder of a run.
    #[error("{} is not the folder of a run", shown(path))]
    NotAFolder {
        /// The file.
        path: PathBuf,
    },
    /// A network whose metadata name no dataset, if none is given.
    #[error("the model does not name the dataset that it was trained on: name one")]
    NoDataset,
    /// Labelled photos of a run that cannot be read.
    #[error("the photos that the run ends with: {cause}; name another folder")]
    PhotosOfRun {
        /// Error of the labels.
        cause: Box<Error>,
    },
    /// A dataset that a network cannot be measured on.
    #[error("{0}")]
    Mismatch(String),
    /// A dataset that cannot be loaded.
    #[error("{cause}")]
    Dataset {
        /// Folder of the datasets.
        folder: PathBuf,
        /// Error of the dataset.
        cause: Box<modiste_dataset::Error>,
    },
    /// A dataset that could not be fetched.
    #[error("{reason}")]
    Fetch {
        /// Description of the failed attempts.
        reason: String,
    },
    /// Training that diverged.
    #[error("{cause}. {advice}; {weights}")]
    Diverged {
        /// Error of the training, with epoch, step and learning rate.
        cause: Box<TrainError>,
        /// Setting to change.
        advice: DivergenceAdvice,
        /// Clause about the weights that remain.
        weights: String,
    },
    /// Images in a file that cannot be read.
    #[error(transparent)]
    Images(#[from] ReadError),
    /// Training or evaluation failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A file that is not a model.
    #[error(transparent)]
    Model(#[from] FileError),
    /// Layers that do not make a network.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
    /// A network that does not classify.
    #[error(transparent)]
    Classifier(#[from] ClassifierError),
    /// An image that cannot be read or classified.
    #[error("{}: {reason}", shown(path))]
    Image {
        /// The file.
        path: PathBuf,
        /// Reason.
        reason: String,
    },
    /// Labels that cannot be read.
    #[error(transparent)]
    LabelsFile(#[from] LabelsError),
    /// Labels that name no class.
    #[error("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Labels {
        /// An error for each such label.
        errors: Vec<LabelError>,
    },
    /// Charts or pictures that cannot be drawn.
    #[error(transparent)]
    Report(#[from] modiste_report::Error),
    /// A class activation map that cannot be computed.
    #[error(transparent)]
    GradCam(#[from] GradCamError),
    /// An instruction set that the CPU does not support.
    #[error("{setting}: {cause}")]
    InstructionSet {
        /// Environment variable, or the run that was computed with the instruction set.
        setting: String,
        /// Error of the instruction set.
        cause: InstructionSetError,
    },
    /// A device that is not available.
    #[error("{reason}")]
    Device {
        /// Device, and the reason why it is not available.
        reason: String,
    },
    /// An error while a run was trained.
    #[error("{}", in_run(path, cause))]
    InRun {
        /// Folder of the run.
        path: PathBuf,
        /// The error.
        cause: Box<Error>,
    },
}

/// Text of an error in a run, with the folder of the run unless the text begins with it.
fn in_run(path: &Path, cause: &Error) -> String {
    let (path, cause) = (shown(path).to_string(), cause.to_string());
    match cause.starts_with(&path) {
        true => cause,
        false => format!("{path}: {cause}"),
    }
}

impl Error {
    /// Returns a function that adds a path to an error of the file system.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::File { path, cause }
    }

    /// Returns a function that adds the folder of the datasets to an error of a dataset.
    pub(crate) fn dataset(folder: &Path) -> impl FnOnce(modiste_dataset::Error) -> Self {
        let folder = folder.to_owned();
        move |cause| Self::Dataset {
            folder,
            cause: Box::new(cause),
        }
    }

    /// Returns an error of a setting.
    pub(crate) fn setting(problem: impl Into<String>) -> Self {
        Self::Setting {
            problem: problem.into(),
        }
    }

    /// Returns the error of a name that is not among `known`, with the most similar one.
    pub fn unknown(kind: &'static str, name: &str, known: &[&str]) -> Self {
        let distance = |known: &&&str| strsim::damerau_levenshtein(name, known);
        let nearest = known.iter().min_by_key(distance).copied();
        Self::UnknownName {
            kind,
            name: name.into(),
            nearest: nearest.unwrap_or_default().into(),
            known: known.join(", "),
        }
    }

    /// Returns the innermost error: the cause of [`InRun`](Self::InRun), else the error itself.
    pub fn innermost(&self) -> &Self {
        match self {
            Self::InRun { cause, .. } => cause.innermost(),
            other => other,
        }
    }

    /// Returns the text of the error without the path of an image, for results that contain the path.
    pub fn reason(&self) -> String {
        match self {
            Self::Image { reason, .. } => reason.clone(),
            other => other.to_string(),
        }
    }

    /// Returns whether the disk is full.
    pub(crate) fn is_disk_full(&self) -> bool {
        let cause = match self {
            Self::File { cause, .. } | Self::Model(FileError::Io { reason: cause, .. }) => cause,
            _ => return false,
        };
        matches!(
            cause.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_nearest_name() {
        assert_eq!(
            Error::unknown("recipe", "fashon", &["smoke", "fashion"]).to_string(),
            "there is no recipe `fashon`; did you mean `fashion`? There are: smoke, fashion"
        );
    }
}
