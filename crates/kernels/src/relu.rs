//! Rectified linear unit.

use rayon::prelude::*;

use crate::parallel::{CHUNK, check_len};

/// Applies ReLU, `max(0, x)`, in place. NaN stays NaN, so that a diverging run is noticed.
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

/// Computes the gradient of [`relu`] in place: `gradient` is the gradient at the output and becomes
/// the gradient at the input, zero where `output` is zero.
///
/// At an input of exactly 0 the gradient is 0, as in Keras and PyTorch.
///
/// ```
/// let mut gradient = [5.0, 5.0, 5.0];
/// modiste_kernels::relu_backward(&[0.0, 0.0, 2.0], &mut gradient);
/// assert_eq!(gradient, [0.0, 0.0, 5.0]);
/// ```
///
/// # Panics
/// If the lengths differ.
pub fn relu_backward(output: &[f32], gradient: &mut [f32]) {
    check_len("ReLU gradient", gradient.len(), output.len());
    gradient
        .par_chunks_mut(CHUNK)
        .zip(output.par_chunks(CHUNK))
        .for_each(|(gradient, output)| {
            for (gradient, &output) in gradient.iter_mut().zip(output) {
                *gradient = if output > 0.0 { *gradient } else { 0.0 };
            }
        });
}
