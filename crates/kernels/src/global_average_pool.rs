//! Global average pooling: the mean of each channel of each image.

use pulp::{Simd, WithSimd};

use crate::channels::{load, store};
use crate::instruction_set::InstructionSet;
use crate::parallel::{RowsMut, check_len, parallel_for};

/// Shape of a global average pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalAveragePoolShape {
    /// Number of images.
    pub batch: usize,
    /// Pixels of one image, `height * width`.
    pub pixels: usize,
    /// Number of channels.
    pub channels: usize,
}

impl GlobalAveragePoolShape {
    #[track_caller]
    fn check(&self, input: usize, output: usize) {
        check_len(
            "pool input",
            input,
            self.batch * self.pixels * self.channels,
        );
        check_len("pool output", output, self.batch * self.channels);
        assert!(self.pixels > 0, "an image without pixels has no mean");
    }
}

/// Writes the mean of each channel of each image of `input`, `[batch, pixels, channels]`, to `output`,
/// `[batch, channels]`.
///
/// # Panics
/// If a buffer's length does not match `shape` or the images are empty.
pub fn global_average_pool_forward(
    shape: &GlobalAveragePoolShape,
    instructions: InstructionSet,
    input: &[f32],
    output: &mut [f32],
) {
    shape.check(input.len(), output.len());
    let len = shape.pixels * shape.channels;
    let rows = RowsMut::new(output, shape.channels);
    parallel_for(0..shape.batch, 1, rows, &|image, output| {
        instructions.run(ForwardImage {
            channels: shape.channels,
            input: &input[image.start * len..][..len],
            output: output.values,
        });
    });
}

/// Accumulators per channel, which take the pixels in turn: they hide the latency of the additions, and
/// shorter sums round less.
const ACCUMULATORS: usize = 4;

struct ForwardImage<'a> {
    channels: usize,
    input: &'a [f32],
    output: &'a mut [f32],
}

impl WithSimd for ForwardImage<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let channels = self.channels;
        let pixels = self.input.len() / channels.max(1);
        let divisor = simd.splat_f32s(pixels as f32);
        for start in (0..channels).step_by(S::F32_LANES) {
            let range = start..(start + S::F32_LANES).min(channels);
            let mut sums = [simd.splat_f32s(0.0); ACCUMULATORS];
            let groups = self.input.chunks(ACCUMULATORS * channels);
            for group in groups {
                for (sum, pixel) in sums.iter_mut().zip(group.chunks_exact(channels)) {
                    *sum = simd.add_f32s(*sum, load(simd, &pixel[range.clone()]));
                }
            }
            let left = simd.add_f32s(sums[0], sums[1]);
            let right = simd.add_f32s(sums[2], sums[3]);
            let mean = simd.div_f32s(simd.add_f32s(left, right), divisor);
            store(simd, &mut self.output[range], mean);
        }
    }
}

/// Computes the gradient of [`global_average_pool_forward`]: each pixel's gradient is `output_gradient
/// / pixels`.
///
/// # Panics
/// If a buffer's length does not match `shape` or the images are empty.
pub fn global_average_pool_backward(
    shape: &GlobalAveragePoolShape,
    instructions: InstructionSet,
    output_gradient: &[f32],
    input_gradient: &mut [f32],
) {
    shape.check(input_gradient.len(), output_gradient.len());
    let images = RowsMut::new(input_gradient, shape.pixels * shape.channels);
    parallel_for(0..shape.batch, 1, images, &|image, gradient| {
        instructions.run(BackwardImage {
            output_gradient: &output_gradient[image.start * shape.channels..][..shape.channels],
            input_gradient: gradient.values,
        });
    });
}

struct BackwardImage<'a> {
    output_gradient: &'a [f32],
    input_gradient: &'a mut [f32],
}

impl WithSimd for BackwardImage<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let channels = self.output_gradient.len().max(1);
        let pixels = (self.input_gradient.len() / channels) as f32;
        for pixel in self.input_gradient.chunks_exact_mut(channels) {
            for (value, gradient) in pixel.iter_mut().zip(self.output_gradient) {
                *value = gradient / pixels;
            }
        }
    }
}
