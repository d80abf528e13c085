//! Stochastic gradient descent with momentum: one pass over flat buffers.

use rayon::prelude::*;

use crate::parallel::{CHUNK, check_len};

/// One step's numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdStep {
    /// How far to go against the gradient.
    pub learning_rate: f32,
    /// What is kept of the velocity, 0 for plain descent.
    pub momentum: f32,
    /// Look ahead (Nesterov).
    pub nesterov: bool,
    /// Decoupled weight decay: the weights shrink by `learning_rate * weight_decay` first.
    pub weight_decay: f32,
}

/// A velocity nearer to zero is none. The weights cannot feel it, and a velocity that only decays
/// would else end among the subnormal numbers, where each operation takes a hundred times as long,
/// and stay there.
const LEAST: f32 = 1e-30;

/// Keras's update: `v = momentum * v - learning_rate * g`, then `w += momentum * v -
/// learning_rate * g` with Nesterov and `w += v` without.
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
/// Where the lengths differ.
pub fn sgd_update(step: &SgdStep, weights: &mut [f32], velocities: &mut [f32], gradients: &[f32]) {
    check_len("the velocities", velocities.len(), weights.len());
    check_len("the gradients", gradients.len(), weights.len());
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
                *velocity = if next.abs() < LEAST { 0.0 } else { next };
                let change = if nesterov {
                    momentum * *velocity - descent
                } else {
                    *velocity
                };
                *weight += change - *weight * shrink;
            }
        });
}
