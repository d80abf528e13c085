//! Metrics per epoch, and selection of the best epoch.

use serde::{Deserialize, Serialize};

/// Metrics of one epoch, as Keras reports them: training loss and accuracy are means over the steps
/// of the epoch, validation metrics are measured after it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// Epoch number, from 1.
    pub epoch: usize,
    /// Mean training loss.
    pub loss: f64,
    /// Training accuracy, 0 to 1.
    pub accuracy: f64,
    /// Mean validation loss.
    pub val_loss: f64,
    /// Validation accuracy, 0 to 1.
    pub val_accuracy: f64,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Duration in seconds, including validation. The parts of a resumed epoch are added.
    pub seconds: f64,
}

/// Best epoch of a history: highest validation accuracy, among equals the lowest validation loss,
/// then the first; `None` if the history is empty. The validation images should be held out from
/// the training set: selection on test images overfits to them.
///
/// ```
/// use modiste_metrics::{EpochMetrics, best_epoch};
///
/// let epoch = |epoch, val_accuracy, val_loss| EpochMetrics {
///     epoch, val_accuracy, val_loss, loss: 0.0, accuracy: 0.0, learning_rate: 0.1, seconds: 1.0,
/// };
/// let history = [epoch(1, 0.8, 0.5), epoch(2, 0.9, 0.4), epoch(3, 0.9, 0.3), epoch(4, 0.9, 0.3)];
/// assert_eq!(best_epoch(&history).map(|best| best.epoch), Some(3));
/// ```
pub fn best_epoch(history: &[EpochMetrics]) -> Option<&EpochMetrics> {
    history.iter().reduce(|best, epoch| {
        let rank = |epoch: &EpochMetrics| (epoch.val_accuracy, -epoch.val_loss);
        if rank(epoch) > rank(best) {
            epoch
        } else {
            best
        }
    })
}
