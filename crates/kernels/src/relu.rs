//! The rectifier.

use rayon::prelude::*;

use crate::parallel::{CHUNK, check_len};

/// `max(0, x)` in place. What is no number stays none, so that a diverging run is seen.
///
/// ```
/// let mut values = [-1.0, 0.0, 2.0];
/// modiste_kernels::relu(&mut values);
/// assert_eq!(values, [0.0, 0.0, 2.0]);
/// ```
pub fn relu(values: &mut [f32]) {
    values.par_chunks_mut(CHUNK).for_each(|chunk| {
        for value in chunk {
            *value = if *value < 0.0 { 0.0 } else { *value };
        }
    });
}

/// Turns the gradient at [`relu`]'s output into the one at its input, in place: zero where the
/// output is zero. At an input of exactly 0 that makes the gradient 0, as in Keras and PyTorch.
///
/// ```
/// let mut gradient = [5.0, 5.0, 5.0];
/// modiste_kernels::relu_backward(&[0.0, 0.0, 2.0], &mut gradient);
/// assert_eq!(gradient, [0.0, 0.0, 5.0]);
/// ```
///
/// # Panics
/// Where the lengths differ.
pub fn relu_backward(output: &[f32], gradient: &mut [f32]) {
    check_len("the rectifier's gradient", gradient.len(), output.len());
    gradient
        .par_chunks_mut(CHUNK)
        .zip(output.par_chunks(CHUNK))
        .for_each(|(gradient, output)| {
            for (gradient, &output) in gradient.iter_mut().zip(output) {
                *gradient = if output > 0.0 { *gradient } else { 0.0 };
            }
        });
}
