//! Preparation of a run: settings, data, folder, and the checkpoint to resume from.

use std::path::{Path, PathBuf};
use std::time::Duration;

use modiste_core::shown;
use modiste_dataset::LabelledFile;
use modiste_model::Network;
use modiste_train::{Checkpoint, Position};

use super::folder::RunFolder;
use super::images::RunImages;
use super::photos::read_photos;
use super::record::{Record, State, recordable};
use super::watch::WatchOptions;
use crate::VERSION;
use crate::compute::{ComputeChoice, ComputeRecord, ComputeSetup};
use crate::data::DataSource;
use crate::error::{Error, Result};
use crate::machine::Machine;
use crate::plan::Plan;
use crate::warning::Warning;

/// Settings of a run that are not part of its plan.
#[derive(Clone, Debug)]
pub struct RunOptions<'a> {
    /// Folder of the run, new or empty. `None` means the first free `runs/NAME-N`. Resuming ignores it.
    pub folder: Option<PathBuf>,
    /// Source of the datasets.
    pub data: DataSource<'a>,
    /// Engine and device.
    pub compute: ComputeChoice,
    /// Folder of labelled photos that the finished network classifies.
    pub photos: Option<PathBuf>,
    /// Writes event files for TensorBoard.
    pub tensorboard: bool,
    /// Time between checkpoints, besides that of each epoch; zero saves one after each step.
    pub checkpoint_interval: Duration,
    /// Number of completed epochs after which the run is interrupted.
    pub stop_after: Option<usize>,
}

impl Default for RunOptions<'_> {
    /// Checkpoints every 60 seconds, the default compute choice, no photos, no TensorBoard.
    fn default() -> Self {
        Self {
            folder: None,
            data: DataSource::default(),
            compute: ComputeChoice::default(),
            photos: None,
            tensorboard: false,
            checkpoint_interval: Duration::from_secs(60),
            stop_after: None,
        }
    }
}

/// Run that is ready to train: its folder is locked, its images are loaded, and there is enough memory.
#[derive(Debug)]
pub struct Run {
    pub(super) folder: RunFolder,
    pub(super) record: Record,
    pub(super) images: RunImages,
    pub(super) network: Network,
    pub(super) setup: ComputeSetup,
    pub(super) photos: Option<Vec<LabelledFile>>,
    pub(super) checkpoint: Option<Checkpoint>,
    is_resumed: bool,
    pub(super) watch: WatchOptions,
}

impl Run {
    /// Prepares a new run.
    ///
    /// # Errors
    /// Returns [`Error::Setting`], [`Error::Train`] or [`Error::Architecture`] if a setting cannot be used or there
    /// is not enough memory, [`Error::Device`] or [`Error::InstructionSet`] if the device or the instruction set is not
    /// available, [`Error::Dataset`] if the data cannot be loaded, [`Error::LabelsFile`] or [`Error::Labels`] if the
    /// photos have no valid labels, [`Error::NotEmpty`] or [`Error::Locked`] if the folder is in use, and
    /// [`Error::NoRoom`] if the model cannot be written.
    ///
    /// ```
    /// use modiste_experiment::{Plan, Run, RunOptions, find_recipe};
    /// use modiste_train::Next;
    ///
    /// let mut plan = Plan::new(&find_recipe("smoke")?, None, None)?;
    /// plan.config.train.epochs = 1;
    /// plan.max_samples = Some(100);
    /// let folder = tempfile::tempdir()?;
    /// let options = RunOptions {
    ///     folder: Some(folder.path().join("run")),
    ///     ..RunOptions::default()
    /// };
    /// let run = Run::start(&plan, &options, &mut |warning| eprintln!("{warning}"))?;
    /// let record = run.train(&mut |_| Next::Continue)?;
    /// assert_eq!(record.test.expect("it is finished").images, 100);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn start(
        plan: &Plan,
        options: &RunOptions<'_>,
        on_warning: &mut dyn FnMut(Warning),
    ) -> Result<Self> {
        plan.check()?;
        let setup = options.compute.select()?;
        let data_folder = options.data.folder_of(None);
        let images = RunImages::load(plan, &options.data, &data_folder, on_warning)?;
        Self::create(plan, images, setup, options, on_warning)
    }

    fn create(
        plan: &Plan,
        images: RunImages,
        setup: ComputeSetup,
        options: &RunOptions<'_>,
        on_warning: &mut dyn FnMut(Warning),
    ) -> Result<Self> {
        let photos = options.photos.as_deref();
        let read = |folder| read_photos(folder, &images.data.classes, on_warning);
        let labelled = photos.map(read).transpose()?;
        let photos_folder = photos.map(recordable).transpose()?;
        let data_folder = recordable(&images.data_folder)?;
        let network = images.network(plan)?;
        images.require_memory(&network, plan, &setup)?;
        let mut record = Record::new(plan, &images, &setup);
        if let Some(own) = &mut record.own_images {
            own.images.path = recordable(&own.images.path)?;
        }
        if let Some(path) = record
            .pretrained
            .as_mut()
            .and_then(|from| from.model.as_mut())
        {
            *path = recordable(path)?;
        }
        let folder = RunFolder::create(options.folder.as_deref(), &plan.recipe, on_warning)?;
        record.allow_partial = options.data.allow_partial;
        record.photos_folder = photos_folder;
        record.data_folder = Some(data_folder);
        record.locate_folders(folder.path());
        record.tensorboard = options.tensorboard;
        // A full disk or a folder that is not writable is reported before the training.
        folder.reserve(network.to_bytes()?.len())?;
        Ok(Self {
            folder,
            record,
            images,
            network,
            setup,
            photos: labelled,
            checkpoint: None,
            is_resumed: false,
            watch: watch_options(options, options.tensorboard),
        })
    }

    /// Prepares a run to be resumed from its last checkpoint. Its final model is bit-identical to that of a run that
    /// was never stopped.
    ///
    /// # Errors
    /// Returns [`Error::NoRun`] or [`Error::NotARun`] if `path` is not a run, [`Error::Finished`],
    /// [`Error::HasDiverged`] or [`Error::OtherVersion`] if it cannot be resumed, [`Error::DataChanged`] if its data
    /// have changed, [`Error::PhotosOfRun`] if its photos have no valid labels, and the errors of
    /// [`start`](Self::start).
    pub fn resume(
        path: &Path,
        options: &RunOptions<'_>,
        on_warning: &mut dyn FnMut(Warning),
    ) -> Result<Self> {
        let (folder, mut record) = RunFolder::open(path, on_warning)?;
        check_resumable(&folder, &record)?;
        let setup = record.compute.or(&options.compute)?.select()?;
        record.compare_arithmetic(path, &setup, on_warning);
        record.compute = ComputeRecord::of(&setup);
        record.machine = Machine::current();
        record.tensorboard |= options.tensorboard;
        if let Some(photos) = &options.photos {
            record.photos_folder = Some(recordable(photos)?);
        }
        let plan = record.plan();
        let data = record.data_source(&options.data);
        let data_folder = data.folder_of(record.data_folder.as_deref());
        let images = RunImages::load(&plan, &data, &data_folder, on_warning)?;
        record.check_data(path, &images)?;
        record.data_folder = Some(recordable(&data_folder)?);
        record.locate_folders(path);
        let read = |folder: &PathBuf| {
            read_photos(folder, &images.data.classes, on_warning).map_err(|cause| {
                Error::PhotosOfRun {
                    cause: Box::new(cause),
                }
            })
        };
        let photos = record.photos_folder.as_ref().map(read).transpose()?;
        let checkpoint = folder.checkpoints.newest(on_warning)?;
        // A checkpoint contains the weights: the run resumes without the model that it started from.
        let network = match checkpoint {
            Some(_) => images.random_network(&plan)?,
            None => images.network(&plan)?,
        };
        images.require_memory(&network, &plan, &setup)?;
        Ok(Self {
            watch: watch_options(options, record.tensorboard),
            folder,
            record,
            images,
            network,
            setup,
            photos,
            checkpoint,
            is_resumed: true,
        })
    }

    /// Prepares the repetition of the run in `original`, whose record is `before`.
    pub(crate) fn repeat(
        original: &Path,
        before: &Record,
        options: &RunOptions<'_>,
        on_warning: &mut dyn FnMut(Warning),
    ) -> Result<Self> {
        let setup = options.compute.select()?;
        before.compare_arithmetic(original, &setup, on_warning);
        let plan = before.plan();
        let data = before.data_source(&options.data);
        let data_folder = data.folder_of(before.data_folder.as_deref());
        let images = RunImages::load(&plan, &data, &data_folder, on_warning)?;
        before.check_data(original, &images)?;
        let options = RunOptions {
            data,
            ..options.clone()
        };
        Self::create(&plan, images, setup, &options, on_warning)
    }

    /// Returns the folder of the run.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the record of the run.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Returns the number of training images.
    pub fn training_images(&self) -> usize {
        self.images.train.len()
    }

    /// Returns the engine and the device.
    pub fn setup(&self) -> &ComputeSetup {
        &self.setup
    }

    /// Returns lines about the device and what is about to be trained.
    pub fn description(&self) -> String {
        let (path, record) = (shown(self.path()), self.record());
        let action = match self.position() {
            Some(position) => format!(
                "Resuming {path} after {} epochs and {} steps of {} epochs",
                position.epochs_done, position.steps_done, record.config.train.epochs
            ),
            None if self.is_resumed => format!("Starting {path} again: it has no checkpoint"),
            None => format!(
                "Training {} on {} images of {}, into {path}",
                record.architecture.name,
                self.training_images(),
                record.dataset.name,
            ),
        };
        let mut lines = vec![self.setup.description.clone()];
        if self.position().is_none() {
            let from = record.pretrained.iter();
            lines.extend(from.map(|from| format!("Starting from {}", from.summary())));
        }
        lines.push(action);
        // Without a part of its own, the validation measures the test images.
        let held_out = record.config.validation.is_held_out();
        let own = record.own_images.iter().filter(|_| held_out);
        lines.extend(own.map(|own| format!("Held out: {}", own.held_out())));
        lines.join("\n")
    }

    /// Returns the position of the checkpoint that training resumes from; `None` if it starts with the first step.
    pub fn position(&self) -> Option<&Position> {
        self.checkpoint
            .as_ref()
            .map(|checkpoint| &checkpoint.position)
    }
}

fn watch_options(options: &RunOptions<'_>, tensorboard: bool) -> WatchOptions {
    WatchOptions {
        checkpoint_interval: options.checkpoint_interval,
        stop_after: options.stop_after,
        tensorboard,
    }
}

/// Checks that a run can be resumed.
fn check_resumable(folder: &RunFolder, record: &Record) -> Result<()> {
    let path = folder.path().to_owned();
    if record.state == State::Finished {
        // Checkpoints remain if the process was killed before it removed them.
        folder.checkpoints.remove();
        return Err(Error::Finished { path });
    }
    if record.diverged {
        let reason = record.error.as_deref();
        return Err(Error::HasDiverged {
            path,
            reason: reason.unwrap_or("the loss became NaN").into(),
        });
    }
    match record.modiste == VERSION {
        true => Ok(()),
        false => Err(Error::OtherVersion {
            path,
            modiste: record.modiste.clone(),
        }),
    }
}
