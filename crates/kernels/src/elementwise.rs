//! Elementwise sums.

use rayon::prelude::*;

use crate::parallel::{CHUNK, check_len};

/// Adds `values` to `sum` element by element, as a residual connection does.
///
/// # Panics
/// If the lengths differ.
pub fn add_assign(sum: &mut [f32], values: &[f32]) {
    check_len("summand", values.len(), sum.len());
    sum.par_chunks_mut(CHUNK)
        .zip(values.par_chunks(CHUNK))
        .for_each(|(sum, values)| {
            for (sum, value) in sum.iter_mut().zip(values) {
                *sum += value;
            }
        });
}
