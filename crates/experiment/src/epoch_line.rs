//! Metrics of an epoch as a line.

use modiste_core::four_decimals;
use modiste_metrics::EpochMetrics;

/// Formats the metrics of an epoch in a line, as Keras does. `epochs` is the number of epochs of the training,
/// `steps` the number of steps per epoch.
pub fn epoch_line(metrics: &EpochMetrics, epochs: usize, steps: usize) -> String {
    let EpochMetrics {
        epoch,
        loss,
        accuracy,
        val_loss,
        val_accuracy,
        learning_rate,
        seconds,
    } = metrics;
    let per_step = 1e3 * seconds / steps.max(1) as f64;
    format!(
        "Epoch {epoch}/{epochs} - {steps}/{steps} - {seconds:.0}s - {per_step:.0}ms/step - \
         accuracy: {accuracy:.4} - loss: {} - val_accuracy: {val_accuracy:.4} - \
         val_loss: {} - learning_rate: {learning_rate:.2e}",
        four_decimals(*loss),
        four_decimals(*val_loss)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_epoch_like_keras() {
        let summary = EpochMetrics {
            epoch: 2,
            loss: 0.41234,
            accuracy: 0.85678,
            val_loss: 0.38,
            val_accuracy: 0.861,
            learning_rate: 0.04,
            seconds: 24.4,
        };
        assert_eq!(
            epoch_line(&summary, 8, 600),
            "Epoch 2/8 - 600/600 - 24s - 41ms/step - accuracy: 0.8568 - loss: 0.4123 - \
             val_accuracy: 0.8610 - val_loss: 0.3800 - learning_rate: 4.00e-2"
        );
    }
}
