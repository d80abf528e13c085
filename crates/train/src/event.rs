//! Events of a training run, and the responses of its callback.

use modiste_metrics::EpochMetrics;

use crate::checkpoint::Checkpoint;

/// Event that [`fit`](crate::fit()) passes to its callback.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Start of the run, before the first step.
    Started {
        /// Name of the engine, `kernels` or `candle`.
        engine: &'static str,
        /// Steps per epoch.
        steps: usize,
        /// Number of training images.
        images: usize,
        /// Number of validation images.
        validation_images: usize,
        /// Epochs that are already complete; 0 unless the run is resumed.
        epochs_done: usize,
        /// Steps of the current epoch that are already complete; 0 unless the run is resumed.
        steps_done: usize,
    },
    /// End of a step.
    Step {
        /// Epoch, from 1.
        epoch: usize,
        /// Step of the epoch, from 1.
        step: usize,
        /// Steps per epoch.
        steps: usize,
        /// Images of the epoch so far.
        images: usize,
        /// Mean loss of the epoch so far.
        loss: f64,
        /// Accuracy of the epoch so far, 0 to 1.
        accuracy: f64,
        /// Learning rate of the step.
        learning_rate: f64,
    },
    /// Checkpoint after a step whose callback returned [`Next::Checkpoint`] or [`Next::Stop`].
    Checkpoint(&'a Checkpoint),
    /// End of an epoch, with its metrics and a checkpoint.
    Epoch(EpochMetrics, &'a Checkpoint),
}

/// Response of a callback to an [`Event`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Next {
    /// Continue.
    #[default]
    Continue,
    /// After a step: emit [`Event::Checkpoint`] and continue. The end of an epoch has a checkpoint anyway.
    Checkpoint,
    /// Stop the run; after a step, emit [`Event::Checkpoint`] first.
    Stop,
}
