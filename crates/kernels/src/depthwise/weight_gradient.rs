//! Gradients of the weight and of the bias.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::buffer::Workspace;
use crate::channels::{load, store};
use crate::depthwise::padded_band::PaddedBand;
use crate::depthwise::{DepthwiseConv2d, DepthwiseConv2dShape, GROUPS, ROWS};
use crate::fused_gradient::FusedGradient;
use crate::microkernel::mul_add;
use crate::operand::{ConvInput, Operand};
use crate::parallel::{RowsMut, parallel_for};

/// Computes both gradients. The partial sums of groups of images are added in order. An empty
/// `bias_gradient` is not computed.
pub(super) fn write_weight_gradient(
    conv: &DepthwiseConv2d,
    input: &ConvInput<'_>,
    gradient: &FusedGradient<'_>,
    weight_gradient: &mut [f32],
    bias_gradient: &mut [f32],
    workspace: &mut Workspace,
) {
    let shape = &conv.shape;
    let Workspace { threads, shared } = workspace;
    let size = shape.batch.div_ceil(GROUPS).max(1);
    let len = shape.partial_len();
    let partials = &mut shared[..shape.batch.div_ceil(size) * len];
    let parts = RowsMut::with_grain(size, &mut *partials, len);
    parallel_for(0..shape.batch, size, parts, &|images, partial| {
        threads.with(|scratch| {
            conv.instructions.run(WeightGradientTask {
                shape,
                input,
                gradient,
                images,
                partial: partial.values,
                scratch,
            });
        });
    });
    weight_gradient.fill(0.0);
    bias_gradient.fill(0.0);
    for partial in partials.chunks_exact(len) {
        let (weight, bias) = partial.split_at(weight_gradient.len());
        for (sum, value) in weight_gradient.iter_mut().zip(weight) {
            *sum += value;
        }
        for (sum, value) in bias_gradient.iter_mut().zip(bias) {
            *sum += value;
        }
    }
}

/// Partial sums of a group's gradients, `[tap][channel]`. The bias is an additional tap whose input
/// is 1.
struct WeightGradientTask<'a> {
    shape: &'a DepthwiseConv2dShape,
    input: &'a ConvInput<'a>,
    gradient: &'a FusedGradient<'a>,
    images: Range<usize>,
    partial: &'a mut [f32],
    scratch: &'a mut [f32],
}

impl WithSimd for WeightGradientTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let shape = self.shape;
        let (rows, columns) = (&shape.rows, &shape.columns);
        let layout = PaddedBand::input(shape);
        let output = shape.output();
        self.partial.fill(0.0);
        let band_len = (layout.rows * layout.row_len()).next_multiple_of(16);
        let (padded, row) = self.scratch.split_at_mut(band_len);
        let row = &mut row[..output.row_len()];
        for image in self.images {
            for y in 0..rows.output {
                if y % ROWS == 0 {
                    let count = (rows.output - y).min(ROWS);
                    let source = (count - 1) * rows.stride + rows.kernel;
                    let top = (y * rows.stride) as isize - rows.padding_before as isize;
                    let band = &mut padded[..source * layout.row_len()];
                    layout.copy(simd, self.input, &shape.input(), image, top, band);
                }
                self.gradient.load_row(simd, &output, image, y, row);
                let mut products = RowProducts {
                    source: &padded[y % ROWS * rows.stride * layout.row_len()..],
                    source_row_len: layout.row_len(),
                    stride: columns.stride * shape.channels,
                    gradient: row,
                    kernel_width: columns.kernel,
                    channels: shape.channels,
                    partial: &mut *self.partial,
                };
                for start in (0..shape.channels).step_by(S::F32_LANES) {
                    let channels = start..(start + S::F32_LANES).min(shape.channels);
                    products.channels(simd, rows.kernel, channels);
                }
            }
        }
    }
}

/// Products of one row of the output gradient with the inputs of each tap.
struct RowProducts<'a> {
    /// Padded input rows from the first kernel row on.
    source: &'a [f32],
    source_row_len: usize,
    /// Distance between the inputs of neighboring outputs.
    stride: usize,
    gradient: &'a [f32],
    kernel_width: usize,
    channels: usize,
    partial: &'a mut [f32],
}

impl RowProducts<'_> {
    #[inline(always)]
    fn channels<S: Simd>(&mut self, simd: S, kernel_height: usize, channels: Range<usize>) {
        if [kernel_height, self.kernel_width] == [3, 3] {
            self.add::<S, 3, 3>(simd, 0, 0, channels.clone());
        } else {
            for i in 0..kernel_height {
                for j in 0..self.kernel_width {
                    self.add::<S, 1, 1>(simd, i, j, channels.clone());
                }
            }
        }
        let mut sum = simd.splat_f32s(0.0);
        for gradient in self.gradient.chunks_exact(self.channels) {
            sum = simd.add_f32s(sum, load(simd, &gradient[channels.clone()]));
        }
        let bias = kernel_height * self.kernel_width * self.channels;
        let bias = &mut self.partial[bias + channels.start..bias + channels.end];
        let sum = simd.add_f32s(load(simd, bias), sum);
        store(simd, bias, sum);
    }

    /// Adds the sums of `ROWS x COLUMNS` taps from `(i, j)` on, held in registers.
    #[inline(always)]
    fn add<S: Simd, const ROWS: usize, const COLUMNS: usize>(
        &mut self,
        simd: S,
        i: usize,
        j: usize,
        channels: Range<usize>,
    ) {
        let mut sums = [[simd.splat_f32s(0.0); COLUMNS]; ROWS];
        let start = i * self.source_row_len + j * self.channels;
        for (x, gradient) in self.gradient.chunks_exact(self.channels).enumerate() {
            let gradient = load(simd, &gradient[channels.clone()]);
            for row in 0..ROWS {
                for column in 0..COLUMNS {
                    let pixel = start
                        + row * self.source_row_len
                        + x * self.stride
                        + column * self.channels;
                    let value = &self.source[pixel + channels.start..pixel + channels.end];
                    let value = load(simd, value);
                    sums[row][column] = mul_add(simd, gradient, value, sums[row][column]);
                }
            }
        }
        for row in 0..ROWS {
            for column in 0..COLUMNS {
                let tap = ((i + row) * self.kernel_width + j + column) * self.channels;
                let partial = &mut self.partial[tap + channels.start..tap + channels.end];
                let sum = simd.add_f32s(load(simd, partial), sums[row][column]);
                store(simd, partial, sum);
            }
        }
    }
}
