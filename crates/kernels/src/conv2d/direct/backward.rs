//! Backward pass: the weight gradient is a product of patches with the output gradient, the input
//! gradient a transposed convolution.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::band_statistics::BAND;
use crate::buffer::Workspace;
use crate::conv2d::direct::forward::RowConvolution;
use crate::conv2d::direct::padded_rows::PaddedRows;
use crate::conv2d::direct::{
    GROUPS, pack_weight, packed_len, panels, partial_len, transposed_convolution,
};
use crate::conv2d::shape::Conv2dShape;
use crate::conv2d::{Conv2d, Conv2dGradients, InputGradient};
use crate::fused_gradient::FusedGradient;
use crate::input_gradient::InputGradientEpilogue;
use crate::microkernel::{
    LhsColumns, MicroKernel, accumulate, for_each_tile, load_tile, store_tile,
};
use crate::operand::{ConvInput, Operand};
use crate::parallel::{RowsMut, parallel_for};

pub(crate) fn backward(
    conv: &Conv2d,
    input: &ConvInput<'_>,
    weight: &[f32],
    gradient: &FusedGradient<'_>,
    gradients: Conv2dGradients<'_>,
    workspace: &mut Workspace,
) {
    let shape = &conv.shape;
    let Workspace { threads, shared } = workspace;
    let size = shape.batch.div_ceil(GROUPS).max(1);
    let groups = shape.batch.div_ceil(size);
    let (partials, rest) = shared.split_at_mut(groups * partial_len(conv));
    let parts = RowsMut::with_grain(size, &mut *partials, partial_len(conv));
    parallel_for(0..shape.batch, size, parts, &|images, partial| {
        threads.with(|scratch| {
            conv.instructions.run(WeightGradientTask {
                conv,
                input,
                gradient,
                images,
                partial: partial.values,
                scratch,
            });
        });
    });
    let epilogue = gradients.epilogue(input, shape.in_channels);
    add_partials(conv, partials, gradients.weight, gradients.bias);
    let Some(InputGradient {
        values,
        batch_norm_sums,
    }) = gradients.input
    else {
        return;
    };
    let transposed = transposed_convolution(conv);
    let (flipped, rest) = rest.split_at_mut(shape.weight_len().next_multiple_of(16));
    let flipped = &mut flipped[..shape.weight_len()];
    flip(shape, weight, flipped);
    let packed = &mut rest[..packed_len(&transposed)];
    pack_weight(&transposed, flipped, packed);
    let packed = &*packed;
    let rows = batch_norm_sums.map(|target| RowsMut::new(target.sums, 2 * shape.in_channels));
    let images = RowsMut::new(values, shape.input().image_len());
    parallel_for(0..shape.batch, 1, (images, rows), &|units, parts| {
        threads.with(|scratch| {
            conv.instructions.run(InputGradientTask {
                convolution: RowConvolution {
                    padded: PaddedRows::backward(shape),
                    operand: *gradient,
                    size: shape.output(),
                    kernel: [shape.rows.kernel, shape.columns.kernel],
                    stride: [1, 1],
                    packed,
                    panels: panels(&transposed),
                    output: shape.input(),
                    epilogue: None,
                },
                image: units.start,
                values: parts.0.values,
                epilogue,
                sums: parts.1.map(|rows| rows.values),
                scratch,
            });
        });
    });
}

/// Weight rotated by 180 degrees with exchanged channels, `[height, width, out, in]`.
fn flip(shape: &Conv2dShape, weight: &[f32], flipped: &mut [f32]) {
    let (inputs, outputs) = (shape.in_channels, shape.out_channels);
    let planes = weight.chunks_exact(inputs * outputs);
    let flipped = flipped.chunks_exact_mut(inputs * outputs).rev();
    for (plane, flipped) in planes.zip(flipped) {
        for (c, row) in plane.chunks_exact(outputs).enumerate() {
            for (o, &value) in row.iter().enumerate() {
                flipped[o * inputs + c] = value;
            }
        }
    }
}

/// Adds the groups' partial sums in order.
pub(crate) fn add_partials(
    conv: &Conv2d,
    partials: &[f32],
    weight_gradient: &mut [f32],
    bias_gradient: &mut [f32],
) {
    let (panels, taps) = (panels(conv), conv.shape.taps());
    let rows = RowsMut::new(weight_gradient, panels.columns);
    let sum = |tap: usize, row: &mut [f32]| {
        row.fill(0.0);
        for partial in partials.chunks_exact(partial_len(conv)) {
            for (panel, row) in row.chunks_mut(panels.width).enumerate() {
                let start = (panel * (taps + 1) + tap) * panels.width;
                for (sum, value) in row.iter_mut().zip(&partial[start..]) {
                    *sum += value;
                }
            }
        }
    };
    parallel_for(0..taps, 64, rows, &|range, rows| {
        for (tap, row) in range.zip(rows.values.chunks_exact_mut(panels.columns)) {
            sum(tap, row);
        }
    });
    if !bias_gradient.is_empty() {
        sum(taps, bias_gradient);
    }
}

/// Partial sums of a group's weight and bias gradients, `[panel][tap][width]`. The bias is an
/// additional tap whose input is 1.
struct WeightGradientTask<'a> {
    conv: &'a Conv2d,
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
        let shape = &self.conv.shape;
        let layout = PaddedRows::forward(shape);
        let (input, output) = (shape.input(), shape.output());
        self.partial.fill(0.0);
        let panels = panels(self.conv);
        let pixel_len = panels.padded_columns();
        let (row, padded) = self
            .scratch
            .split_at_mut((output.width * pixel_len).next_multiple_of(16));
        let partial_rows = shape.taps() + 1;
        for image in self.images {
            for y in 0..output.height {
                if y % BAND == 0 {
                    let first = y * shape.rows.stride;
                    layout.copy(simd, self.input, &input, image, first, padded);
                }
                let top = y % BAND * shape.rows.stride * layout.row_len(input.channels);
                self.gradient
                    .load_row(simd, &output, image, y, &mut row[..output.row_len()]);
                pad_pixels(&mut row[..], output.channels, pixel_len, output.width);
                for panel in 0..panels.count {
                    let mut tiles = TapTiles {
                        shape,
                        padded: &padded[top..],
                        padded_row_len: layout.row_len(input.channels),
                        row: &row[panel * panels.width..],
                        row_stride: pixel_len,
                        partial: &mut self.partial[panel * partial_rows * panels.width..],
                        kernel_row: 0,
                    };
                    for kernel_row in 0..shape.rows.kernel {
                        tiles.kernel_row = kernel_row;
                        let taps = shape.columns.kernel * input.channels;
                        for_each_tile(simd, panels.width, taps, &mut tiles);
                    }
                    let bias = &mut tiles.partial[shape.taps() * panels.width..][..panels.width];
                    for pixel in tiles.row.chunks(pixel_len).take(output.width) {
                        for (sum, value) in bias.iter_mut().zip(pixel) {
                            *sum += value;
                        }
                    }
                }
            }
        }
    }
}

/// Pads each pixel of a row to whole panels, in place and therefore from the last to the first.
#[inline(always)]
fn pad_pixels(row: &mut [f32], channels: usize, pixel_len: usize, width: usize) {
    if channels == pixel_len {
        return;
    }
    for x in (0..width).rev() {
        row.copy_within(x * channels..(x + 1) * channels, x * pixel_len);
        row[x * pixel_len + channels..(x + 1) * pixel_len].fill(0.0);
    }
}

/// Micro-kernel over neighboring taps of one kernel row, summed over the pixels of one output row.
struct TapTiles<'a> {
    shape: &'a Conv2dShape,
    padded: &'a [f32],
    padded_row_len: usize,
    row: &'a [f32],
    row_stride: usize,
    partial: &'a mut [f32],
    kernel_row: usize,
}

impl<S: Simd> MicroKernel<S> for TapTiles<'_> {
    #[inline(always)]
    fn tile<const ROWS: usize, const VECTORS: usize>(&mut self, simd: S, first: usize) {
        let width = VECTORS * S::F32_LANES;
        let shape = self.shape;
        let tap = self.kernel_row * shape.columns.kernel * shape.in_channels + first;
        let partial = &mut self.partial[tap * width..][..ROWS * width];
        let mut tile = load_tile::<S, ROWS, VECTORS>(simd, partial);
        let columns = LhsColumns {
            values: &self.padded[self.kernel_row * self.padded_row_len + first..],
            stride: shape.columns.stride * shape.in_channels,
        };
        let depth = shape.columns.output;
        accumulate(simd, &mut tile, columns, depth, self.row, self.row_stride);
        store_tile(simd, &tile, partial, width, width);
    }
}

/// Input gradient of one image.
struct InputGradientTask<'a> {
    convolution: RowConvolution<'a, FusedGradient<'a>>,
    image: usize,
    values: &'a mut [f32],
    epilogue: InputGradientEpilogue<'a>,
    sums: Option<&'a mut [f32]>,
    scratch: &'a mut [f32],
}

impl WithSimd for InputGradientTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let size = self.convolution.output;
        let bands = self.values.chunks_mut(BAND * size.row_len());
        for (band, values) in bands.enumerate() {
            self.convolution
                .rows(simd, self.image, band * BAND, self.scratch, values);
        }
        let start = self.image * size.image_len();
        self.epilogue.apply(simd, start, self.values, self.sums);
    }
}
