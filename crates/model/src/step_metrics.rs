//! Metrics of one batch, and class probabilities.

/// Loss and number of correctly classified images of one batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepMetrics {
    /// Mean cross-entropy over the batch.
    pub loss: f64,
    /// Number of images whose largest logit belongs to their class.
    pub correct: usize,
}

/// Class probabilities: the softmax of `logits / temperature`, row by row.
///
/// `logits` and the result are `[batch, classes]`; every row of the result sums to 1. `temperature`
/// is [`Metadata::temperature`](crate::Metadata::temperature) of the network; 1 changes nothing.
///
/// # Panics
/// If `logits` does not consist of rows of `classes` values.
///
/// ```
/// assert_eq!(modiste_model::probabilities(&[3.0, 3.0], 2, 1.0), [0.5, 0.5]);
/// ```
pub fn probabilities(logits: &[f32], classes: usize, temperature: f32) -> Vec<f32> {
    let tempered: Vec<f32> = logits.iter().map(|logit| logit / temperature).collect();
    let mut probabilities = vec![0.0; logits.len()];
    modiste_kernels::softmax(&tempered, classes, &mut probabilities);
    probabilities
}
