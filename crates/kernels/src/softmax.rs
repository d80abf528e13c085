//! Softmax and cross-entropy.

use crate::parallel::check_len;

/// Computes the softmax of each row of `logits`, `[batch, classes]`: `exp(x - max) / sum`.
///
/// ```
/// let mut probabilities = [0.0; 2];
/// modiste_kernels::softmax(&[1000.0, 1000.0], 2, &mut probabilities);
/// assert_eq!(probabilities, [0.5, 0.5]);
/// ```
///
/// # Panics
/// If the lengths differ or are not a multiple of `classes`.
pub fn softmax(logits: &[f32], classes: usize, probabilities: &mut [f32]) {
    check_len("probabilities", probabilities.len(), logits.len());
    check_rows(logits, classes);
    for (logits, probabilities) in logits
        .chunks_exact(classes)
        .zip(probabilities.chunks_exact_mut(classes))
    {
        let (largest, sum) = largest_and_sum(logits);
        for (probability, logit) in probabilities.iter_mut().zip(logits) {
            *probability = (f64::from(logit - largest).exp() / sum) as f32;
        }
    }
}

/// Sum over the batch of the sparse categorical cross-entropy, `-log(probability of the label)`.
/// Divided by the batch size, it is Keras's loss.
///
/// It is computed from the logits without clipping, so a confident error has its full loss.
///
/// ```
/// // The true class has probability 0.05.
/// let logits = [0.1_f32, 0.3, 0.05, 0.02, 0.01, 0.01, 0.1, 0.1, 0.2, 0.11].map(f32::ln);
/// let loss = modiste_kernels::cross_entropy(&logits, &[2], 10);
/// assert!((loss - 2.9957).abs() < 1e-4);
/// assert_eq!(modiste_kernels::cross_entropy(&[500.0, -500.0], &[1], 2), 1000.0);
/// ```
///
/// # Panics
/// If the lengths do not match or a label is not below `classes`.
pub fn cross_entropy(logits: &[f32], labels: &[u16], classes: usize) -> f64 {
    check_len("logits", logits.len(), labels.len() * classes);
    check_rows(logits, classes);
    logits
        .chunks_exact(classes)
        .zip(labels)
        .map(|(logits, &label)| {
            let (largest, sum) = largest_and_sum(logits);
            // In f64: the difference of two finite logits may exceed the range of f32.
            sum.ln() + (f64::from(largest) - f64::from(logits[usize::from(label)]))
        })
        .sum()
}

/// Smaller gradients become zero: their products would be subnormal numbers, whose arithmetic is a
/// hundred times as slow.
pub(crate) const MIN_GRADIENT: f32 = 1e-30;

/// Returns the mean cross-entropy of the batch and writes its gradient at the logits: `(probability
/// - [class is the label]) / batch`.
///
/// # Panics
/// If the lengths do not match or a label is not below `classes`.
pub fn softmax_cross_entropy(
    logits: &[f32],
    labels: &[u16],
    classes: usize,
    gradient: &mut [f32],
) -> f64 {
    let batch = labels.len();
    let loss = cross_entropy(logits, labels, classes) / batch as f64;
    softmax(logits, classes, gradient);
    for (row, &label) in gradient.chunks_exact_mut(classes).zip(labels) {
        row[usize::from(label)] -= 1.0;
        for value in row {
            *value /= batch as f32;
            if value.abs() < MIN_GRADIENT {
                *value = 0.0;
            }
        }
    }
    loss
}

pub(crate) fn largest_and_sum(logits: &[f32]) -> (f32, f64) {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum = logits
        .iter()
        .map(|logit| f64::from(logit - largest).exp())
        .sum();
    (largest, sum)
}

#[track_caller]
pub(crate) fn check_rows(logits: &[f32], classes: usize) {
    assert!(
        classes > 0 && logits.len().is_multiple_of(classes),
        "{} logits are not a whole number of rows of {classes} classes",
        logits.len()
    );
}
