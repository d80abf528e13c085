//! AdamW, in one pass over flat buffers.

use rayon::prelude::*;

use crate::parallel::{CHUNK, check_len};

/// Hyperparameters of one update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWStep {
    /// Learning rate.
    pub learning_rate: f64,
    /// Decay rate of the first moment, in [0, 1).
    pub beta1: f64,
    /// Decay rate of the second moment, in [0, 1).
    pub beta2: f64,
    /// Small number that is added to the root of the second moment.
    pub epsilon: f64,
    /// Decoupled weight decay: the weights shrink by `learning_rate * weight_decay`.
    pub weight_decay: f64,
    /// Number of the update, from 1, for the bias correction.
    pub step: u64,
}

impl AdamWStep {
    /// Learning rate with the correction of both moments' bias towards their initial zeros:
    /// `learning_rate * sqrt(1 - beta2^step) / (1 - beta1^step)`.
    pub fn alpha(&self) -> f64 {
        // More updates than i32 can count leave nothing to correct.
        let steps = i32::try_from(self.step).unwrap_or(i32::MAX);
        let bias = |beta: f64| 1.0 - beta.powi(steps);
        self.learning_rate * bias(self.beta2).sqrt() / bias(self.beta1)
    }
}

/// Smaller first moments become zero, because arithmetic with subnormal numbers is a hundred times as
/// slow. They do not change the weights.
const MIN_FIRST: f32 = 1e-30;

/// Smaller second moments become zero: their root is far below any useful epsilon.
const MIN_SECOND: f32 = 1e-36;

/// Updates weights and both moments as Keras does (Kingma, Ba 2015; Loshchilov, Hutter 2019):
/// `w -= w * learning_rate * weight_decay`, then `m += (g - m) * (1 - beta1)`,
/// `v += (g * g - v) * (1 - beta2)` and `w -= m * alpha / (sqrt(v) + epsilon)`, where
/// `alpha` is [`AdamWStep::alpha`].
///
/// ```
/// use modiste_kernels::{AdamWStep, adamw_update};
///
/// let step = AdamWStep {
///     learning_rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weight_decay: 0.0, step: 1,
/// };
/// let (mut weights, mut first, mut second) = ([1.0], [0.0], [0.0]);
/// adamw_update(&step, &mut weights, &mut first, &mut second, &[2.0]);
/// // The first update has the size of the learning rate for any gradient.
/// assert!((weights[0] - 0.9_f32).abs() < 1e-6);
/// ```
///
/// # Panics
/// If the lengths differ.
pub fn adamw_update(
    step: &AdamWStep,
    weights: &mut [f32],
    first_moments: &mut [f32],
    second_moments: &mut [f32],
    gradients: &[f32],
) {
    check_len("first moments", first_moments.len(), weights.len());
    check_len("second moments", second_moments.len(), weights.len());
    check_len("gradients", gradients.len(), weights.len());
    let alpha = step.alpha() as f32;
    let [first_rate, second_rate] = [step.beta1, step.beta2].map(|beta| (1.0 - beta) as f32);
    let epsilon = step.epsilon as f32;
    let shrink = (step.learning_rate * step.weight_decay) as f32;
    weights
        .par_chunks_mut(CHUNK)
        .zip(first_moments.par_chunks_mut(CHUNK))
        .zip(second_moments.par_chunks_mut(CHUNK))
        .zip(gradients.par_chunks(CHUNK))
        .for_each(|(((weights, firsts), seconds), gradients)| {
            let moments = firsts.iter_mut().zip(seconds);
            for ((weight, (first, second)), &gradient) in
                weights.iter_mut().zip(moments).zip(gradients)
            {
                let next = *first + (gradient - *first) * first_rate;
                *first = if next.abs() < MIN_FIRST { 0.0 } else { next };
                let next = *second + (gradient * gradient - *second) * second_rate;
                *second = if next < MIN_SECOND { 0.0 } else { next };
                let decayed = *weight - *weight * shrink;
                *weight = decayed - *first * alpha / (second.sqrt() + epsilon);
            }
        });
}
