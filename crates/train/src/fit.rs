//! The training loop.

use std::ops::ControlFlow;
use std::time::Instant;

use modiste_dataset::{Batches, Images, Rng};
use modiste_kernels::SgdStep;
use modiste_model::{Network, Resolved};
use serde::{Deserialize, Serialize};

use crate::augment::Variations;
use crate::config::TrainConfig;
use crate::engine::{Compute, Engine};
use crate::error::TrainError;
use crate::evaluate::validate;

/// The stream of [`Rng::stream`] that dropout draws from.
const DROPOUT_STREAM: u64 = 2;

/// One finished epoch. Loss and accuracy are running means while the weights changed, as Keras
/// shows them; the `val_` ones are measured after it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochSummary {
    /// From 1.
    pub epoch: usize,
    /// Mean training loss.
    pub loss: f64,
    /// Share of training images that were right, 0 to 1.
    pub accuracy: f64,
    /// Loss on the validation images.
    pub val_loss: f64,
    /// Accuracy on them, 0 to 1.
    pub val_accuracy: f64,
    /// The last step's.
    pub learning_rate: f64,
    /// How long it took, validation included.
    pub seconds: f64,
}

/// What [`fit`] tells its callback.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Before the first step.
    Started {
        /// `kernels` or `candle`.
        engine: &'static str,
        /// Steps of an epoch.
        steps: usize,
        /// Images trained on.
        images: usize,
        /// Images validated on.
        validation_images: usize,
    },
    /// After each step.
    Step {
        /// From 1.
        epoch: usize,
        /// From 1, in the epoch.
        step: usize,
        /// Steps of an epoch.
        steps: usize,
        /// Images of the epoch so far.
        images: usize,
        /// Mean loss of the epoch so far.
        loss: f64,
        /// Accuracy of the epoch so far, 0 to 1.
        accuracy: f64,
        /// This step's.
        learning_rate: f64,
    },
    /// After each epoch.
    Epoch(EpochSummary),
}

/// The images of a run.
#[derive(Clone, Copy, Debug)]
pub struct TrainData<'a> {
    /// What is learned from.
    pub train: &'a Images,
    /// What is measured after each epoch.
    pub validation: &'a Images,
    /// Gray pictures, of any size, that augmentation lays objects on; none will do.
    pub pictures: Option<&'a Images>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct FitOutcome {
    /// The finished epochs.
    pub history: Vec<EpochSummary>,
    /// Whether the callback stopped it before the last epoch's end.
    pub stopped: bool,
}

/// Trains `network` in place, measuring it on the validation images after each epoch.
///
/// `on_event` hears of every step and epoch, and stops the run after the step by returning
/// [`ControlFlow::Break`]; the network then holds the weights of that step. With the same network,
/// images and configuration the result is the same, whatever the number of threads.
///
/// # Errors
/// [`TrainError::Config`] and [`TrainError::Mismatch`] before anything is done;
/// [`TrainError::Diverged`] where the loss is no number any more: the network then holds the
/// weights of the last epoch that ended well; [`TrainError::Candle`] where a device refuses.
///
/// ```
/// use std::ops::ControlFlow;
/// use modiste_train::{Compute, TrainConfig, TrainData, fit};
/// use modiste_model::{Metadata, Network, zoo};
///
/// let data = modiste_dataset::fashion_mnist_mini();
/// let metadata = Metadata { classes: data.classes.clone(), ..Metadata::default() };
/// let mut network = Network::initialize(zoo::compact(), metadata, 1)?;
/// let config = TrainConfig { epochs: 1, batch_size: 8, ..TrainConfig::default() };
/// let (train, validation) = (data.train.first(16), data.test.first(8));
/// let data = TrainData { train: &train, validation: &validation, pictures: None };
/// let outcome = fit(&mut network, data, &config, &Compute::default(), &mut |_| {
///     ControlFlow::Continue(())
/// })?;
/// assert_eq!(outcome.history.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fit(
    network: &mut Network,
    data: TrainData<'_>,
    config: &TrainConfig,
    compute: &Compute,
    on_event: &mut dyn FnMut(&Event) -> ControlFlow<()>,
) -> Result<FitOutcome, TrainError> {
    config.check()?;
    let TrainData {
        train, validation, ..
    } = data;
    let resolved = network.architecture.resolve()?;
    let classes = resolved.classes();
    for images in [train, validation] {
        check_shapes(&resolved, images, network.metadata.classes.len())?;
    }
    if config.augmentation.is_some() {
        check_gray("the training images", train)?;
        data.pictures
            .map_or(Ok(()), |pictures| check_gray("the pictures", pictures))?;
    }
    let batch_size = config.batch_size.min(train.len().max(validation.len()));
    let mut engine = Engine::new(compute, &resolved, &network.parameters, batch_size)?;
    let mut rng = Rng::stream(config.seed, DROPOUT_STREAM);
    let steps = train.len().div_ceil(batch_size);
    let total_steps = steps * config.epochs;
    let mut outcome = FitOutcome {
        history: Vec::new(),
        stopped: false,
    };
    let started = Event::Started {
        engine: engine.name(),
        steps,
        images: train.len(),
        validation_images: validation.len(),
    };
    if on_event(&started).is_break() {
        outcome.stopped = true;
        return Ok(outcome);
    }
    for epoch in 0..config.epochs {
        let start = Instant::now();
        let mut batches = Batches::shuffled(train, batch_size, config.seed, epoch as u64);
        if let Some(augmentation) = &config.augmentation {
            let variations = Variations {
                augmentation,
                shape: train.shape(),
                pictures: data.pictures,
                seed: config.seed,
                epoch,
                epochs: config.epochs,
            };
            batches = batches.changed(move |indices, pixels| variations.vary(indices, pixels));
        }
        if config.mirror {
            batches = batches.mirrored(config.seed, epoch as u64);
        }
        let mut sums = Sums::default();
        let mut learning_rate = 0.0;
        let mut step = 0;
        while let Some(batch) = batches.next_batch() {
            let number = epoch * steps + step;
            let schedule = &config.schedule;
            learning_rate = schedule.learning_rate(config.learning_rate, number, total_steps);
            let sgd = SgdStep {
                learning_rate: learning_rate as f32,
                momentum: config.momentum as f32,
                nesterov: config.nesterov,
                weight_decay: config.weight_decay as f32,
            };
            let result = engine.step(&batch, &sgd, &mut rng)?;
            step += 1;
            if !result.loss.is_finite() {
                return Err(TrainError::Diverged {
                    epoch: epoch + 1,
                    step,
                    learning_rate,
                    loss: result.loss,
                });
            }
            sums.images += batch.labels.len();
            sums.loss += result.loss * batch.labels.len() as f64;
            sums.correct += result.correct;
            let event = Event::Step {
                epoch: epoch + 1,
                step,
                steps,
                images: sums.images,
                loss: sums.loss(),
                accuracy: sums.accuracy(),
                learning_rate,
            };
            if on_event(&event).is_break() {
                keep_if_good(network, &engine)?;
                outcome.stopped = true;
                return Ok(outcome);
            }
        }
        let [val_loss, val_accuracy] = validate(&mut engine, validation, classes, batch_size)?;
        if !keep_if_good(network, &engine)? {
            return Err(TrainError::Diverged {
                epoch: epoch + 1,
                step,
                learning_rate,
                loss: val_loss,
            });
        }
        let summary = EpochSummary {
            epoch: epoch + 1,
            loss: sums.loss(),
            accuracy: sums.accuracy(),
            val_loss,
            val_accuracy,
            learning_rate,
            seconds: start.elapsed().as_secs_f64(),
        };
        outcome.history.push(summary);
        if on_event(&Event::Epoch(summary)).is_break() {
            outcome.stopped = epoch + 1 < config.epochs;
            return Ok(outcome);
        }
    }
    Ok(outcome)
}

/// Sums over an epoch's images so far.
#[derive(Default)]
struct Sums {
    images: usize,
    loss: f64,
    correct: usize,
}

impl Sums {
    fn loss(&self) -> f64 {
        self.loss / self.images as f64
    }

    fn accuracy(&self) -> f64 {
        self.correct as f64 / self.images as f64
    }
}

/// Copies the engine's numbers into the network, unless one of them is none.
fn keep_if_good(network: &mut Network, engine: &Engine) -> Result<bool, TrainError> {
    let parameters = engine.parameters()?;
    let good = parameters.are_finite();
    if good {
        network.parameters = parameters;
    }
    Ok(good)
}

/// Whether augmentation can work with these images.
fn check_gray(what: &str, images: &Images) -> Result<(), TrainError> {
    match images.shape().channels {
        1 => Ok(()),
        channels => Err(TrainError::Config {
            problem: format!(
                "augmentation is for gray images, and {what} have {channels} channels"
            ),
        }),
    }
}

/// Whether a network can take these images and tell so many classes apart.
pub(crate) fn check_shapes(
    resolved: &Resolved,
    images: &Images,
    classes: usize,
) -> Result<(), TrainError> {
    if images.shape() != resolved.input || classes != resolved.classes() {
        return Err(TrainError::Mismatch {
            network_input: resolved.input,
            network_classes: resolved.classes(),
            data_input: images.shape(),
            data_classes: classes,
        });
    }
    let beyond = images
        .labels()
        .iter()
        .find(|&&label| usize::from(label) >= classes);
    match (images.is_empty(), beyond) {
        (true, _) => Err(TrainError::Config {
            problem: "there is no image".into(),
        }),
        (_, Some(label)) => Err(TrainError::Config {
            problem: format!("label {label} is none of {classes} classes"),
        }),
        _ => Ok(()),
    }
}
