//! What a training tells whoever watches, and what it is told back.

use serde::{Deserialize, Serialize};

use crate::checkpoint::Checkpoint;

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
    /// How long it took, validation included; of an epoch that was resumed, all its parts.
    pub seconds: f64,
}

/// The best of some epochs: the highest validation accuracy, among equals the lowest validation
/// loss, then the first. It is a choice: make it on images that are held back from training, never on
/// the test images.
///
/// ```
/// use modiste_train::{EpochSummary, best_epoch};
///
/// let epoch = |epoch, val_accuracy, val_loss| EpochSummary {
///     epoch, val_accuracy, val_loss, loss: 0.0, accuracy: 0.0, learning_rate: 0.1, seconds: 1.0,
/// };
/// let history = [epoch(1, 0.8, 0.5), epoch(2, 0.9, 0.4), epoch(3, 0.9, 0.3), epoch(4, 0.9, 0.3)];
/// assert_eq!(best_epoch(&history).map(|best| best.epoch), Some(3));
/// ```
pub fn best_epoch(history: &[EpochSummary]) -> Option<&EpochSummary> {
    history.iter().reduce(|best, epoch| {
        let rank = |epoch: &EpochSummary| (epoch.val_accuracy, -epoch.val_loss);
        if rank(epoch) > rank(best) {
            epoch
        } else {
            best
        }
    })
}

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
    Epoch(EpochSummary, &'a Checkpoint),
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
