//! The training loop.

use std::time::Instant;

use modiste_core::Rng;
use modiste_dataset::{Batch, Batches};
use modiste_model::Network;

use crate::augment::Variations;
use crate::check::{check_checkpoint, check_data};
use crate::checkpoint::{Checkpoint, Position};
use crate::config::TrainConfig;
use crate::data::TrainData;
use crate::engine::{Compute, Engine, INFERENCE_BATCH_SIZE, engine_with_inference};
use crate::error::TrainError;
use crate::evaluate::validate;
use crate::event::{Event, Next};
use crate::memory::require_step_memory;
use crate::optimizer::OptimizerStep;
use modiste_metrics::EpochMetrics;

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct FitOutcome {
    /// The finished epochs.
    pub history: Vec<EpochMetrics>,
    /// Whether the callback stopped it before the last epoch's end.
    pub stopped: bool,
}

/// Trains `network` in place, measuring it on the validation images after each epoch.
///
/// `on_event` hears of every step and epoch, and may ask for a [`Checkpoint`] or stop the training;
/// the network then holds the weights of that step. With the same network, images and configuration
/// the result is the same, whatever the number of threads.
///
/// # Errors
/// [`TrainError::Config`], [`TrainError::Shape`] and [`TrainError::Mismatch`] before anything is done;
/// [`TrainError::Diverged`] if the loss or a weight becomes NaN or infinite: the network then holds the
/// weights of the last epoch that ended well, or those it began with if none did; [`TrainError::Candle`] where a device refuses.
///
/// ```
/// use modiste_train::{Compute, Next, TrainConfig, TrainData, fit};
/// use modiste_model::{Metadata, Network, zoo};
///
/// let data = modiste_dataset::fashion_mnist_mini();
/// let metadata = Metadata { classes: data.classes.clone(), ..Metadata::default() };
/// let mut network = Network::initialize(zoo::compact(), metadata, 1)?;
/// let config = TrainConfig { epochs: 1, batch_size: 8, ..TrainConfig::default() };
/// let (train, validation) = (data.train.first(16), data.test.first(8));
/// let data = TrainData { train: &train, validation: &validation, pictures: None };
/// let outcome = fit(&mut network, data, &config, &Compute::default(), &mut |_| Next::Continue)?;
/// assert_eq!(outcome.history.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fit(
    network: &mut Network,
    data: TrainData<'_>,
    config: &TrainConfig,
    compute: &Compute,
    on_event: &mut dyn FnMut(&Event<'_>) -> Next,
) -> Result<FitOutcome, TrainError> {
    let start = Checkpoint::start(config, &network.parameters, data.train.len());
    resume(network, start, data, compute, on_event)
}

/// Goes on from a checkpoint, in the middle of an epoch too, as [`fit`] would have gone on: with the
/// same images and the same kernels the network ends with the same bytes.
///
/// # Errors
/// As [`fit`], but that a network which diverges before an epoch has ended is left with the checkpoint's
/// weights; [`TrainError::Checkpoint`] where the checkpoint is of another network or other images.
pub fn resume(
    network: &mut Network,
    checkpoint: Checkpoint,
    data: TrainData<'_>,
    compute: &Compute,
    on_event: &mut dyn FnMut(&Event<'_>) -> Next,
) -> Result<FitOutcome, TrainError> {
    let Checkpoint {
        config,
        position,
        history,
        ..
    } = &checkpoint;
    config.check()?;
    let resolved = network.architecture.resolve()?;
    check_data(&resolved, network.metadata.classes.len(), data, config)?;
    check_checkpoint(&resolved, data.train.len(), &checkpoint)?;
    network.parameters.clone_from(&checkpoint.parameters);
    let batch_size = config
        .batch_size
        .min(data.train.len().max(data.validation.len()));
    require_step_memory(&resolved, batch_size, compute)?;
    let mut engine = engine_with_inference(
        compute,
        &resolved,
        &network.parameters,
        batch_size,
        INFERENCE_BATCH_SIZE,
    )?;
    engine.set_optimizer_state(&checkpoint.optimizer_state)?;
    let mut training = Training {
        steps: data.train.len().div_ceil(batch_size),
        batch_size,
        classes: resolved.classes(),
        data,
        rng: Rng::new(position.dropout),
        position: *position,
        history: history.clone(),
        engine,
        network,
        config,
    };
    let started = Event::Started {
        engine: training.engine.name(),
        steps: training.steps,
        images: data.train.len(),
        validation_images: data.validation.len(),
        epochs_done: position.epochs_done,
        steps_done: position.steps_done,
    };
    let mut next = on_event(&started);
    while next != Next::Stop && training.position.epochs_done < config.epochs {
        next = training.epoch(on_event)?;
    }
    Ok(FitOutcome {
        stopped: training.position.epochs_done < config.epochs,
        history: training.history,
    })
}

/// A training in progress.
struct Training<'a> {
    config: &'a TrainConfig,
    data: TrainData<'a>,
    /// Steps of an epoch.
    steps: usize,
    batch_size: usize,
    classes: usize,
    /// What dropout draws from.
    rng: Rng,
    /// As of the last step, but for `dropout`, which `rng` knows.
    position: Position,
    history: Vec<EpochMetrics>,
    engine: Box<dyn Engine>,
    network: &'a mut Network,
}

impl Training<'_> {
    /// The rest of the epoch in progress: its steps, validation, summary.
    fn epoch(&mut self, on_event: &mut dyn FnMut(&Event<'_>) -> Next) -> Result<Next, TrainError> {
        let (start, seconds) = (Instant::now(), self.position.seconds);
        let epoch = self.position.epochs_done;
        let mut batches =
            batches(self.config, self.data, self.batch_size, epoch).skip(self.position.steps_done);
        while let Some(batch) = batches.next_batch() {
            let learning_rate = self.step(&batch)?;
            self.position.seconds = seconds + start.elapsed().as_secs_f64();
            let (loss, accuracy) = self.means();
            let next = on_event(&Event::Step {
                epoch: epoch + 1,
                step: self.position.steps_done,
                steps: self.steps,
                images: self.position.images,
                loss,
                accuracy,
                learning_rate,
            });
            if next == Next::Continue {
                continue;
            }
            let checkpoint = self.checkpoint()?;
            // Weights that are no numbers are nothing to go on from: the next step will say so.
            if checkpoint.parameters.are_finite() {
                let stop = on_event(&Event::Checkpoint(&checkpoint)) == Next::Stop;
                if stop || next == Next::Stop {
                    self.network.parameters = checkpoint.parameters;
                    return Ok(Next::Stop);
                }
            }
        }
        let validation = self.data.validation;
        let [val_loss, val_accuracy] = validate(&mut *self.engine, validation, self.classes)?;
        let learning_rate = self.learning_rate(self.steps - 1);
        let (loss, accuracy) = self.means();
        let summary = EpochMetrics {
            epoch: epoch + 1,
            loss,
            accuracy,
            val_loss,
            val_accuracy,
            learning_rate,
            seconds: seconds + start.elapsed().as_secs_f64(),
        };
        self.history.push(summary);
        self.position = Position {
            epochs_done: epoch + 1,
            ..Position::default()
        };
        let checkpoint = self.checkpoint()?;
        if !val_loss.is_finite() || !checkpoint.parameters.are_finite() {
            let problem = match val_loss.is_finite() {
                true => "a weight is NaN or infinite".into(),
                false => format!("the validation loss is {val_loss}"),
            };
            return Err(self.diverged(problem, epoch, self.steps, learning_rate));
        }
        self.network.parameters.clone_from(&checkpoint.parameters);
        Ok(on_event(&Event::Epoch(summary, &checkpoint)))
    }

    /// One step, and its learning rate.
    fn step(&mut self, batch: &Batch<'_>) -> Result<f64, TrainError> {
        let config = self.config;
        let learning_rate = self.learning_rate(self.position.steps_done);
        let update = OptimizerStep {
            optimizer: config.optimizer,
            learning_rate,
        };
        let result = self.engine.gradients(batch, &mut self.rng)?;
        self.engine.update(&update)?;
        self.position.steps_done += 1;
        let Position {
            epochs_done,
            steps_done,
            ..
        } = self.position;
        if !result.loss.is_finite() {
            let problem = format!("the loss is {}", result.loss);
            return Err(self.diverged(problem, epochs_done, steps_done, learning_rate));
        }
        let position = &mut self.position;
        position.images += batch.labels.len();
        position.loss += result.loss * batch.labels.len() as f64;
        position.correct += result.correct;
        Ok(learning_rate)
    }

    fn diverged(
        &self,
        problem: String,
        epochs_done: usize,
        step: usize,
        learning_rate: f64,
    ) -> TrainError {
        TrainError::Diverged {
            problem,
            epoch: epochs_done + 1,
            step,
            steps: self.steps,
            learning_rate,
            momentum: self.config.optimizer.momentum(),
            epochs_done,
        }
    }

    /// That of a step of the epoch in progress, the first being 0.
    fn learning_rate(&self, step: usize) -> f64 {
        let number = self.position.epochs_done * self.steps + step;
        let total = self.config.epochs * self.steps;
        let schedule = &self.config.schedule;
        schedule.learning_rate(self.config.learning_rate, number, total)
    }

    /// Loss and accuracy of the epoch so far.
    fn means(&self) -> (f64, f64) {
        let position = &self.position;
        let images = position.images as f64;
        (position.loss / images, position.correct as f64 / images)
    }

    fn checkpoint(&self) -> Result<Checkpoint, TrainError> {
        Ok(Checkpoint {
            config: self.config.clone(),
            training_images: self.data.train.len(),
            position: Position {
                dropout: self.rng.state(),
                ..self.position
            },
            history: self.history.clone(),
            parameters: self.engine.parameters()?,
            optimizer_state: self.engine.optimizer_state()?,
        })
    }
}

/// The batches of an epoch, the first being 0: a function of the configuration.
fn batches<'a>(
    config: &'a TrainConfig,
    data: TrainData<'a>,
    batch_size: usize,
    epoch: usize,
) -> Batches<'a> {
    let mut batches = Batches::shuffled(data.train, batch_size, config.seed, epoch as u64);
    if let Some(augmentation) = &config.augmentation {
        let variations = Variations {
            augmentation,
            shape: data.train.shape(),
            pictures: data.pictures,
            seed: config.seed,
            epoch,
            epochs: config.epochs,
        };
        batches = batches.map_pixels(move |indices, pixels| variations.vary(indices, pixels));
    }
    if config.horizontal_flip {
        batches = batches.random_horizontal_flips(config.seed, epoch as u64);
    }
    batches
}
