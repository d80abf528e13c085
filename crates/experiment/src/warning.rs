//! Warnings of runs, measurements and comparisons.

use std::fmt;
use std::io;
use std::path::PathBuf;

use modiste_core::shown;
use modiste_dataset::{BadFile, LabelledFolder, SourceWarning};

use crate::error::Error;
use crate::unreadable::first_lines;

/// Problem that does not stop the work. `Display` formats it as a sentence.
#[derive(Debug)]
#[non_exhaustive]
pub enum Warning {
    /// A damaged file of a dataset that was skipped, since there is an intact one.
    SkippedFile(PathBuf),
    /// Files of a dataset that are not the official ones.
    Unofficial {
        /// Name of the dataset.
        dataset: String,
        /// Names of the files.
        files: Vec<String>,
        /// Folder of the datasets.
        data: PathBuf,
    },
    /// Unusual situation among own images, such as a class without images.
    Source(SourceWarning),
    /// Own images that cannot be decoded and are left out.
    BadFiles(Vec<BadFile>),
    /// A dataset with fewer images than the official one.
    Partial {
        /// Name of the dataset.
        dataset: String,
        /// Training images found and expected.
        train: [usize; 2],
        /// Test images found and expected.
        test: [usize; 2],
    },
    /// A model whose classes are not those of the dataset.
    OtherClasses {
        /// Dataset that the model is measured on.
        dataset: String,
        /// Dataset that it was trained on.
        trained_on: String,
    },
    /// A file that the labels name more than once.
    RepeatedLabel(PathBuf),
    /// Images without a label.
    Unlabelled {
        /// Number of images.
        count: usize,
        /// Table of the labels; `None` if folders are the labels.
        table: Option<PathBuf>,
    },
    /// Files that are not images.
    NotImages(usize),
    /// An image of which only a part could be read, or whose contents are unusual.
    Image {
        /// The file.
        path: PathBuf,
        /// Description of the problem.
        reason: String,
    },
    /// A photo that could not be classified.
    LeftOut(Error),
    /// A run of another version of Modiste.
    OtherVersion {
        /// Folder of the run.
        run: PathBuf,
        /// Version that trained it, with the commit if it is known.
        then: String,
        /// Current version.
        now: String,
    },
    /// A run that was computed with other arithmetic.
    OtherArithmetic {
        /// Folder of the run.
        run: PathBuf,
        /// Engine and instruction set of the run.
        then: String,
        /// Current engine and instruction set.
        now: String,
    },
    /// A file of a run that could not be written; training continues.
    NotWritten {
        /// Description of its contents.
        contents: &'static str,
        /// The error.
        cause: Error,
    },
    /// A log that ends early; training continues.
    LogEnds {
        /// The file.
        file: PathBuf,
        /// The error.
        cause: io::Error,
    },
    /// A checkpoint that was removed to make room for results.
    CheckpointRemoved(Error),
    /// A checkpoint that is damaged; the one before it is used.
    DamagedCheckpoint {
        /// The file.
        path: PathBuf,
        /// Problem in the file.
        reason: String,
    },
    /// Weights of the best epoch that could not be read back.
    BestLost {
        /// The epoch, from 1.
        epoch: usize,
        /// The error.
        cause: Error,
    },
    /// A lock of a process that no longer runs.
    StaleLock {
        /// Folder of the run.
        run: PathBuf,
        /// `process 123`.
        holder: String,
    },
    /// A file system without locks.
    CannotLock {
        /// Folder of the run.
        run: PathBuf,
        /// The error.
        cause: io::Error,
    },
    /// A path that cannot be compared because it does not contain a run with a model.
    SkippedRun(Error),
    /// A run of a list whose record cannot be read.
    UnreadableRun(Error),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SkippedFile(path) => write!(
                f,
                "{} is damaged and was skipped; an intact file was used instead",
                shown(path)
            ),
            Self::Unofficial { dataset, files, .. } => {
                write!(f, "{dataset}: not the official files: {}", files.join(", "))
            }
            Self::Source(warning) => warning.fmt(f),
            Self::BadFiles(files) => {
                let files_word = if files.len() == 1 { "file" } else { "files" };
                write!(
                    f,
                    "left out {} {files_word} that cannot be used:{}",
                    files.len(),
                    first_lines(files)
                )
            }
            Self::Partial {
                dataset,
                train,
                test,
            } => write!(
                f,
                "{dataset} is partial: {} of {} training and {} of {} test images",
                train[0], train[1], test[0], test[1]
            ),
            Self::OtherClasses {
                dataset,
                trained_on,
            } => write!(
                f,
                "the classes of the model differ from those of {dataset}; it was trained on {trained_on}"
            ),
            Self::RepeatedLabel(path) => write!(f, "{} is labelled more than once", shown(path)),
            Self::Unlabelled { count, table } => match table {
                None => write!(
                    f,
                    "left out {count} of the images, which are in no class's folder"
                ),
                Some(table) => write!(
                    f,
                    "left out {count} of the images, which {} does not name",
                    shown(table)
                ),
            },
            Self::NotImages(1) => write!(f, "skipped 1 file that is not an image"),
            Self::NotImages(count) => write!(f, "skipped {count} files that are not images"),
            Self::Image { path, reason } => write!(f, "{}: {reason}", shown(path)),
            Self::LeftOut(cause) => write!(f, "left out {cause}"),
            Self::OtherVersion { run, then, now } => write!(
                f,
                "{} was trained by Modiste {then}, and this is {now}",
                shown(run)
            ),
            Self::OtherArithmetic { run, then, now } => write!(
                f,
                "{} was computed with {then}, and this is {now}: the numbers may differ",
                shown(run)
            ),
            Self::NotWritten { contents, cause } => write!(
                f,
                "{contents} could not be written: {cause}; training continues"
            ),
            Self::LogEnds { file, cause } => {
                write!(f, "{} ends early: {cause}; training continues", shown(file))
            }
            Self::CheckpointRemoved(cause) => {
                write!(f, "{cause}: a checkpoint was removed to make room")
            }
            Self::DamagedCheckpoint { path, reason } => write!(
                f,
                "{}: {reason}; using the checkpoint before it",
                shown(path)
            ),
            Self::BestLost { epoch, cause } => write!(
                f,
                "the weights of epoch {epoch}, the best one, are lost: {cause}"
            ),
            Self::StaleLock { run, holder } => write!(
                f,
                "{}: removing a stale lock left by {holder}, which is no longer running",
                shown(run)
            ),
            Self::CannotLock { run, cause } => write!(
                f,
                "{} cannot be locked ({cause}): make sure that no other process trains there",
                shown(run)
            ),
            Self::SkippedRun(cause) => write!(f, "skipped: {cause}"),
            Self::UnreadableRun(cause) => cause.fmt(f),
        }
    }
}

impl Warning {
    /// Warnings about the labels of a folder.
    pub fn of_labels(labels: &LabelledFolder) -> Vec<Self> {
        let repeated = labels.repeated.iter().cloned().map(Self::RepeatedLabel);
        let mut warnings: Vec<Self> = repeated.collect();
        if labels.unlabelled > 0 {
            warnings.push(Self::Unlabelled {
                count: labels.unlabelled,
                table: labels.table.clone(),
            });
        }
        if labels.skipped > 0 {
            warnings.push(Self::NotImages(labels.skipped));
        }
        warnings
    }
}
