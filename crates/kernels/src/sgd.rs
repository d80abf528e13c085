//! Stochastic gradient descent with momentum, in one pass over flat buffers.

use rayon::prelude::*;

use crate::parallel::{CHUNK, check_len};

/// Hyperparameters of one update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdStep {
    /// Learning rate.
    pub learning_rate: f32,
    /// Momentum, in [0, 1); 0 for plain gradient descent.
    pub momentum: f32,
    /// Nesterov momentum instead of plain momentum.
    pub nesterov: bool,
    /// Decoupled weight decay: the weights shrink by `learning_rate * weight_decay`.
    pub weight_decay: f32,
}

/// Smaller velocities become zero. They do not change the weights, and a velocity that only decays
/// would otherwise end and stay among the subnormal numbers, whose arithmetic is a hundred times as
/// slow.
const MIN_VELOCITY: f32 = 1e-30;

/// Updates weights and velocities as Keras does: `v = momentum * v - learning_rate * g`, then `w +=
/// momentum * v - learning_rate * g` with Nesterov momentum and `w += v` without.
///
/// ```
/// use modiste_kernels::{SgdStep, sgd_update};
///
/// let step = SgdStep { learning_rate: 0.1, momentum: 0.5, nesterov: false, weight_decay: 0.0 };
/// let (mut weights, mut velocities) = ([1.0], [0.0]);
/// sgd_update(&step, &mut weights, &mut velocities, &[2.0]);
/// sgd_update(&step, &mut weights, &mut velocities, &[2.0]);
/// assert!((weights[0] - 0.5_f32).abs() < 1e-6 && (velocities[0] + 0.3_f32).abs() < 1e-6);
/// ```
///
/// # Panics
/// If the lengths differ.
pub fn sgd_update(step: &SgdStep, weights: &mut [f32], velocities: &mut [f32], gradients: &[f32]) {
    check_len("velocities", velocities.len(), weights.len());
    check_len("gradients", gradients.len(), weights.len());
    let SgdStep {
        learning_rate,
        momentum,
        nesterov,
        weight_decay,
    } = *step;
    let shrink = learning_rate * weight_decay;
    weights
        .par_chunks_mut(CHUNK)
        .zip(velocities.par_chunks_mut(CHUNK))
        .zip(gradients.par_chunks(CHUNK))
        .for_each(|((weights, velocities), gradients)| {
            for ((weight, velocity), gradient) in weights.iter_mut().zip(velocities).zip(gradients)
            {
                let descent = learning_rate * gradient;
                let next = momentum * *velocity - descent;
                *velocity = if next.abs() < MIN_VELOCITY { 0.0 } else { next };
                let change = if nesterov {
                    momentum * *velocity - descent
                } else {
                    *velocity
                };
                *weight += change - *weight * shrink;
            }
        });
}
