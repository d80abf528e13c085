//! What a training tells whoever watches, and what it is told back.

use modiste_metrics::EpochMetrics;

use crate::checkpoint::Checkpoint;

/// What [`fit`](crate::fit()) tells its callback.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
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
        /// Whole epochs that a resumed training has behind it; 0 of a new one.
        epochs_done: usize,
        /// Steps of the next epoch that it has behind it.
        steps_done: usize,
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
    /// After a step whose answer was [`Next::Checkpoint`] or [`Next::Stop`].
    Checkpoint(&'a Checkpoint),
    /// After each epoch, with what goes on from there.
    Epoch(EpochMetrics, &'a Checkpoint),
}

/// What a callback answers to an [`Event`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Next {
    /// Go on.
    #[default]
    Continue,
    /// After a step: hand over a checkpoint, then go on. An epoch's end comes with one anyway.
    Checkpoint,
    /// End the training here; after a step, hand over a checkpoint first.
    Stop,
}
