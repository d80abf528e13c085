//! Global norm of gradients, and gradient clipping.

use rayon::prelude::*;

use crate::parallel::CHUNK;

/// Independent sums per pass, which a compiler can keep in vector registers.
const LANES: usize = 8;

/// L2 norm of all `values`, summed in f64 and in an order that depends on the length alone.
///
/// ```
/// assert_eq!(modiste_kernels::global_norm(&[3.0, 0.0, -4.0]), 5.0);
/// ```
pub fn global_norm(values: &[f32]) -> f64 {
    sum_of_squares(values).sqrt()
}

/// Scales `gradients` so that their [`global_norm`] is at most `max_norm`, as Keras's `global_clipnorm` and
/// PyTorch's `clip_grad_norm_`. Returns the norm before.
///
/// ```
/// let mut gradients = [3.0, -4.0];
/// assert_eq!(modiste_kernels::clip_global_norm(&mut gradients, 2.5), 5.0);
/// assert_eq!(gradients, [1.5, -2.0]);
/// ```
pub fn clip_global_norm(gradients: &mut [f32], max_norm: f64) -> f64 {
    let norm = global_norm(gradients);
    if norm > max_norm {
        let scale = (max_norm / norm) as f32;
        gradients.par_chunks_mut(CHUNK).for_each(|gradients| {
            for gradient in gradients {
                *gradient *= scale;
            }
        });
    }
    norm
}

fn sum_of_squares(values: &[f32]) -> f64 {
    if values.len() > CHUNK {
        // The halves depend on the length alone, and so does the order of the additions.
        let middle = values.len().div_ceil(CHUNK).div_ceil(2) * CHUNK;
        let (left, right) = values.split_at(middle);
        let (left, right) = rayon::join(|| sum_of_squares(left), || sum_of_squares(right));
        return left + right;
    }
    let (groups, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for group in groups {
        for (sum, value) in sums.iter_mut().zip(group) {
            *sum += f64::from(*value) * f64::from(*value);
        }
    }
    let rest = rest.iter().map(|&value| f64::from(value).powi(2));
    sums.into_iter().chain(rest).sum()
}
