//! Execution of a run, from its start or from a checkpoint.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use modiste_dataset::{Images, LabelledFile};
use modiste_metrics::{EpochMetrics, best_epoch, wilson_interval};
use modiste_model::Network;
use modiste_train::{
    Checkpoint, Evaluation, Position, TrainError, evaluate, fit, fit_temperature, resume,
};

use super::divergence::DivergenceAdvice;
use super::event::{OnEvent, warn};
use super::folder::{BEST, EPOCH, MODEL, RunFolder};
use super::images::RunImages;
use super::photos::{photos_result, read_photos};
use super::record::{BestResult, Record, State, TestResult, recordable};
use super::watch::{Watch, WatchOptions};
use crate::VERSION;
use crate::compute::{ComputeChoice, ComputeRecord, ComputeSetup};
use crate::config::RunConfig;
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
    folder: RunFolder,
    record: Record,
    images: RunImages,
    network: Network,
    setup: ComputeSetup,
    photos: Option<Vec<LabelledFile>>,
    checkpoint: Option<Checkpoint>,
    watch: WatchOptions,
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
        Self::create(
            plan,
            images,
            options.data.allow_partial,
            setup,
            options,
            on_warning,
        )
    }

    fn create(
        plan: &Plan,
        images: RunImages,
        allow_partial: bool,
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
        let folder = RunFolder::create(options.folder.as_deref(), &plan.recipe, on_warning)?;
        record.allow_partial = allow_partial;
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
        let network = images.network(&plan)?;
        images.require_memory(&network, &plan, &setup)?;
        let checkpoint = folder.checkpoints.newest(on_warning)?;
        Ok(Self {
            watch: watch_options(options, record.tensorboard),
            folder,
            record,
            images,
            network,
            setup,
            photos,
            checkpoint,
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
        Self::create(
            &plan,
            images,
            data.allow_partial,
            setup,
            options,
            on_warning,
        )
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

    /// Returns the position of the checkpoint that training resumes from; `None` if it starts with the first step.
    pub fn position(&self) -> Option<&Position> {
        self.checkpoint
            .as_ref()
            .map(|checkpoint| &checkpoint.position)
    }

    /// Trains the network and writes the results. The state of the returned record is
    /// [`State::Finished`], or [`State::Interrupted`] if the callback stopped the run.
    ///
    /// # Errors
    /// Returns [`Error::InRun`] if the training diverged or a result cannot be written; the record then
    /// contains the error.
    pub fn train(mut self, on_event: OnEvent<'_>) -> Result<Record> {
        match self.train_to_end(on_event) {
            Ok(()) => Ok(self.record),
            Err(cause) => Err(Error::InRun {
                path: self.folder.path().into(),
                cause: Box::new(cause),
            }),
        }
    }

    fn train_to_end(&mut self, on_event: OnEvent<'_>) -> Result<()> {
        let Self {
            folder,
            record,
            images,
            network,
            setup,
            photos,
            ..
        } = self;
        let config = record.config.clone();
        record.state = State::Running;
        record.error = None;
        record.diverged = false;
        folder.write_record(record)?;
        let clock = Instant::now();
        let mut watch = Watch::new(folder, network.clone(), &config, self.watch, on_event);
        let (compute, data) = (&setup.compute, images.train_data());
        let mut seconds_before = 0.0;
        // Number of epochs whose weights are lost if the training diverges in the current epoch.
        let mut lost = 0;
        let fitted = match self.checkpoint.take() {
            None => fit(network, data, &config.train, compute, &mut |event| {
                watch.on_event(event, on_event)
            }),
            Some(checkpoint) => {
                seconds_before = checkpoint.seconds();
                if checkpoint.position.steps_done > 0 {
                    lost = checkpoint.history.len();
                }
                watch.history.clone_from(&checkpoint.history);
                resume(network, checkpoint, data, compute, &mut |event| {
                    watch.on_event(event, on_event)
                })
            }
        };
        watch.end(on_event);
        record.seconds = Some(seconds_before + clock.elapsed().as_secs_f64());
        record.epochs = watch.history.len();
        network.round_to(config.precision);
        let history = watch.history.clone();
        // Results are written even if the run failed, with the weights of its last complete epoch.
        let has_weights = fitted.is_ok() || history.len() > lost;
        // A training that stopped or failed keeps its newest checkpoint, to be resumed.
        let has_ended = fitted.as_ref().is_ok_and(|outcome| !outcome.stopped);
        let mut results = Results {
            folder,
            keep_newest: !has_ended,
            on_warning: &mut |warning| warn(on_event, warning),
        };
        let written = match has_weights {
            true => results.write(|folder| write_results(folder, network, &history)),
            false => Ok(()),
        };
        record.diverged = matches!(fitted, Err(TrainError::Diverged { .. }));
        let fitted =
            fitted.map_err(|error| explained(error, &config, folder, has_weights, &history));
        let concluded = written.and(fitted).and_then(|outcome| {
            if config.validation.is_held_out() {
                network.metadata.temperature =
                    fit_temperature(network, &images.validation, compute)?;
                results.write(|folder| folder.write_network(MODEL, network))?;
            }
            if outcome.stopped {
                return Ok(State::Interrupted);
            }
            record.test = Some(test_result(network, &images.data.test, setup)?);
            record.best =
                best_result(folder, &config, &history, images, setup, results.on_warning)?;
            if let (Some(folder), Some(photos)) = (&record.photos_folder, &photos) {
                record.photos = Some(photos_result(network, folder, photos, results.on_warning)?);
            }
            Ok(State::Finished)
        });
        let error = concluded.as_ref().err().map(Error::to_string);
        record.state = *concluded.as_ref().unwrap_or(&State::Failed);
        watch.log_end(record.state.name(), error.as_deref(), on_event);
        record.error = error;
        folder.write_record(record)?;
        if record.state == State::Finished {
            folder.checkpoints.remove();
        }
        concluded.map(|_| ())
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

/// Writer of results that makes room on a full disk.
struct Results<'a, 'b> {
    folder: &'a RunFolder,
    /// Keeps the newest checkpoint.
    keep_newest: bool,
    on_warning: &'a mut (dyn FnMut(Warning) + 'b),
}

impl Results<'_, '_> {
    /// Calls `write`. While the disk is full, removes a checkpoint and calls it again.
    fn write(&mut self, write: impl Fn(&RunFolder) -> Result<()>) -> Result<()> {
        loop {
            match write(self.folder) {
                Err(error)
                    if error.is_disk_full()
                        && self.folder.checkpoints.remove_oldest(self.keep_newest) =>
                {
                    (self.on_warning)(Warning::CheckpointRemoved(error));
                }
                written => return written,
            }
        }
    }
}

fn write_results(folder: &RunFolder, network: &Network, history: &[EpochMetrics]) -> Result<()> {
    folder.write_network(MODEL, network)?;
    folder.write_history(history)?;
    match history.is_empty() {
        true => Ok(()),
        false => folder.write_curves(history),
    }
}

/// Adds advice to the error of a training that diverged.
fn explained(
    error: TrainError,
    config: &RunConfig,
    folder: &RunFolder,
    has_weights: bool,
    history: &[EpochMetrics],
) -> Error {
    let TrainError::Diverged { learning_rate, .. } = error else {
        return error.into();
    };
    Error::Diverged {
        advice: DivergenceAdvice::of(&config.train, learning_rate),
        weights: match has_weights {
            true => format!("{MODEL} has the weights of epoch {}", history.len()),
            false if folder.file(MODEL).exists() => {
                format!("{MODEL} stays as the last part of the run left it")
            }
            false => "no epoch ended before that, so there is no model".into(),
        },
        cause: Box::new(error),
    }
}

/// Measures the network on the test images, with weights in the precision of the model file.
fn test_result(network: &Network, test: &Images, setup: &ComputeSetup) -> Result<TestResult> {
    let Evaluation {
        loss,
        accuracy,
        images,
        correct,
        ..
    } = evaluate(network, test, false, &setup.compute)?;
    Ok(TestResult {
        images,
        loss,
        accuracy,
        interval: wilson_interval(correct, images),
    })
}

/// Calibrates and measures the weights of the best epoch. Returns `None` if no images were held out to choose it on,
/// or its weights cannot be read.
fn best_result(
    folder: &RunFolder,
    config: &RunConfig,
    history: &[EpochMetrics],
    images: &RunImages,
    setup: &ComputeSetup,
    on_warning: &mut dyn FnMut(Warning),
) -> Result<Option<BestResult>> {
    let best = best_epoch(history).filter(|_| config.validation.is_held_out());
    let Some(best) = best else {
        return Ok(None);
    };
    let mut network = match load_best(folder, best.epoch) {
        Ok(network) => network,
        Err(cause) => {
            on_warning(Warning::BestLost {
                epoch: best.epoch,
                cause,
            });
            return Ok(None);
        }
    };
    network.metadata.temperature = fit_temperature(&network, &images.validation, &setup.compute)?;
    folder.write_network(BEST, &network)?;
    Ok(Some(BestResult {
        epoch: best.epoch,
        val_loss: best.val_loss,
        val_accuracy: best.val_accuracy,
        test: test_result(&network, &images.data.test, setup)?,
    }))
}

fn load_best(folder: &RunFolder, epoch: usize) -> Result<Network> {
    let path = folder.file(BEST);
    let network = Network::load(&path)?;
    match network.metadata.training[EPOCH].as_u64() == Some(epoch as u64) {
        true => Ok(network),
        false => Err(Error::Contents {
            path,
            reason: "the weights are those of another epoch".into(),
        }),
    }
}
