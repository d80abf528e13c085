//! A run from its first step, or from a checkpoint, to its end.

use std::io;
use std::time::Instant;

use anyhow::{Context, Error, Result, ensure};
use modiste_dataset::{Dataset, Images, LabelledFile};
use modiste_metrics::wilson_interval;
use modiste_metrics::{EpochMetrics, best_epoch};
use modiste_model::{FileError, Metadata, Network};
use modiste_train::{
    Checkpoint, Evaluation, MADE_UP, TrainConfig, TrainData, TrainError, evaluate, fit,
    fit_temperature, made_up_pictures, require_training_memory, resume,
};
use serde_json::json;

use super::divergence::explained;
use super::folder::{BEST, EPOCH, MODEL, RunFolder};
use super::photos::photos_result;
use super::plan::Plan;
use super::record::{BestResult, Record, State, TestResult};
use super::watch::{Watch, WatchArguments};
use crate::compute::Chosen;
use crate::loading::Loading;
use crate::messages::say;
use modiste_core::shown;

/// How many pictures are made up where backgrounds are cut out of such.
const MADE_UP_PICTURES: usize = 10_000;

/// The images of a run.
pub(crate) struct RunImages {
    pub(crate) data: Dataset,
    pub(crate) train: Images,
    pub(crate) validation: Images,
    /// What backgrounds are cut out of, where the plan has variations.
    pictures: Option<Images>,
}

impl RunImages {
    /// Loads what the plan asks for.
    ///
    /// # Errors
    /// Where a dataset cannot be had, or a split leaves nothing.
    pub(crate) fn load(plan: &Plan, loading: &Loading) -> Result<Self> {
        let mut data = loading.load(&plan.dataset)?;
        if let Some(limit) = plan.limit {
            data.train = data.train.first(limit);
            data.test = data.test.first(limit);
        }
        let (train, validation) = plan.config.validation.split(&data, plan.config.seed)?;
        let pictures = match &plan.config.augmentation {
            None => None,
            Some(augmentation) => Some(match augmentation.background.pictures.as_str() {
                MADE_UP => made_up_pictures(MADE_UP_PICTURES, plan.config.seed),
                name => loading.load(name)?.train.to_gray(),
            }),
        };
        Ok(Self {
            data,
            train,
            validation,
            pictures,
        })
    }

    /// Checks that there is memory to train `network`, before a run's folder is touched.
    ///
    /// # Errors
    /// Where there is not.
    pub(crate) fn require_memory(
        &self,
        network: &Network,
        plan: &Plan,
        chosen: &Chosen,
    ) -> Result<()> {
        let batch_size = plan.config.batch_size.min(self.train.len());
        let resolved = network.architecture.resolve()?;
        Ok(require_training_memory(
            &resolved,
            batch_size,
            &chosen.compute,
        )?)
    }

    /// The network that a plan starts with.
    ///
    /// # Errors
    /// Where its layers do not make one.
    pub(crate) fn network(&self, plan: &Plan) -> Result<Network> {
        Ok(Network::initialize(
            plan.architecture.clone(),
            metadata(plan, &self.data, self.train.len())?,
            plan.config.seed,
        )?)
    }
}

/// What the model file says of itself. Nothing that differs when the same is trained again.
fn metadata(plan: &Plan, data: &Dataset, training_images: usize) -> Result<Metadata> {
    Ok(Metadata {
        dataset: data.name.clone(),
        classes: data.classes.clone(),
        preprocessing: Some(plan.preprocessing.clone()),
        temperature: 1.0,
        training: json!({
            "modiste": env!("CARGO_PKG_VERSION"),
            "recipe": plan.recipe,
            "training_images": training_images,
            "config": plan.stored_config(),
        }),
    })
}

/// What a run goes on with, beside its record.
pub(crate) struct Conditions<'a> {
    pub(crate) images: &'a RunImages,
    /// Labelled photos that the finished network is tried on.
    pub(crate) photos: Option<Vec<LabelledFile>>,
    /// Where the run goes on, if it does not begin.
    pub(crate) start: Option<Checkpoint>,
    /// Whole epochs after which the run is interrupted.
    pub(crate) stop_after: Option<usize>,
    pub(crate) chosen: &'a Chosen,
    pub(crate) watch: &'a WatchArguments,
}

/// Trains `network` and writes what comes of it, the record last: `record` is then finished, or
/// interrupted.
///
/// # Errors
/// A loss that is no number any more, files that cannot be written; the record then says so.
pub(crate) fn conduct(
    folder: &RunFolder,
    record: &mut Record,
    mut network: Network,
    conditions: Conditions<'_>,
) -> Result<()> {
    let Conditions {
        images,
        photos,
        start,
        stop_after,
        chosen,
        watch,
    } = conditions;
    let config = record.config.clone();
    record.state = State::Running;
    record.error = None;
    record.diverged = false;
    folder.write_record(record)?;
    let clock = Instant::now();
    let mut watch = Watch::new(
        watch,
        folder,
        network.clone(),
        &config,
        record.tensorboard,
        stop_after,
    );
    let data = TrainData {
        train: &images.train,
        validation: &images.validation,
        pictures: images.pictures.as_ref(),
    };
    let compute = &chosen.compute;
    let mut before = 0.0;
    // Epochs whose weights a network that diverges is not left with.
    let mut lost = 0;
    let fitted = match start {
        None => fit(&mut network, data, &config, compute, &mut |event| {
            watch.hear(event)
        }),
        Some(checkpoint) => {
            before = checkpoint.seconds();
            if checkpoint.position.steps_done > 0 {
                lost = checkpoint.history.len();
            }
            watch.history.clone_from(&checkpoint.history);
            resume(&mut network, checkpoint, data, compute, &mut |event| {
                watch.hear(event)
            })
        }
    };
    watch.end();
    record.seconds = Some(before + clock.elapsed().as_secs_f64());
    record.epochs = watch.history.len();
    network.round_to(config.precision);
    let history = watch.history.clone();
    // First of all what was learned: of a run that failed, its last good epoch's weights.
    let has_weights = fitted.is_ok() || history.len() > lost;
    // Only a training that came to its end needs no checkpoint any more.
    let ended = fitted.as_ref().is_ok_and(|outcome| !outcome.stopped);
    let written = match has_weights {
        true => with_room(folder, !ended, || write_results(folder, &network, &history)),
        false => Ok(()),
    };
    record.diverged = matches!(fitted, Err(TrainError::Diverged { .. }));
    let fitted = fitted.map_err(|error| {
        let kept = match has_weights {
            true => format!("{MODEL} has the weights of epoch {}", history.len()),
            false if folder.file(MODEL).exists() => {
                format!("{MODEL} stays as the run's last part left it")
            }
            false => "no epoch ended before that, so there is no model".into(),
        };
        explained(error, &config, &kept)
    });
    let concluded = written.and(fitted).and_then(|outcome| {
        if config.validation.is_held_out() {
            network.metadata.temperature = fit_temperature(&network, &images.validation, compute)?;
            with_room(folder, !ended, || folder.write_network(MODEL, &network))?;
        }
        if outcome.stopped {
            return Ok(State::Interrupted);
        }
        record.test = Some(test_result(&network, &images.data.test, chosen)?);
        record.best = best_result(folder, &config, &history, images, chosen)?;
        if let (Some(folder), Some(photos)) = (&record.photos_folder, &photos) {
            record.photos = Some(photos_result(&network, folder, photos)?);
        }
        Ok(State::Finished)
    });
    let error = concluded.as_ref().err().map(|error| format!("{error:#}"));
    record.state = *concluded.as_ref().unwrap_or(&State::Failed);
    watch.finish(record.state.name(), error.as_deref());
    record.error = error;
    folder.write_record(record)?;
    if record.state == State::Finished {
        folder.checkpoints.remove();
    }
    concluded
        .map(|_| ())
        .with_context(|| format!("the run {}", shown(folder.path())))
}

/// Calls `write` again, each time with one checkpoint less, as long as the disk is full.
fn with_room(folder: &RunFolder, keep_newest: bool, write: impl Fn() -> Result<()>) -> Result<()> {
    loop {
        match write() {
            Err(error) if is_full(&error) && folder.checkpoints.remove_oldest(keep_newest) => {
                say(format_args!(
                    "warning: {error:#}: a checkpoint was removed to make room"
                ));
            }
            written => return written,
        }
    }
}

fn is_full(error: &Error) -> bool {
    let cause = match error.downcast_ref() {
        Some(FileError::Io { reason, .. }) => Some(reason),
        _ => error.root_cause().downcast_ref(),
    };
    cause.is_some_and(|cause: &io::Error| {
        matches!(
            cause.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        )
    })
}

fn write_results(folder: &RunFolder, network: &Network, history: &[EpochMetrics]) -> Result<()> {
    folder.write_network(MODEL, network)?;
    folder.write_history(history)?;
    match history.is_empty() {
        true => Ok(()),
        false => folder.write_curves(history),
    }
}

/// Loss and accuracy on the test images, of the network as its file keeps it.
fn test_result(network: &Network, test: &Images, chosen: &Chosen) -> Result<TestResult> {
    let Evaluation {
        loss,
        accuracy,
        images,
        correct,
        ..
    } = evaluate(network, test, false, &chosen.compute)?;
    Ok(TestResult {
        images,
        loss,
        accuracy,
        interval: wilson_interval(correct, images),
    })
}

/// The best epoch on images that were held back from training, where such chose one: its weights
/// calibrated and measured as the last ones are.
fn best_result(
    folder: &RunFolder,
    config: &TrainConfig,
    history: &[EpochMetrics],
    images: &RunImages,
    chosen: &Chosen,
) -> Result<Option<BestResult>> {
    let best = best_epoch(history).filter(|_| config.validation.is_held_out());
    let Some(best) = best else {
        return Ok(None);
    };
    let loaded = Network::load(&folder.file(BEST)).map_err(Error::from);
    let loaded = loaded.and_then(|network| {
        let epoch = network.metadata.training[EPOCH].as_u64();
        ensure!(
            epoch == Some(best.epoch as u64),
            "{} is of another epoch",
            shown(&folder.file(BEST))
        );
        Ok(network)
    });
    let mut network = match loaded {
        Ok(network) => network,
        Err(error) => {
            say(format_args!(
                "warning: the weights of epoch {}, the best one, are lost: {error:#}",
                best.epoch
            ));
            return Ok(None);
        }
    };
    network.metadata.temperature = fit_temperature(&network, &images.validation, &chosen.compute)?;
    folder.write_network(BEST, &network)?;
    Ok(Some(BestResult {
        epoch: best.epoch,
        val_loss: best.val_loss,
        val_accuracy: best.val_accuracy,
        test: test_result(&network, &images.data.test, chosen)?,
    }))
}
