//! Cross-entropy with soft targets: label smoothing, class weights, mixed labels.

use crate::parallel::check_len;
use crate::softmax::{MIN_GRADIENT, check_rows, largest_and_sum};

/// Sum over the batch of the cross-entropy with `targets`, `[batch, classes]`: for each image
/// `-sum(target * log(probability))` over the classes.
///
/// The sum of a row of `targets` is the weight of its image in the loss. With a one in each row, the result
/// is that of [`cross_entropy`](crate::cross_entropy).
///
/// ```
/// let logits = [0.5_f32.ln(), 0.25_f32.ln(), 0.25_f32.ln()];
/// let loss = modiste_kernels::soft_cross_entropy(&logits, &[0.5, 0.5, 0.0], 3);
/// assert!((loss - 1.5 * 2.0_f64.ln()).abs() < 1e-6);
/// ```
///
/// # Panics
/// If the lengths do not match.
pub fn soft_cross_entropy(logits: &[f32], targets: &[f32], classes: usize) -> f64 {
    check_len("targets", targets.len(), logits.len());
    check_rows(logits, classes);
    let rows = logits
        .chunks_exact(classes)
        .zip(targets.chunks_exact(classes));
    rows.map(|(logits, targets)| {
        let (largest, sum) = largest_and_sum(logits);
        let log_sum = sum.ln() + f64::from(largest);
        let terms = logits.iter().zip(targets);
        // A class without a share has no loss, also if its probability is 0.
        let terms = terms.filter(|(_, target)| **target != 0.0);
        terms
            .map(|(&logit, &target)| f64::from(target) * (log_sum - f64::from(logit)))
            .sum::<f64>()
    })
    .sum()
}

/// Returns the mean cross-entropy of the batch with `targets`, `[batch, classes]`, and writes its gradient at
/// the logits: `(probability * sum(targets of the image) - target) / batch`.
///
/// The mean divides by the number of images, not by the sum of their weights, as Keras does with
/// `class_weight`.
///
/// # Panics
/// If the lengths do not match.
pub fn softmax_soft_cross_entropy(
    logits: &[f32],
    targets: &[f32],
    classes: usize,
    gradient: &mut [f32],
) -> f64 {
    check_len("gradient", gradient.len(), logits.len());
    let batch = (logits.len() / classes) as f64;
    let loss = soft_cross_entropy(logits, targets, classes) / batch;
    let rows = logits
        .chunks_exact(classes)
        .zip(targets.chunks_exact(classes));
    for ((logits, targets), gradient) in rows.zip(gradient.chunks_exact_mut(classes)) {
        let (largest, sum) = largest_and_sum(logits);
        let weight: f64 = targets.iter().map(|&target| f64::from(target)).sum();
        for ((value, &logit), &target) in gradient.iter_mut().zip(logits).zip(targets) {
            let probability = f64::from(logit - largest).exp() / sum;
            *value = ((probability * weight - f64::from(target)) / batch) as f32;
            if value.abs() < MIN_GRADIENT {
                *value = 0.0;
            }
        }
    }
    loss
}
