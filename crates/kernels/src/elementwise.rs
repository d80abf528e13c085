//! Sums of whole buffers.

use rayon::prelude::*;

use crate::parallel::{CHUNK, check_len};

/// `sum += values`, element by element: the join of a residual block.
///
/// # Panics
/// Where the lengths differ.
pub fn add_assign(sum: &mut [f32], values: &[f32]) {
    check_len("what is added", values.len(), sum.len());
    sum.par_chunks_mut(CHUNK)
        .zip(values.par_chunks(CHUNK))
        .for_each(|(sum, values)| {
            for (sum, value) in sum.iter_mut().zip(values) {
                *sum += value;
            }
        });
}
