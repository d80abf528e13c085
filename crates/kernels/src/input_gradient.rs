//! Last step of an input gradient, image by image: the mask of the input's ReLU and the sums for the
//! batch norm that produces the input.

use pulp::Simd;

use crate::channels::{load, store, write_gradient_sums};
use crate::operand::ConvInput;

/// Operations after the gradient at the values that a convolution reads.
#[derive(Clone, Copy)]
pub(crate) struct InputGradientEpilogue<'a> {
    /// Input of the convolution.
    pub(crate) input: &'a ConvInput<'a>,
    /// Input and mean of the preceding batch norm, if its sums are needed.
    pub(crate) batch_norm: Option<(&'a [f32], &'a [f32])>,
    pub(crate) channels: usize,
}

impl InputGradientEpilogue<'_> {
    /// Completes the gradient of one image, whose input begins at offset `start`.
    #[inline(always)]
    pub(crate) fn apply<S: Simd>(
        &self,
        simd: S,
        start: usize,
        gradient: &mut [f32],
        sums: Option<&mut [f32]>,
    ) {
        if self.input.relu {
            mask_by_input(simd, self.input, self.channels, start, gradient);
        }
        if let (Some(sums), Some((input, mean))) = (sums, self.batch_norm) {
            let input = &input[start..][..gradient.len()];
            write_gradient_sums(simd, mean, gradient, input, sums);
        }
    }
}

/// Sets the gradient to zero where the ReLU of `input`, from offset `start` on, is zero.
#[inline(always)]
pub(crate) fn mask_by_input<S: Simd>(
    simd: S,
    input: &ConvInput<'_>,
    channels: usize,
    start: usize,
    gradient: &mut [f32],
) {
    let values = &input.values[start..][..gradient.len()];
    let zero = simd.splat_f32s(0.0);
    for first in (0..channels).step_by(S::F32_LANES) {
        let range = first..(first + S::F32_LANES).min(channels);
        let map = input.map(simd, range.clone());
        for (gradient, values) in gradient
            .chunks_exact_mut(channels)
            .zip(values.chunks_exact(channels))
        {
            let gradient = &mut gradient[range.clone()];
            let value = map.apply(simd, load(simd, &values[range.clone()]));
            let passes = simd.greater_than_f32s(value, zero);
            let masked = simd.select_f32s(passes, load(simd, gradient), zero);
            store(simd, gradient, masked);
        }
    }
}
