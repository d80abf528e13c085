//! What one batch came to.

/// The loss and the hits of one batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepOutcome {
    /// Cross-entropy, the mean over the batch.
    pub loss: f64,
    /// Images whose largest logit is their class's.
    pub correct: usize,
}

/// The softmax of each row of `logits`, `[batch, classes]`, divided by the network's `temperature`:
/// rows that sum to 1.
///
/// # Panics
/// Where `logits` are no rows of `classes`.
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
