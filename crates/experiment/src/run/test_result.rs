//! Results of a run's networks on the test images.

use modiste_core::four_decimals;
use serde::{Deserialize, Serialize};

/// Result on the test images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestResult {
    /// Number of images.
    pub images: usize,
    /// Mean cross-entropy.
    pub loss: f64,
    /// Accuracy, 0 to 1.
    pub accuracy: f64,
    /// 95 % confidence interval of the accuracy (Wilson), 0 to 1.
    pub interval: [f64; 2],
    /// Mean recall of the classes that have test images, 0 to 1. `None` in the records of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balanced_accuracy: Option<f64>,
}

/// Result of the epoch that is best on the validation split.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestResult {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Mean cross-entropy on the validation split.
    pub val_loss: f64,
    /// Accuracy on the validation split, 0 to 1.
    pub val_accuracy: f64,
    /// Result on the test images, which were not used for the choice.
    pub test: TestResult,
}

impl TestResult {
    /// Describes the result of a run, in a line.
    pub(super) fn line(&self, run: &str) -> String {
        let [low, high] = self.interval;
        let balanced = self
            .balanced_accuracy
            .map(|balanced| format!(", balanced accuracy {balanced:.4},"));
        format!(
            "{run}: test loss {}, test accuracy {:.4} ({low:.4} to {high:.4}){} on {} images",
            four_decimals(self.loss),
            self.accuracy,
            balanced.unwrap_or_default(),
            self.images
        )
    }
}

impl BestResult {
    /// Describes the result of a run, in a line.
    pub(super) fn line(&self, run: &str) -> String {
        let [low, high] = self.test.interval;
        format!(
            "{run}: epoch {} has the best validation accuracy ({:.4}); its test accuracy is {:.4} ({low:.4} to {high:.4})",
            self.epoch, self.val_accuracy, self.test.accuracy
        )
    }
}
