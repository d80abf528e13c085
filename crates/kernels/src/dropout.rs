//! Dropout (Srivastava et al., 2014) with inverted scaling: inference is the identity.

use pulp::{Simd, WithSimd};

use crate::instruction_set::InstructionSet;
use crate::parallel::{CHUNK, RowsMut, check_len, parallel_for};

/// Applies dropout: `output = input * mask / (1 - rate)`, which preserves the expected value.
///
/// `mask` holds 1 for values that are kept and 0 for values that are dropped. The caller generates
/// it and thereby controls the randomness.
///
/// # Panics
/// If the lengths differ.
pub fn dropout_forward(
    instructions: InstructionSet,
    input: &[f32],
    mask: &[u8],
    rate: f32,
    output: &mut [f32],
) {
    check_len("dropout mask", mask.len(), input.len());
    check_len("dropout output", output.len(), input.len());
    let scale = scale(rate);
    let parts = RowsMut::new(output, 1);
    parallel_for(0..input.len(), CHUNK, parts, &|range, output| {
        instructions.run(Forward {
            input: &input[range.clone()],
            mask: &mask[range],
            scale,
            output: output.values,
        });
    });
}

/// Computes the gradient of [`dropout_forward`] in place: `gradient` is the gradient at the output
/// and becomes the gradient at the input.
///
/// # Panics
/// If the lengths differ.
pub fn dropout_backward(
    instructions: InstructionSet,
    mask: &[u8],
    rate: f32,
    gradient: &mut [f32],
) {
    check_len("dropout mask", mask.len(), gradient.len());
    let scale = scale(rate);
    let parts = RowsMut::new(gradient, 1);
    parallel_for(0..mask.len(), CHUNK, parts, &|range, gradient| {
        instructions.run(Backward {
            mask: &mask[range],
            scale,
            gradient: gradient.values,
        });
    });
}

/// Factor of the values that are kept.
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

    // A plain loop: compiled for the instruction set, it is vectorized by the compiler.
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
