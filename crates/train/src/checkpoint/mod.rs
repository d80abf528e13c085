//! Checkpoints: the complete state of a training run between two steps.
//!
//! # Format
//! [`Checkpoint::to_bytes`] writes a file in the
//! [safetensors](https://huggingface.co/docs/safetensors) format with three flat f32 tensors,
//! `trainable`, `statistics` and `optimizer_state`, in the layout of
//! [`NetworkPlan::variables`](modiste_model::NetworkPlan::variables). The metadata has two entries:
//! `state`, a JSON object with everything else, including the SHA-256 of the weights (`trainable`, then
//! `statistics`) and of the optimizer state; and `sha256`, the SHA-256 of `state`.
//!
//! - Version 1 calls the last tensor `velocities`.
//! - Version 3 may also contain the averaged weights (`average_trainable`, `average_statistics`) and those of the
//!   best epoch (`best_trainable`, `best_statistics`), each with a SHA-256 in `state`. A checkpoint is written as
//!   version 2 if version 2 has all settings of its configuration.

mod format;

use modiste_core::Rng;
use modiste_dataset::sha256;
use modiste_metrics::EpochMetrics;
use modiste_model::Parameters;
use serde::{Deserialize, Serialize};

use crate::config::TrainConfig;

pub use format::CheckpointError;

/// Stream of [`Rng::stream`] for dropout.
const DROPOUT_STREAM: u64 = 2;

/// State of a training run between two steps. With the same images, [`resume`](crate::resume) continues
/// from it as if the run had not been interrupted.
///
/// The order of images, their augmentation and the learning rate are functions of the configuration and
/// the position, so they need no state of their own.
///
/// ```
/// use modiste_model::{Parameters, zoo};
/// use modiste_train::{Checkpoint, TrainConfig};
///
/// let parameters = Parameters::initialize(&zoo::closet().plan()?, 1);
/// let checkpoint = Checkpoint::start(&TrainConfig::default(), &parameters, 60_000);
/// assert_eq!((checkpoint.position.epochs_done, checkpoint.position.steps_done), (0, 0));
/// assert_eq!(Checkpoint::from_bytes(&checkpoint.to_bytes())?, checkpoint);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Configuration of the run.
    pub config: TrainConfig,
    /// Number of training images.
    pub training_images: usize,
    /// Progress of the run.
    pub position: Position,
    /// Metrics of the complete epochs.
    pub history: Vec<EpochMetrics>,
    /// Weights and running statistics.
    pub parameters: Parameters,
    /// State of the optimizer, such as SGD's velocities, in the layout of
    /// [`Optimizer::state_len`](crate::Optimizer::state_len).
    pub optimizer_state: Vec<f32>,
    /// Moving averages of weights and running statistics, if the configuration asks for them.
    pub averages: Option<Parameters>,
    /// Weights and running statistics of the best epoch, if the configuration has a patience and an epoch is complete.
    pub best: Option<Parameters>,
}

/// Progress of a training run. All fields but the first and the last are sums over the completed steps of
/// the current epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Number of complete epochs.
    pub epochs_done: usize,
    /// Number of completed steps.
    pub steps_done: usize,
    /// Number of images that belong to a class.
    pub images: usize,
    /// Sum of the losses of the images.
    pub loss: f64,
    /// Number of correctly classified images.
    pub correct: usize,
    /// Duration in seconds.
    pub seconds: f64,
    /// State of the generator of dropout masks.
    pub dropout: u64,
}

impl Checkpoint {
    /// Checkpoint at the start of a run, before its first step.
    pub fn start(config: &TrainConfig, parameters: &Parameters, training_images: usize) -> Self {
        Self {
            config: config.clone(),
            training_images,
            position: Position {
                dropout: Rng::stream(config.seed, DROPOUT_STREAM).state(),
                ..Position::default()
            },
            history: Vec::new(),
            parameters: parameters.clone(),
            optimizer_state: vec![0.0; config.optimizer.state_len(parameters.trainable.len())],
            averages: config.ema_decay.map(|_| parameters.clone()),
            best: None,
        }
    }

    /// Weights and running statistics that are evaluated: the averages, or the current ones if there are none.
    pub fn evaluated(&self) -> &Parameters {
        self.averages.as_ref().unwrap_or(&self.parameters)
    }

    /// Returns a description of the first NaN or infinite number; a run cannot resume from one.
    pub(crate) fn non_finite(&self) -> Option<&'static str> {
        let averages_are_finite = self.averages.as_ref().is_none_or(Parameters::are_finite);
        if !self.parameters.are_finite() || !averages_are_finite {
            Some("a weight is NaN or infinite")
        } else if !self.optimizer_state.iter().all(|value| value.is_finite()) {
            Some("a value of the optimizer state is NaN or infinite")
        } else {
            None
        }
    }

    /// Total duration of the run so far, in seconds.
    pub fn seconds(&self) -> f64 {
        let epochs = self.history.iter().map(|epoch| epoch.seconds);
        epochs.fold(self.position.seconds, |sum, epoch| sum + epoch)
    }

    /// SHA-256 of the current weights and running statistics. Equal hashes mean bit-identical weights and
    /// statistics.
    pub fn weights_sha256(&self) -> String {
        sha256([&*format::parameter_bytes(&self.parameters)])
    }
}
