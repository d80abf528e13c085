//! Dropout (Srivastava et al. 2014), scaled while training so that inference does nothing.

use pulp::{Simd, WithSimd};

use crate::instructions::Instructions;
use crate::parallel::{CHUNK, RowsMut, check_len, for_each_piece};

/// `output = input * mask / (1 - rate)`: what is dropped is zero, and the expected value stays.
/// `mask` holds 1 where a value is kept and 0 where it is dropped; who makes it decides the
/// randomness.
///
/// # Panics
/// Where the lengths differ.
pub fn dropout_forward(
    instructions: Instructions,
    input: &[f32],
    mask: &[u8],
    rate: f32,
    output: &mut [f32],
) {
    check_len("the dropout's mask", mask.len(), input.len());
    check_len("the dropout's output", output.len(), input.len());
    let scale = scale(rate);
    let pieces = RowsMut::new(output, 1);
    for_each_piece(0..input.len(), CHUNK, pieces, &|range, output| {
        instructions.run(Forward {
            input: &input[range.clone()],
            mask: &mask[range],
            scale,
            output: output.values,
        });
    });
}

/// Turns the gradient at the output into the one at the input, in place.
///
/// # Panics
/// Where the lengths differ.
pub fn dropout_backward(instructions: Instructions, mask: &[u8], rate: f32, gradient: &mut [f32]) {
    check_len("the dropout's mask", mask.len(), gradient.len());
    let scale = scale(rate);
    let pieces = RowsMut::new(gradient, 1);
    for_each_piece(0..mask.len(), CHUNK, pieces, &|range, gradient| {
        instructions.run(Backward {
            mask: &mask[range],
            scale,
            gradient: gradient.values,
        });
    });
}

/// What is kept grows by so much.
fn scale(rate: f32) -> f32 {
    1.0 / (1.0 - rate)
}

struct Forward<'a> {
    input: &'a [f32],
    mask: &'a [u8],
    scale: f32,
    output: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    // Plain loops: compiled for the instructions, the compiler makes vectors of them.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let len = self.output.len();
        let (input, mask) = (&self.input[..len], &self.mask[..len]);
        for i in 0..len {
            self.output[i] = input[i] * (mask[i] as f32 * self.scale);
        }
    }
}

struct Backward<'a> {
    mask: &'a [u8],
    scale: f32,
    gradient: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let mask = &self.mask[..self.gradient.len()];
        for i in 0..mask.len() {
            self.gradient[i] *= mask[i] as f32 * self.scale;
        }
    }
}
