//! `run.json`: plan, data, machine and results of a run.

use std::io;
use std::path::{Path, PathBuf};

use modiste_core::shown;
use modiste_infer::Preprocessing;
use modiste_model::Architecture;
use serde::{Deserialize, Serialize};

use super::calibration::OutlierResult;
use super::class_counts::ClassCounts;
use super::dataset_record::DatasetRecord;
use super::images::RunImages;
use super::own_images::{OwnImagesRecord, check_unchanged};
use super::photos::PhotosResult;
use super::test_result::{BestResult, TestResult};
use crate::clock::unix_seconds;
use crate::compute::{ComputeRecord, ComputeSetup};
use crate::config::RunConfig;
use crate::data::DataSource;
use crate::error::{Error, Result};
use crate::json::read_text;
use crate::machine::Machine;
use crate::plan::{FORMAT_VERSION, OLDEST_VERSION, Plan};
use crate::pretrained::Pretrained;
use crate::warning::Warning;
use crate::{COMMIT, VERSION};

/// File name of the record.
pub(crate) const RECORD: &str = "run.json";

/// Record of a run: all that is needed to repeat it, and its results. It is written when the run starts and when it
/// ends.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Record {
    format_version: u32,
    /// State of the run.
    pub state: State,
    /// Version of Modiste.
    pub modiste: String,
    /// Commit of Modiste, if it was built from a checkout.
    pub commit: Option<String>,
    /// Name of the recipe.
    pub recipe: String,
    /// Dataset of the training and test images.
    pub dataset: DatasetRecord,
    /// Own images, if the dataset is none of the catalog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_images: Option<OwnImagesRecord>,
    /// Model that the training starts from; absent for random initial weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretrained: Option<Pretrained>,
    /// Number of images per class and part. `None` in the records of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_counts: Option<ClassCounts>,
    /// Dataset of the background images, if there is one.
    #[serde(rename = "pictures")]
    pub background_images: Option<DatasetRecord>,
    /// Dataset of the cut-outs, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cutouts: Option<DatasetRecord>,
    /// Layers of the network.
    pub architecture: Architecture,
    /// Configuration.
    pub config: RunConfig,
    /// Preprocessing of photos that is stored in the model.
    pub preprocessing: Preprocessing,
    /// Maximum number of training images, and of test images.
    #[serde(rename = "limit")]
    pub max_samples: Option<usize>,
    /// True if an incomplete dataset is accepted.
    pub allow_partial: bool,
    /// Folder of labelled photos that the finished network classifies.
    pub photos_folder: Option<PathBuf>,
    /// Path of that folder relative to the run, if it is inside.
    #[serde(default)]
    photos_folder_in_run: Option<PathBuf>,
    /// Folder of the datasets, an absolute path.
    #[serde(default)]
    pub data_folder: Option<PathBuf>,
    /// Path of that folder relative to the run, if it is inside.
    #[serde(default)]
    data_folder_in_run: Option<PathBuf>,
    /// True if event files for TensorBoard are written.
    pub tensorboard: bool,
    /// Engine, device and kernel options.
    pub compute: ComputeRecord,
    /// Machine that trained the last part of the run.
    pub machine: Machine,
    /// Start, in seconds since 1970-01-01, UTC.
    pub started_unix: u64,
    /// Duration of training in seconds, of all parts of the run.
    pub seconds: Option<f64>,
    /// Number of completed epochs.
    pub epochs: usize,
    /// Result of the final weights on the test images.
    pub test: Option<TestResult>,
    /// Rejection of the test images that belong to no class, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outliers: Option<OutlierResult>,
    /// Result of the best epoch's weights, if there is a validation split to choose it on.
    pub best: Option<BestResult>,
    /// Result of the final weights on the labelled photos.
    pub photos: Option<PhotosResult>,
    /// Error that ended the run.
    pub error: Option<String>,
    /// True if the loss or a weight became NaN or infinite, which a resumed run would repeat.
    #[serde(default)]
    pub diverged: bool,
}

/// State of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// The run has started and has not ended, or its process was killed.
    Running,
    /// The run has ended with all its epochs.
    Finished,
    /// The run was stopped and can be resumed.
    Interrupted,
    /// The run has ended with an error.
    Failed,
}

impl State {
    /// Returns the name of the state in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        }
    }
}

impl Record {
    /// Creates the record of a run that starts now.
    pub(super) fn new(plan: &Plan, images: &RunImages, setup: &ComputeSetup) -> Self {
        Self {
            format_version: plan.format_version,
            state: State::Running,
            modiste: VERSION.into(),
            commit: COMMIT.map(String::from),
            recipe: plan.recipe.clone(),
            dataset: DatasetRecord::of(&images.report),
            own_images: images.own.as_ref().map(|own| own.record.clone()),
            pretrained: plan.pretrained.clone(),
            class_counts: Some(ClassCounts::of(images)),
            background_images: images.background_report.as_ref().map(DatasetRecord::of),
            cutouts: images.cutouts_report.as_ref().map(DatasetRecord::of),
            architecture: plan.architecture.clone(),
            config: plan.config.clone(),
            preprocessing: plan.preprocessing.clone(),
            max_samples: plan.max_samples,
            allow_partial: false,
            photos_folder: None,
            photos_folder_in_run: None,
            data_folder: None,
            data_folder_in_run: None,
            tensorboard: false,
            compute: ComputeRecord::of(setup),
            machine: Machine::current(),
            started_unix: unix_seconds() as u64,
            seconds: None,
            epochs: 0,
            test: None,
            outliers: None,
            best: None,
            photos: None,
            error: None,
            diverged: false,
        }
    }

    /// Reads the record of the run in `folder`.
    ///
    /// # Errors
    /// Returns [`Error::NoRun`] or [`Error::NotARun`] if there is none, [`Error::RecordVersion`] if its
    /// version is not supported, and [`Error::Contents`] if it is damaged.
    pub fn read(folder: &Path) -> Result<Self> {
        #[derive(Deserialize)]
        struct VersionOnly {
            format_version: u32,
            #[serde(default)]
            modiste: String,
        }
        let path = folder.join(RECORD);
        let text = match read_text(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let path = folder.to_owned();
                return Err(match folder.is_dir() {
                    true => Error::NotARun { path },
                    false => Error::NoRun { path },
                });
            }
            Err(error) => return Err(Error::file(&path)(error)),
        };
        let damaged = |error: serde_json::Error| Error::Contents {
            path: path.clone(),
            reason: format!("not the record of a run: {error}"),
        };
        let version: VersionOnly = serde_json::from_str(&text).map_err(damaged)?;
        if !(OLDEST_VERSION..=FORMAT_VERSION).contains(&version.format_version) {
            return Err(Error::RecordVersion {
                path,
                found: version.format_version,
                modiste: version.modiste,
            });
        }
        let mut record: Self = serde_json::from_str(&text).map_err(damaged)?;
        if version.format_version == OLDEST_VERSION {
            let validation = &mut record.config.validation;
            *validation = validation.from_unstratified();
        }
        // Older records contain the divergence only in the error.
        let of_loss =
            |error: &String| error.contains("the loss is NaN") || error.contains("the loss is inf");
        record.diverged |=
            record.state == State::Failed && record.error.as_ref().is_some_and(of_loss);
        // A folder inside the run may have been moved with it.
        for (inside, path) in [
            (&record.data_folder_in_run, &mut record.data_folder),
            (&record.photos_folder_in_run, &mut record.photos_folder),
        ] {
            let inside = inside.as_ref().map(|inside| folder.join(inside));
            if let Some(inside) = inside.filter(|inside| inside.is_dir()) {
                *path = Some(std::path::absolute(&inside).map_err(Error::file(&inside))?);
            }
        }
        Ok(record)
    }

    /// Reads the record of the run that a model belongs to: `model` is the folder of a run or a file in it.
    /// Returns `None` if there is none.
    pub fn of_model(model: &Path) -> Option<Self> {
        let run = match model.is_dir() {
            true => model,
            false => model.parent()?,
        };
        Self::read(run).ok()
    }

    /// Returns whether the run can be resumed: it is not finished, has not diverged, and was started by this version.
    pub fn is_resumable(&self) -> bool {
        self.state != State::Finished && !self.diverged && self.modiste == VERSION
    }

    /// Stores paths inside `folder`, the folder of the run, also relative to it.
    pub(super) fn locate_folders(&mut self, folder: &Path) {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let inside = |path: &Option<PathBuf>| {
            let inside = path.as_ref()?.strip_prefix(&folder).ok()?;
            Some(inside.to_owned())
        };
        self.data_folder_in_run = inside(&self.data_folder);
        self.photos_folder_in_run = inside(&self.photos_folder);
    }

    /// Returns the names of the run's datasets that contain files other than the official ones.
    pub fn unofficial_datasets(&self) -> Vec<&str> {
        std::iter::once(&self.dataset)
            .chain(&self.background_images)
            .chain(&self.cutouts)
            .filter(|dataset| dataset.has_unofficial_files())
            .map(|dataset| dataset.name.as_str())
            .collect()
    }

    /// Returns the plan of the run.
    pub fn plan(&self) -> Plan {
        Plan {
            recipe: self.recipe.clone(),
            dataset: self.dataset.name.clone(),
            own_images: self.own_images.as_ref().map(|own| own.images.clone()),
            pretrained: self.pretrained.clone(),
            architecture: self.architecture.clone(),
            preprocessing: self.preprocessing.clone(),
            config: self.config.clone(),
            max_samples: self.max_samples,
            format_version: self.format_version,
        }
    }

    /// Formats the results of the run in `folder` as lines; there are none if the run is not finished.
    pub fn results(&self, folder: &Path) -> Vec<String> {
        let run = shown(folder).to_string();
        let test = self.test.iter().map(|test| test.line(&run));
        let best = self.best.iter().map(|best| best.line(&run));
        let photos = self.photos.iter().map(ToString::to_string);
        let outliers = self.outliers.iter().map(|outliers| outliers.line(&run));
        test.chain(outliers).chain(best).chain(photos).collect()
    }

    /// Returns the record with the values that its format version stores.
    #[must_use]
    pub fn as_stored(&self) -> Self {
        let mut stored = self.clone();
        stored.config = self.plan().stored_config();
        stored
    }

    /// Returns the source `given`, which also accepts a partial dataset if this run does.
    pub(crate) fn data_source<'a>(&self, given: &DataSource<'a>) -> DataSource<'a> {
        DataSource {
            allow_partial: given.allow_partial || self.allow_partial,
            ..*given
        }
    }

    /// Checks that the files of `images` are those that the run in `folder` was trained on, byte for byte.
    ///
    /// # Errors
    /// Returns [`Error::DataChanged`] if a file differs.
    pub(crate) fn check_data(&self, folder: &Path, images: &RunImages) -> Result<()> {
        if let (Some(then), Some(now)) = (&self.own_images, &images.own) {
            check_unchanged(folder, then, now)?;
        }
        let background = self.background_images.iter().zip(&images.background_report);
        let cutouts = self.cutouts.iter().zip(&images.cutouts_report);
        let changes: String = std::iter::once((&self.dataset, &images.report))
            .chain(background)
            .chain(cutouts)
            .map(|(dataset, report)| dataset.changes(report))
            .collect();
        match changes.is_empty() {
            true => Ok(()),
            false => Err(Error::DataChanged {
                data: images.data_folder.clone(),
                run: folder.into(),
                changes,
            }),
        }
    }

    /// Warns if `setup` computes with other arithmetic than the run in `folder`.
    pub(crate) fn compare_arithmetic(
        &self,
        folder: &Path,
        setup: &ComputeSetup,
        on_warning: &mut dyn FnMut(Warning),
    ) {
        let [then, now] = [&self.compute, &ComputeRecord::of(setup)].map(ComputeRecord::arithmetic);
        if then != now {
            on_warning(Warning::OtherArithmetic {
                run: folder.into(),
                then,
                now,
            });
        }
    }
}

/// Returns the absolute path, which a record stores.
///
/// # Errors
/// Returns [`Error::PathNotUtf8`] if the path is not UTF-8, and [`Error::File`] if it is empty.
pub(super) fn recordable(path: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(path).map_err(Error::file(path))?;
    match absolute.to_str() {
        Some(_) => Ok(absolute),
        None => Err(Error::PathNotUtf8 { path: absolute }),
    }
}
