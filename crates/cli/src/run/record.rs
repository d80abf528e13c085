//! `run.json`: what was trained, on what, where, and what came of it.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use modiste_core::shown;
use modiste_infer::Preprocessing;
use modiste_model::Architecture;
use modiste_train::TrainConfig;
use serde::{Deserialize, Serialize};

use super::computer::{ComputeRecord, Machine};
use super::photos::PhotosResult;
use super::plan::{FORMAT_VERSION, OLDEST_VERSION, Plan};
use crate::clock::unix_seconds;
use crate::compute::Chosen;
use crate::json::read_text;
use crate::loading::Loading;
use crate::messages::say;
use crate::version::{COMMIT, VERSION};

/// The record's name.
pub(super) const RECORD: &str = "run.json";

/// The record of a run: all that is needed to train it again, and what came of it. Written when it
/// starts and again when it ends.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    format_version: u32,
    pub(crate) state: State,
    /// The version of Modiste.
    pub(crate) modiste: String,
    /// The commit that it was built from, where it was built from a checkout.
    pub(crate) commit: Option<String>,
    pub(crate) recipe: String,
    pub(crate) dataset: DatasetRecord,
    /// What backgrounds are cut out of, where that is a dataset.
    pub(crate) pictures: Option<DatasetRecord>,
    pub(crate) architecture: Architecture,
    pub(crate) config: TrainConfig,
    /// What photos go through, for the finished model.
    pub(crate) preprocessing: Preprocessing,
    /// Images that were used at most, of training and test images each.
    pub(crate) limit: Option<usize>,
    /// Whether a dataset will do that is not complete.
    pub(crate) allow_partial: bool,
    /// Labelled photos that the finished network is tried on.
    pub(crate) photos_folder: Option<PathBuf>,
    /// The same, relative to the run's folder, if it lies inside.
    #[serde(default)]
    photos_folder_in_run: Option<PathBuf>,
    /// The folder of all datasets, an absolute path.
    #[serde(default)]
    data_folder: Option<PathBuf>,
    /// The same, relative to the run's folder, if it lies inside.
    #[serde(default)]
    data_folder_in_run: Option<PathBuf>,
    /// Whether files for TensorBoard are written.
    pub(crate) tensorboard: bool,
    pub(crate) compute: ComputeRecord,
    pub(crate) machine: Machine,
    /// Seconds since 1970-01-01, UTC.
    pub(crate) started_unix: u64,
    /// How long training took, in all its parts.
    pub(crate) seconds: Option<f64>,
    /// Whole epochs.
    pub(crate) epochs: usize,
    /// The final weights on the test images.
    pub(crate) test: Option<TestResult>,
    /// The best epoch's weights, where images were held back to choose it on.
    pub(crate) best: Option<BestResult>,
    /// The final weights on the photos that were named.
    pub(crate) photos: Option<PhotosResult>,
    /// Why the run failed.
    pub(crate) error: Option<String>,
    /// Whether it failed because the loss or a weight became NaN or infinite: it would again.
    #[serde(default)]
    pub(crate) diverged: bool,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Running,
    Finished,
    Interrupted,
    Failed,
}

impl State {
    /// As JSON has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        }
    }
}

/// What weights make of the test images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TestResult {
    pub(crate) images: usize,
    pub(crate) loss: f64,
    /// 0 to 1.
    pub(crate) accuracy: f64,
    /// The accuracy's 95 % confidence interval, 0 to 1.
    pub(crate) interval: [f64; 2],
}

/// The best epoch, on the images that were held back from training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct BestResult {
    /// From 1.
    pub(crate) epoch: usize,
    pub(crate) val_loss: f64,
    pub(crate) val_accuracy: f64,
    /// Its weights on the test images, of which none chose it.
    pub(crate) test: TestResult,
}

/// A dataset, byte for byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DatasetRecord {
    pub(crate) name: String,
    files: Vec<FileRecord>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct FileRecord {
    file: String,
    /// Of the bytes after decompression.
    sha256: String,
    official: bool,
}

impl Record {
    /// The record of a run that starts now.
    ///
    /// # Errors
    /// Where the datasets' files cannot be read.
    pub(crate) fn new(plan: &Plan, chosen: &Chosen, loading: &Loading) -> Result<Self> {
        let pictures = plan.pictures_dataset();
        Ok(Self {
            format_version: plan.format_version,
            state: State::Running,
            modiste: VERSION.into(),
            commit: COMMIT.map(String::from),
            recipe: plan.recipe.clone(),
            dataset: DatasetRecord::of(&plan.dataset, loading)?,
            pictures: pictures
                .map(|name| DatasetRecord::of(name, loading))
                .transpose()?,
            architecture: plan.architecture.clone(),
            config: plan.config.clone(),
            preprocessing: plan.preprocessing.clone(),
            limit: plan.limit,
            allow_partial: loading.allow_partial,
            photos_folder: None,
            photos_folder_in_run: None,
            data_folder: Some(recordable(&loading.folder.path())?),
            data_folder_in_run: None,
            tensorboard: false,
            compute: ComputeRecord::of(chosen),
            machine: Machine::here(),
            started_unix: unix_seconds() as u64,
            seconds: None,
            epochs: 0,
            test: None,
            best: None,
            photos: None,
            error: None,
            diverged: false,
        })
    }

    /// Reads the record of the run in `folder`.
    ///
    /// # Errors
    /// Where there is none, or it is another version's, or damaged.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        #[derive(Deserialize)]
        struct VersionOnly {
            format_version: u32,
            #[serde(default)]
            modiste: String,
        }
        let path = folder.join(RECORD);
        let text = match read_text(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && folder.is_dir() => bail!(
                "{} holds no run: it has no {RECORD}. A run that was killed before it had written one \
                 had not begun; train with the same flags again",
                shown(folder)
            ),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                bail!("there is no run {}", shown(folder))
            }
            Err(error) => return Err(error).with_context(|| shown(&path)),
        };
        let damaged = || format!("{} is no record of a run", shown(&path));
        let version: VersionOnly = serde_json::from_str(&text).with_context(damaged)?;
        if !(OLDEST_VERSION..=FORMAT_VERSION).contains(&version.format_version) {
            bail!(
                "{} is a record of version {}, by Modiste {}; this Modiste, {VERSION}, reads versions \
                 {OLDEST_VERSION} to {FORMAT_VERSION}",
                shown(&path),
                version.format_version,
                version.modiste
            );
        }
        let mut record: Self = serde_json::from_str(&text).with_context(damaged)?;
        if version.format_version == OLDEST_VERSION {
            let validation = &mut record.config.validation;
            *validation = validation.from_unstratified();
        }
        // Records from before there was the field say it in the error alone.
        let of_loss =
            |error: &String| error.contains("the loss is NaN") || error.contains("the loss is inf");
        record.diverged |=
            record.state == State::Failed && record.error.as_ref().is_some_and(of_loss);
        // A run that was moved has moved what lies inside it.
        for (inside, path) in [
            (&record.data_folder_in_run, &mut record.data_folder),
            (&record.photos_folder_in_run, &mut record.photos_folder),
        ] {
            let inside = inside.as_ref().map(|inside| folder.join(inside));
            if let Some(inside) = inside.filter(|inside| inside.is_dir()) {
                *path = Some(std::path::absolute(inside)?);
            }
        }
        Ok(record)
    }

    /// The record of the run that a model belongs to: a run's folder, or a file in it.
    pub(crate) fn of_model(model: &Path) -> Option<Self> {
        let run = match model.is_dir() {
            true => model,
            false => model.parent()?,
        };
        Self::read(run).ok()
    }

    /// Whether the run has something left to train, and would get further than it did.
    pub(crate) fn can_go_on(&self) -> bool {
        self.state != State::Finished && !self.diverged && self.modiste == VERSION
    }

    /// Completes the paths, for the run in `folder`: those of folders inside it are also kept
    /// relative to it.
    pub(crate) fn locate_folders(&mut self, folder: &Path) {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let inside = |path: &Option<PathBuf>| {
            let inside = path.as_ref()?.strip_prefix(&folder).ok()?;
            Some(inside.to_owned())
        };
        self.data_folder_in_run = inside(&self.data_folder);
        self.photos_folder_in_run = inside(&self.photos_folder);
    }

    /// Updates the data folder of a run that goes on with `loading`.
    ///
    /// # Errors
    /// As [`recordable`].
    pub(crate) fn use_data_of(&mut self, loading: &Loading) -> Result<()> {
        self.data_folder = Some(recordable(&loading.folder.path())?);
        Ok(())
    }

    /// Datasets of the run, some of whose files are not the official ones.
    pub(crate) fn unofficial_datasets(&self) -> Vec<&str> {
        std::iter::once(&self.dataset)
            .chain(&self.pictures)
            .filter(|dataset| dataset.files.iter().any(|file| !file.official))
            .map(|dataset| dataset.name.as_str())
            .collect()
    }

    /// What was to be trained.
    pub(crate) fn plan(&self) -> Plan {
        Plan {
            recipe: self.recipe.clone(),
            dataset: self.dataset.name.clone(),
            architecture: self.architecture.clone(),
            preprocessing: self.preprocessing.clone(),
            config: self.config.clone(),
            limit: self.limit,
            format_version: self.format_version,
        }
    }

    /// The record in the words of its version.
    pub(crate) fn as_stored(&self) -> Self {
        let mut stored = self.clone();
        stored.config = self.plan().stored_config();
        stored
    }

    /// Where the run's data come from when it goes on, or is repeated: from where `given` says, and
    /// what it was allowed is allowed.
    pub(crate) fn loading(&self, given: &Loading) -> Loading {
        let mut loading = given.of_run(self.data_folder.as_deref());
        loading.allow_partial |= self.allow_partial;
        loading
    }

    /// Whether the datasets that `loading` finds are those of this run, in `folder`, byte for byte.
    ///
    /// # Errors
    /// Where a file cannot be read, or is another.
    pub(crate) fn check_data(&self, folder: &Path, loading: &Loading) -> Result<()> {
        let mut changed = Vec::new();
        for dataset in std::iter::once(&self.dataset).chain(&self.pictures) {
            let found = DatasetRecord::of(&dataset.name, loading)?;
            for (then, now) in dataset.files.iter().zip(&found.files) {
                if then.sha256 != now.sha256 {
                    let [before, after] = [then, now].map(|file| {
                        let official = if file.official { " (official)" } else { "" };
                        format!("{}{official}", file.sha256)
                    });
                    changed.push(format!(
                        "\n  {}/{}: sha256 {before} then, {after} now",
                        dataset.name, now.file
                    ));
                }
            }
        }
        ensure!(
            changed.is_empty(),
            "the data in {} are not those that {} was trained on:{}",
            shown(&loading.folder.path()),
            shown(folder),
            changed.concat()
        );
        Ok(())
    }

    /// Says so where what was chosen computes in another way than this run, in `folder`, did.
    pub(crate) fn compare_arithmetic(&self, folder: &Path, chosen: &Chosen) {
        let [then, now] =
            [&self.compute, &ComputeRecord::of(chosen)].map(ComputeRecord::arithmetic);
        if then != now {
            say(format_args!(
                "warning: {} was computed with {then}, and this is {now}: the numbers may part",
                shown(folder)
            ));
        }
    }
}

/// The path as a record keeps it: the same from wherever the run goes on.
///
/// # Errors
/// If it is no UTF-8, which JSON cannot hold, or empty.
pub(crate) fn recordable(path: &Path) -> Result<PathBuf> {
    let path = std::path::absolute(path).with_context(|| shown(path))?;
    ensure!(
        path.to_str().is_some(),
        "{} is no UTF-8, and {RECORD} could not name it: rename it, or name it by a link",
        shown(&path)
    );
    Ok(path)
}

impl DatasetRecord {
    fn of(name: &str, loading: &Loading) -> Result<Self> {
        let files = loading.hashes(name)?.into_iter().map(|hash| FileRecord {
            file: hash.file.into(),
            sha256: hash.sha256,
            official: hash.official,
        });
        Ok(Self {
            name: name.into(),
            files: files.collect(),
        })
    }
}
