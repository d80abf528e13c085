//! The training loop.

use std::time::Instant;

use modiste_core::Rng;
use modiste_dataset::{Batch, Batches, Images};
use modiste_kernels::{clip_global_norm, in_pool};
use modiste_metrics::{EpochMetrics, best_epoch};
use modiste_model::{Network, Parameters};

use crate::augment::Augmenter;
use crate::check::{check_checkpoint, check_data};
use crate::checkpoint::{Checkpoint, Position};
use crate::config::TrainConfig;
use crate::data::TrainData;
use crate::engine::{Compute, Engine, INFERENCE_BATCH_SIZE, engine_with_inference};
use crate::error::TrainError;
use crate::evaluate::validate;
use crate::event::{Event, Next};
use crate::memory::require_step_memory;
use crate::optimizer::{OptimizerStep, ParameterGroup};
use crate::parameter_groups::parameter_groups;
use crate::targets::TargetBuilder;

/// Result of a training run.
#[derive(Clone, Debug, PartialEq)]
pub struct FitResult {
    /// Metrics of the complete epochs, including those before a resume.
    pub history: Vec<EpochMetrics>,
    /// `true` if the callback stopped the run before its end. Early stopping is a regular end.
    pub stopped: bool,
    /// Epoch whose weights the network has, if the configuration has a patience and the run has ended.
    pub restored_epoch: Option<usize>,
}

/// Trains `network` in place and validates it after each epoch.
///
/// `data` contains images of the network's input shape, with labels below its number of classes. `fit`
/// scales pixel bytes to `[0, 1]`. The loss is the mean sparse categorical cross-entropy of a batch, with the label
/// smoothing and class weights of the configuration; the validation loss has neither.
///
/// If the configuration averages weights, the averages are validated, and the network has them after each epoch
/// and after a stop. If it has a patience, the network has the weights of the best epoch at the end.
///
/// `on_event` receives an [`Event`] for every step and epoch. It may request a [`Checkpoint`] or stop the
/// run; after a stop, the network has the weights of the last step. With the CPU engine and one
/// instruction set, the same network, images and configuration give the same weights, bit for bit, for any
/// number of threads.
///
/// # Errors
/// - [`TrainError::Config`], [`TrainError::Architecture`], [`TrainError::Shape`] or
///   [`TrainError::ClassCount`] if the configuration, the network or the images are invalid or do not match.
/// - [`TrainError::Memory`] if a step needs more memory than this process may use.
/// - [`TrainError::Diverged`] if the loss or a weight becomes NaN or infinite. The network then has the
///   weights of the last complete epoch, or its initial weights if there is none.
/// - [`TrainError::Images`] if the images are in a file that cannot be read.
/// - `TrainError::Candle` if candle fails.
///
/// # Examples
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
/// let result = fit(&mut network, data, &config, &Compute::default(), &mut |_| Next::Continue)?;
/// assert_eq!(result.history.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fit(
    network: &mut Network,
    data: TrainData<'_>,
    config: &TrainConfig,
    compute: &Compute,
    on_event: &mut dyn FnMut(&Event<'_>) -> Next,
) -> Result<FitResult, TrainError> {
    let start = Checkpoint::start(config, &network.parameters, data.train.len());
    resume(network, start, data, compute, on_event)
}

/// Resumes training from a checkpoint, which may be in the middle of an epoch. With the same images,
/// the CPU engine and the same instruction set, the final weights are bit-identical to those of an uninterrupted run.
///
/// The configuration and the weights come from the checkpoint; the weights of `network` are replaced.
/// `data` and `on_event` are as in [`fit`]. Starting a run is resuming from a checkpoint at step 0, which
/// is how [`fit`] is implemented.
///
/// # Errors
/// Returns the errors of [`fit`], and [`TrainError::Checkpoint`] if the checkpoint belongs to another
/// network or to another number of images. If training diverges before the end of an epoch, the network
/// has the weights of the checkpoint.
///
/// # Examples
/// Stop after the first step, and resume:
///
/// ```
/// use modiste_model::{Metadata, Network, zoo};
/// use modiste_train::{Compute, Event, Next, TrainConfig, TrainData, fit, resume};
///
/// let data = modiste_dataset::fashion_mnist_mini();
/// let metadata = Metadata { classes: data.classes.clone(), ..Metadata::default() };
/// let mut network = Network::initialize(zoo::compact(), metadata, 1)?;
/// let config = TrainConfig { epochs: 1, batch_size: 8, ..TrainConfig::default() };
/// let (train, validation) = (data.train.first(16), data.test.first(8));
/// let data = TrainData { train: &train, validation: &validation, pictures: None };
///
/// let mut checkpoint = None;
/// let stopped = fit(&mut network, data, &config, &Compute::default(), &mut |event| match event {
///     Event::Step { .. } => Next::Stop,
///     Event::Checkpoint(saved) => {
///         checkpoint = Some((*saved).clone());
///         Next::Continue
///     }
///     _ => Next::Continue,
/// })?;
/// assert!(stopped.stopped);
///
/// let checkpoint = checkpoint.expect("a stopped run has a checkpoint");
/// let compute = Compute::default();
/// let result = resume(&mut network, checkpoint, data, &compute, &mut |_| Next::Continue)?;
/// assert!(!result.stopped && result.history.len() == 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn resume(
    network: &mut Network,
    checkpoint: Checkpoint,
    data: TrainData<'_>,
    compute: &Compute,
    on_event: &mut dyn FnMut(&Event<'_>) -> Next,
) -> Result<FitResult, TrainError> {
    let Checkpoint {
        config,
        position,
        history,
        ..
    } = &checkpoint;
    config.check()?;
    let plan = network.architecture.plan()?;
    let plan = plan.with_frozen_layers(config.frozen_layers);
    check_data(&plan, network.metadata.classes.len(), data, config)?;
    check_checkpoint(&plan, data.train.len(), &checkpoint)?;
    // Augmentation reads random pictures, many times each.
    let pictures = data.pictures.map(Images::to_memory).transpose()?;
    let data = TrainData {
        pictures: pictures.as_ref(),
        ..data
    };
    network.parameters.clone_from(checkpoint.evaluated());
    let batch_size = config
        .batch_size
        .min(data.train.len().max(data.validation.len()));
    require_step_memory(&plan, batch_size, compute)?;
    let mut engine = engine_with_inference(
        compute,
        &plan,
        &checkpoint.parameters,
        batch_size,
        INFERENCE_BATCH_SIZE,
    )?;
    engine.set_optimizer_state(&checkpoint.optimizer_state)?;
    let mut training = Training {
        steps: data.train.len().div_ceil(batch_size),
        batch_size,
        classes: plan.classes(),
        data,
        rng: Rng::new(position.dropout),
        position: *position,
        history: history.clone(),
        groups: parameter_groups(&plan, config),
        targets: target_builder(config, data, plan.classes()),
        averages: checkpoint.averages.clone(),
        best: checkpoint.best.clone(),
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
    while next != Next::Stop && !training.has_ended() {
        next = training.epoch(on_event)?;
    }
    let stopped = !training.has_ended();
    let best = training.best.take().filter(|_| !stopped);
    let restored_epoch = best.and_then(|best| {
        training.network.parameters = best;
        best_epoch(&training.history).map(|best| best.epoch)
    });
    Ok(FitResult {
        history: training.history,
        stopped,
        restored_epoch,
    })
}

/// Builder of the targets that a configuration asks for.
fn target_builder(config: &TrainConfig, data: TrainData<'_>, classes: usize) -> TargetBuilder {
    let class_weights = config.class_weights.weights(data.train.labels(), classes);
    TargetBuilder::new(classes, config.label_smoothing, class_weights)
}

/// A training run in progress.
struct Training<'a> {
    config: &'a TrainConfig,
    data: TrainData<'a>,
    /// Steps per epoch.
    steps: usize,
    batch_size: usize,
    classes: usize,
    /// Generator of dropout masks.
    rng: Rng,
    /// Position after the last step. Its field `dropout` is stale; `rng` has the current state.
    position: Position,
    history: Vec<EpochMetrics>,
    engine: Box<dyn Engine>,
    network: &'a mut Network,
    /// Parameters that are not frozen.
    groups: Vec<ParameterGroup>,
    targets: TargetBuilder,
    /// Moving averages of weights and running statistics, if the configuration asks for them.
    averages: Option<Parameters>,
    /// Weights and running statistics of the best epoch, if the configuration has a patience.
    best: Option<Parameters>,
}

impl Training<'_> {
    /// Returns whether the last epoch is complete, or the patience is exhausted.
    fn has_ended(&self) -> bool {
        let epochs = self.position.epochs_done;
        let best = best_epoch(&self.history).map_or(0, |best| best.epoch);
        let patience = self.config.patience;
        epochs >= self.config.epochs || patience.is_some_and(|patience| epochs - best >= patience)
    }

    /// Runs the remaining steps of the current epoch, then validates and reports it.
    fn epoch(&mut self, on_event: &mut dyn FnMut(&Event<'_>) -> Next) -> Result<Next, TrainError> {
        let (start, seconds) = (Instant::now(), self.position.seconds);
        let epoch = self.position.epochs_done;
        let mut batches =
            batches(self.config, self.data, self.batch_size, epoch).skip(self.position.steps_done);
        while let Some(batch) = batches.next_batch()? {
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
            // The next step, or the end of the epoch, reports the divergence.
            if checkpoint.non_finite().is_none() {
                let stop = on_event(&Event::Checkpoint(&checkpoint)) == Next::Stop;
                if stop || next == Next::Stop {
                    self.network.parameters.clone_from(checkpoint.evaluated());
                    return Ok(Next::Stop);
                }
            }
        }
        let [val_loss, val_accuracy] = self.validate()?;
        let learning_rate = self.learning_rate(self.steps - 1);
        let (loss, accuracy) = self.means();
        let metrics = EpochMetrics {
            epoch: epoch + 1,
            loss,
            accuracy,
            val_loss,
            val_accuracy,
            learning_rate,
            seconds: seconds + start.elapsed().as_secs_f64(),
        };
        self.history.push(metrics);
        self.position = Position {
            epochs_done: epoch + 1,
            ..Position::default()
        };
        let mut checkpoint = self.checkpoint()?;
        let is_best = best_epoch(&self.history).is_some_and(|best| best.epoch == metrics.epoch);
        if self.config.patience.is_some() && is_best {
            self.best = Some(checkpoint.evaluated().clone());
            checkpoint.best.clone_from(&self.best);
        }
        let problem = match val_loss.is_finite() {
            true => checkpoint.non_finite().map(String::from),
            false => Some(format!("the validation loss is {val_loss}")),
        };
        if let Some(problem) = problem {
            return Err(self.diverged(problem, epoch, self.steps, learning_rate));
        }
        self.network.parameters.clone_from(checkpoint.evaluated());
        Ok(on_event(&Event::Epoch(metrics, &checkpoint)))
    }

    /// Mean loss and accuracy on the validation images of the averages, or of the current weights if there are none.
    fn validate(&mut self) -> Result<[f64; 2], TrainError> {
        let engine = &mut *self.engine;
        let Some(averages) = &self.averages else {
            return validate(engine, self.data.validation, self.classes);
        };
        let current = engine.parameters()?;
        engine.set_parameters(averages)?;
        let metrics = validate(engine, self.data.validation, self.classes)?;
        engine.set_parameters(&current)?;
        Ok(metrics)
    }

    /// Runs one step and returns its learning rate.
    fn step(&mut self, batch: &Batch<'_>) -> Result<f64, TrainError> {
        let config = self.config;
        let learning_rate = self.learning_rate(self.position.steps_done);
        let update = OptimizerStep {
            optimizer: config.optimizer,
            learning_rate,
        };
        let number = self.position.epochs_done * self.steps + self.position.steps_done;
        let engine = &mut *self.engine;
        let targets = self
            .targets
            .targets(batch.labels, batch.mixed.unwrap_or_default());
        let metrics = engine.gradients_of(batch.images, targets, &mut self.rng)?;
        if let Some(max_norm) = config.clip_norm {
            let frozen = self.groups.first().map_or(0, |group| group.range.start);
            let gradients = &mut engine.gradient_buffer()?[frozen..];
            in_pool(|| clip_global_norm(gradients, max_norm));
        }
        engine.update_groups(&update, &self.groups)?;
        if let (Some(averages), Some(decay)) = (&mut self.averages, config.ema_decay) {
            let warm_up = (2 + number) as f64 / (11 + number) as f64;
            engine.update_average(averages, decay.min(warm_up))?;
        }
        self.position.steps_done += 1;
        let Position {
            epochs_done,
            steps_done,
            ..
        } = self.position;
        if !metrics.loss.is_finite() {
            let problem = format!("the loss is {}", metrics.loss);
            return Err(self.diverged(problem, epochs_done, steps_done, learning_rate));
        }
        let position = &mut self.position;
        position.images += batch.labels.len();
        position.loss += metrics.loss * batch.labels.len() as f64;
        position.correct += metrics.correct;
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

    /// Learning rate for `step` (0-based) of the current epoch.
    fn learning_rate(&self, step: usize) -> f64 {
        let number = self.position.epochs_done * self.steps + step;
        let total = self.config.epochs * self.steps;
        let schedule = &self.config.schedule;
        schedule.learning_rate(self.config.learning_rate, number, total)
    }

    /// Mean loss and accuracy of the current epoch so far.
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
            averages: self.averages.clone(),
            best: self.best.clone(),
        })
    }
}

/// Batches of `epoch` (0-based); they depend on the configuration and the images only.
pub(crate) fn batches<'a>(
    config: &'a TrainConfig,
    data: TrainData<'a>,
    batch_size: usize,
    epoch: usize,
) -> Batches<'a> {
    let mut batches = Batches::shuffled(data.train, batch_size, config.seed, epoch as u64);
    if let Some(augmentation) = &config.augmentation {
        let augmenter = Augmenter {
            augmentation,
            shape: data.train.shape(),
            pictures: data.pictures,
            seed: config.seed,
            epoch,
            epochs: config.epochs,
        };
        batches = batches.map_pixels(move |indices, pixels| augmenter.augment(indices, pixels));
        if augmentation.mixes() {
            batches =
                batches.mix(move |indices, labels, pixels| augmenter.mix(indices, labels, pixels));
        }
    }
    if config.horizontal_flip {
        batches = batches.random_horizontal_flips(config.seed, epoch as u64);
    }
    batches
}
