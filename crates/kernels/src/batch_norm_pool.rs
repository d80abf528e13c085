//! 2x2 max pooling fused with batch norm.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::channels::{load, store};
use crate::conv2d::BatchNormGradientSums;
use crate::conv2d::epilogue::window_argmax;
use crate::instruction_set::InstructionSet;
use crate::microkernel::mul_add;
use crate::operand::{Affine, ImageSize};
use crate::parallel::{RowsMut, check_len, parallel_for};

/// Shape of a batch norm followed by 2x2 max pooling with stride 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchNormPoolShape {
    /// Number of images.
    pub batch: usize,
    /// Height of the input.
    pub height: usize,
    /// Width of the input.
    pub width: usize,
    /// Number of channels.
    pub channels: usize,
}

impl BatchNormPoolShape {
    fn size(&self) -> ImageSize {
        ImageSize {
            height: self.height,
            width: self.width,
            channels: self.channels,
        }
    }

    #[track_caller]
    fn check(&self, input: usize, output: usize, argmax: usize) {
        check_len("pool input", input, self.batch * self.size().image_len());
        let pooled = self.batch * self.size().pooled().image_len();
        check_len("pool output", output, pooled);
        check_len("pool argmax indices", argmax, pooled);
    }
}

/// Normalizes `input` and writes the maximum of each 2x2 window to `output` and its index in the
/// window, 0 to 3, to `argmax`. The normalized values are not stored.
///
/// # Panics
/// If a buffer's length does not match `shape`.
pub fn batch_norm_pool_forward(
    shape: &BatchNormPoolShape,
    instructions: InstructionSet,
    input: &[f32],
    affine: Affine<'_>,
    output: &mut [f32],
    argmax: &mut [f32],
) {
    shape.check(input.len(), output.len(), argmax.len());
    let size = shape.size();
    let pooled = size.pooled();
    if output.is_empty() {
        return;
    }
    let parts = (
        RowsMut::new(output, pooled.row_len()),
        RowsMut::new(argmax, pooled.row_len()),
    );
    parallel_for(
        0..shape.batch * pooled.height,
        pooled.height,
        parts,
        &|rows, (output, argmax)| {
            instructions.run(PoolRows {
                size,
                input,
                affine,
                rows,
                output: output.values,
                argmax: argmax.values,
            });
        },
    );
}

struct PoolRows<'a> {
    size: ImageSize,
    input: &'a [f32],
    affine: Affine<'a>,
    rows: Range<usize>,
    output: &'a mut [f32],
    argmax: &'a mut [f32],
}

impl WithSimd for PoolRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (size, pooled) = (self.size, self.size.pooled());
        let outputs = self.output.chunks_exact_mut(pooled.row_len());
        let argmax = self.argmax.chunks_exact_mut(pooled.row_len());
        for (row, (output, argmax)) in self.rows.zip(outputs.zip(argmax)) {
            let pair = row_pair(&size, self.input, row / pooled.height, row % pooled.height);
            for start in (0..size.channels).step_by(S::F32_LANES) {
                let channels = start..(start + S::F32_LANES).min(size.channels);
                let scale = load(simd, &self.affine.scale[channels.clone()]);
                let shift = load(simd, &self.affine.shift[channels.clone()]);
                for x in 0..pooled.width {
                    let mut window = load_window(simd, &size, pair, x, channels.clone());
                    for value in &mut window {
                        *value = mul_add(simd, *value, scale, shift);
                    }
                    let (best, best_index) = window_argmax(simd, window);
                    let pixel = x * size.channels;
                    let range = pixel + channels.start..pixel + channels.end;
                    store(simd, &mut output[range.clone()], best);
                    store(simd, &mut argmax[range], best_index);
                }
            }
        }
    }
}

/// The two input rows of pooled row `y`.
#[inline(always)]
fn row_pair<'a>(size: &ImageSize, input: &'a [f32], image: usize, y: usize) -> &'a [f32] {
    &input[size.row_offset(image, 2 * y)..][..2 * size.row_len()]
}

/// The four values of window `x` of a pair of rows.
#[inline(always)]
fn load_window<S: Simd>(
    simd: S,
    size: &ImageSize,
    pair: &[f32],
    x: usize,
    channels: Range<usize>,
) -> [S::f32s; 4] {
    let mut window = [simd.splat_f32s(0.0); 4];
    let corners = [
        0,
        size.channels,
        size.row_len(),
        size.row_len() + size.channels,
    ];
    for (value, corner) in window.iter_mut().zip(corners) {
        let pixel = 2 * x * size.channels + corner;
        *value = load(simd, &pair[pixel + channels.start..pixel + channels.end]);
    }
    window
}

/// Computes the sums of a gradient at the pool's output that
/// [`batch_norm_backward_coefficients`](crate::batch_norm_backward_coefficients) reads. Only the
/// values at the argmax indices contribute.
///
/// # Panics
/// If a buffer's length does not match `shape`.
pub fn batch_norm_pool_backward_reduce(
    shape: &BatchNormPoolShape,
    instructions: InstructionSet,
    gradient: &[f32],
    argmax: &[f32],
    target: BatchNormGradientSums<'_>,
) {
    let BatchNormGradientSums { input, mean, sums } = target;
    shape.check(input.len(), gradient.len(), argmax.len());
    check_len(
        "batch norm gradient sums",
        sums.len(),
        2 * shape.batch * shape.channels,
    );
    let rows = RowsMut::new(sums, 2 * shape.channels);
    parallel_for(0..shape.batch, 1, rows, &|image, sums| {
        instructions.run(PoolReduce {
            size: shape.size(),
            image: image.start,
            gradient,
            argmax,
            input,
            mean,
            sums: sums.values,
        });
    });
}

struct PoolReduce<'a> {
    size: ImageSize,
    image: usize,
    gradient: &'a [f32],
    argmax: &'a [f32],
    input: &'a [f32],
    mean: &'a [f32],
    sums: &'a mut [f32],
}

impl WithSimd for PoolReduce<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (size, pooled) = (self.size, self.size.pooled());
        let (plain, products) = self.sums.split_at_mut(size.channels);
        for start in (0..size.channels).step_by(S::F32_LANES) {
            let channels = start..(start + S::F32_LANES).min(size.channels);
            let mean = load(simd, &self.mean[channels.clone()]);
            let zero = simd.splat_f32s(0.0);
            let (mut sum, mut product) = (zero, zero);
            for y in 0..pooled.height {
                let pair = row_pair(&size, self.input, self.image, y);
                for x in 0..pooled.width {
                    let pixel = pooled.row_offset(self.image, y) + x * size.channels;
                    let range = pixel + channels.start..pixel + channels.end;
                    let gradient = load(simd, &self.gradient[range.clone()]);
                    let best_index = load(simd, &self.argmax[range]);
                    let window = load_window(simd, &size, pair, x, channels.clone());
                    let mut value = window[0];
                    for number in 1..4 {
                        let selected = simd.equal_f32s(best_index, simd.splat_f32s(number as f32));
                        value = simd.select_f32s(selected, window[number], value);
                    }
                    sum = simd.add_f32s(sum, gradient);
                    product = mul_add(simd, gradient, simd.sub_f32s(value, mean), product);
                }
            }
            store(simd, &mut plain[channels.clone()], sum);
            store(simd, &mut products[channels], product);
        }
    }
}
