//! Dropout (Srivastava et al. 2014), scaled while training so that inference does nothing.

use rayon::prelude::*;

use crate::parallel::{CHUNK, check_len};

/// `output = input * mask / (1 - rate)`: what is dropped is zero, and the expected value stays.
/// `mask` holds 1 where a value is kept and 0 where it is dropped; who makes it decides the
/// randomness.
///
/// # Panics
/// Where the lengths differ.
pub fn dropout_forward(input: &[f32], mask: &[u8], rate: f32, output: &mut [f32]) {
    check_len("the dropout's mask", mask.len(), input.len());
    check_len("the dropout's output", output.len(), input.len());
    output.copy_from_slice(input);
    scale_kept(mask, rate, output);
}

/// Turns the gradient at the output into the one at the input, in place.
///
/// # Panics
/// Where the lengths differ.
pub fn dropout_backward(mask: &[u8], rate: f32, gradient: &mut [f32]) {
    check_len("the dropout's mask", mask.len(), gradient.len());
    scale_kept(mask, rate, gradient);
}

fn scale_kept(mask: &[u8], rate: f32, values: &mut [f32]) {
    let scale = 1.0 / (1.0 - rate);
    values
        .par_chunks_mut(CHUNK)
        .zip(mask.par_chunks(CHUNK))
        .for_each(|(values, mask)| {
            for (value, &keep) in values.iter_mut().zip(mask) {
                *value *= f32::from(keep) * scale;
            }
        });
}
