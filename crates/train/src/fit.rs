//! The training loop.

use modiste_core::Rng;
use modiste_dataset::{Batches, Images};
use modiste_metrics::{EpochMetrics, best_epoch};
use modiste_model::Network;

use crate::augment::{Augmentation, Augmenter, Renderer};
use crate::check::{check_checkpoint, check_data};
use crate::checkpoint::Checkpoint;
use crate::config::TrainConfig;
use crate::data::TrainData;
use crate::engine::{Compute, INFERENCE_BATCH_SIZE, engine_with_inference};
use crate::error::TrainError;
use crate::event::{Event, Next};
use crate::memory::{require_picture_memory, require_step_memory};
use crate::parameter_groups::parameter_groups;
use crate::priors::ClassPriors;
use crate::sampling::{Pools, epoch_order};
use crate::targets::TargetBuilder;
use crate::training::Training;

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
/// let data = TrainData { train: &train, validation: &validation, cutouts: None, pictures: None };
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
/// let data = TrainData { train: &train, validation: &validation, cutouts: None, pictures: None };
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
    let in_memory = InMemory::of(data, config)?;
    let data = in_memory.data(data);
    network.parameters.clone_from(checkpoint.evaluated());
    let epoch_len = config.sampling.epoch_len(data.train.labels());
    let batch_size = config.batch_size.min(epoch_len.max(data.validation.len()));
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
        batch_size,
        epoch_len,
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
        steps: training.steps(),
        images: epoch_len,
        validation_images: data.validation.len(),
        epochs_done: position.epochs_done,
        steps_done: position.steps_done,
    };
    let mut next = on_event(&started);
    while next != Next::Stop && !training.has_ended() {
        let batches = batches(config, data, batch_size, training.position.epochs_done);
        next = training.epoch(batches, on_event)?;
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

/// Pictures that are read many times each, in memory.
pub(crate) struct InMemory {
    cutouts: Option<Images>,
    pictures: Option<Images>,
}

impl InMemory {
    /// Reads the cut-outs and the pictures of backgrounds.
    pub(crate) fn of(data: TrainData<'_>, config: &TrainConfig) -> Result<Self, TrainError> {
        /// Largest number of training images that backgrounds are cut from.
        const MAX_PICTURES: usize = 4096;
        let some = |images: &Images| {
            let step = images.len().div_ceil(MAX_PICTURES).max(1);
            let indices: Vec<usize> = (0..images.len()).step_by(step).collect();
            images.subset(&indices)
        };
        let pictures = match (data.pictures, &config.cutouts) {
            (None, Some(_)) => Some(some(data.train)),
            (pictures, _) => pictures.cloned(),
        };
        let read = [data.cutouts, pictures.as_ref()];
        require_picture_memory(read.into_iter().flatten())?;
        Ok(Self {
            cutouts: data.cutouts.map(Images::to_memory).transpose()?,
            pictures: pictures.as_ref().map(Images::to_memory).transpose()?,
        })
    }

    /// The data with these pictures.
    pub(crate) fn data<'a>(&'a self, data: TrainData<'a>) -> TrainData<'a> {
        TrainData {
            cutouts: self.cutouts.as_ref(),
            pictures: self.pictures.as_ref(),
            ..data
        }
    }
}

/// Batches of `epoch` (0-based) in its order, without augmentation, and the index of each image if they are not a
/// permutation of the training images.
pub(crate) fn drawn<'a>(
    config: &TrainConfig,
    data: TrainData<'a>,
    batch_size: usize,
    epoch: usize,
) -> (Batches<'a>, Option<Vec<usize>>) {
    let (train, seed) = (data.train, config.seed);
    if config.sampling.is_permutation(train.labels()) {
        let batches = Batches::shuffled(train, batch_size, seed, epoch as u64);
        return (batches, None);
    }
    let pools = pools(data);
    let order = epoch_order(&config.sampling, pools, seed, epoch);
    let labels = order.iter().map(|&index| pools.label(index)).collect();
    let batches = Batches::drawn(train, batch_size, order.clone(), labels);
    (batches, Some(order))
}

/// Labels that an epoch is drawn from.
fn pools(data: TrainData<'_>) -> Pools<'_> {
    Pools {
        images: data.train.labels(),
        cutouts: data.cutouts.map_or(&[], Images::labels),
    }
}

/// Builder of the targets that a configuration asks for.
fn target_builder(config: &TrainConfig, data: TrainData<'_>, classes: usize) -> TargetBuilder {
    let class_weights = config.class_weights.weights(data.train.labels(), classes);
    let factor = config.logit_adjustment;
    let priors =
        (factor > 0.0).then(|| ClassPriors::new(&config.sampling, pools(data), classes, factor));
    TargetBuilder::new(classes, config.label_smoothing, class_weights, priors)
}

/// Batches of `epoch` (0-based); they depend on the configuration and the images only.
pub(crate) fn batches<'a>(
    config: &'a TrainConfig,
    data: TrainData<'a>,
    batch_size: usize,
    epoch: usize,
) -> Batches<'a> {
    let (batches, order) = drawn(config, data, batch_size, epoch);
    let batches = augmented(batches, order, config, data, epoch);
    let augmentation = config.augmentation.as_ref();
    match augmentation.filter(|augmentation| augmentation.mixes()) {
        Some(augmentation) => {
            let augmenter = augmenter(augmentation, config, data, epoch);
            batches.mix(move |indices, labels, pixels| augmenter.mix(indices, labels, pixels))
        }
        None => batches,
    }
}

/// Augmentation of `epoch` (0-based).
fn augmenter<'a>(
    augmentation: &'a Augmentation,
    config: &TrainConfig,
    data: TrainData<'a>,
    epoch: usize,
) -> Augmenter<'a> {
    Augmenter {
        augmentation,
        shape: data.train.shape(),
        pictures: data.pictures,
        seed: config.seed,
        epoch,
        epochs: config.epochs,
    }
}

/// Renders the cut-outs of batches of `epoch` (0-based), and augments and flips all images. `order` contains the index of
/// each image, if the batches are not a permutation of the training images.
pub(crate) fn augmented<'a>(
    mut batches: Batches<'a>,
    order: Option<Vec<usize>>,
    config: &'a TrainConfig,
    data: TrainData<'a>,
    epoch: usize,
) -> Batches<'a> {
    let (shape, seed) = (data.train.shape(), config.seed);
    let renderer = config.cutouts.as_ref().zip(data.cutouts).zip(order);
    let renderer = renderer.map(|((settings, cutouts), order)| Renderer {
        settings,
        cutouts,
        order,
        pictures: data.pictures,
        first: data.train.len(),
        shape,
        seed,
        epoch,
    });
    let augmentation = config.augmentation.as_ref();
    let augmenter = augmentation.map(|augmentation| augmenter(augmentation, config, data, epoch));
    if renderer.is_some() || augmenter.is_some() {
        batches = batches.map_pixels(move |indices, pixels| {
            if let Some(renderer) = &renderer {
                renderer.render(indices, pixels);
            }
            if let Some(augmenter) = &augmenter {
                augmenter.augment(indices, pixels);
            }
        });
    }
    if config.horizontal_flip {
        batches = batches.random_horizontal_flips(config.seed, epoch as u64);
    }
    batches
}
