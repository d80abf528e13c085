//! Backwards: patches times gradients for the kernel, and for the input a convolution of the
//! gradient with the turned kernel.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::buffer::Workspace;
use crate::channels::write_gradient_sums;
use crate::conv2d::direct::forward::Convolution;
use crate::conv2d::direct::frame::Frame;
use crate::conv2d::direct::{
    GROUPS, backward_convolution, panels, prepare, prepared_len, share_len,
};
use crate::conv2d::finish::BAND;
use crate::conv2d::shape::Conv2dShape;
use crate::conv2d::{Conv2d, Conv2dGradients, GradientSums, InputGradient};
use crate::parallel::{RowsMut, for_each_piece};
use crate::source::{Gradient, Input, RowSource};
use crate::tile::{Columns, Strips, accumulate, for_each_strip, load_tile, store_tile};

pub(crate) fn backward(
    conv: &Conv2d,
    input: &Input<'_>,
    weight: &[f32],
    gradient: &Gradient<'_>,
    gradients: Conv2dGradients<'_>,
    workspace: &mut Workspace,
) {
    let shape = &conv.shape;
    let Workspace { threads, shared } = workspace;
    let size = shape.batch.div_ceil(GROUPS).max(1);
    let groups = shape.batch.div_ceil(size);
    let (shares, rest) = shared.split_at_mut(groups * share_len(conv));
    let pieces = RowsMut::every(size, &mut *shares, share_len(conv));
    for_each_piece(0..shape.batch, size, pieces, &|images, share| {
        threads.with(|scratch| {
            conv.instructions.run(GradientTask {
                conv,
                input,
                gradient,
                images,
                share: share.values,
                scratch,
            });
        });
    });
    add_shares(conv, shares, gradients.weight, gradients.bias);
    let Some(InputGradient { values, sums }) = gradients.input else {
        return;
    };
    let back = backward_convolution(conv);
    let (turned, rest) = rest.split_at_mut(shape.weight_len().next_multiple_of(16));
    let turned = &mut turned[..shape.weight_len()];
    turn(shape, weight, turned);
    let prepared = &mut rest[..prepared_len(&back)];
    prepare(&back, turned, prepared);
    let prepared = &*prepared;
    let (rows, normalized) = match sums {
        Some(GradientSums { input, mean, sums }) => {
            let rows = RowsMut::new(sums, 2 * shape.in_channels);
            (Some(rows), Some((input, mean)))
        }
        None => (None, None),
    };
    let images = RowsMut::new(values, shape.input().image());
    for_each_piece(0..shape.batch, 1, (images, rows), &|units, pieces| {
        threads.with(|scratch| {
            conv.instructions.run(BackwardTask {
                convolution: Convolution {
                    frame: Frame::backward(shape),
                    source: *gradient,
                    size: shape.output(),
                    kernel: [shape.rows.kernel, shape.columns.kernel],
                    stride: [1, 1],
                    prepared,
                    panels: panels(&back),
                    output: shape.input(),
                    finish: None,
                },
                image: units.start,
                values: pieces.0.values,
                sums: pieces
                    .1
                    .zip(normalized)
                    .map(|(rows, (input, mean))| GradientSums {
                        input,
                        mean,
                        sums: rows.values,
                    }),
                scratch,
            });
        });
    });
}

/// The kernel turned by half a turn, channels exchanged: `[height, width, out, in]`.
fn turn(shape: &Conv2dShape, weight: &[f32], turned: &mut [f32]) {
    let (inputs, outputs) = (shape.in_channels, shape.out_channels);
    let planes = weight.chunks_exact(inputs * outputs);
    let turned = turned.chunks_exact_mut(inputs * outputs).rev();
    for (plane, turned) in planes.zip(turned) {
        for (c, row) in plane.chunks_exact(outputs).enumerate() {
            for (o, &value) in row.iter().enumerate() {
                turned[o * inputs + c] = value;
            }
        }
    }
}

/// Adds the groups' shares in the order of the groups.
fn add_shares(
    conv: &Conv2d,
    shares: &[f32],
    weight_gradient: &mut [f32],
    bias_gradient: &mut [f32],
) {
    let (panels, taps) = (panels(conv), conv.shape.taps());
    let rows = RowsMut::new(weight_gradient, panels.columns);
    let sum = |tap: usize, row: &mut [f32]| {
        row.fill(0.0);
        for share in shares.chunks_exact(share_len(conv)) {
            for (panel, row) in row.chunks_mut(panels.width).enumerate() {
                let start = (panel * (taps + 1) + tap) * panels.width;
                for (sum, value) in row.iter_mut().zip(&share[start..]) {
                    *sum += value;
                }
            }
        }
    };
    for_each_piece(0..taps, 64, rows, &|range, rows| {
        for (tap, row) in range.zip(rows.values.chunks_exact_mut(panels.columns)) {
            sum(tap, row);
        }
    });
    sum(taps, bias_gradient);
}

/// A group's share of the kernel's and the biases' gradient, `[panel][tap][width]`: the biases are
/// one more tap that always reads 1.
struct GradientTask<'a> {
    conv: &'a Conv2d,
    input: &'a Input<'a>,
    gradient: &'a Gradient<'a>,
    images: Range<usize>,
    share: &'a mut [f32],
    scratch: &'a mut [f32],
}

impl WithSimd for GradientTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let shape = &self.conv.shape;
        let frame_of = Frame::forward(shape);
        let (input, output) = (shape.input(), shape.output());
        self.share.fill(0.0);
        let panels = panels(self.conv);
        let padded = panels.padded();
        let (row, frame) = self
            .scratch
            .split_at_mut((output.width * padded).next_multiple_of(16));
        let share_rows = shape.taps() + 1;
        for image in self.images {
            for y in 0..output.height {
                if y % BAND == 0 {
                    let first = y * shape.rows.stride;
                    frame_of.copy(simd, self.input, &input, image, first, frame);
                }
                let top = y % BAND * shape.rows.stride * frame_of.row(input.channels);
                self.gradient
                    .fill(simd, &output, image, y, &mut row[..output.row()]);
                spread_pixels(&mut row[..], output.channels, padded, output.width);
                for panel in 0..panels.count {
                    let mut strips = TapStrips {
                        shape,
                        frame: &frame[top..],
                        frame_row: frame_of.row(input.channels),
                        row: &row[panel * panels.width..],
                        row_stride: padded,
                        share: &mut self.share[panel * share_rows * panels.width..],
                        kernel_row: 0,
                    };
                    for kernel_row in 0..shape.rows.kernel {
                        strips.kernel_row = kernel_row;
                        let taps = shape.columns.kernel * input.channels;
                        for_each_strip(simd, panels.width, taps, &mut strips);
                    }
                    let biases = &mut strips.share[shape.taps() * panels.width..][..panels.width];
                    for pixel in strips.row.chunks(padded).take(output.width) {
                        for (sum, value) in biases.iter_mut().zip(pixel) {
                            *sum += value;
                        }
                    }
                }
            }
        }
    }
}

/// Moves the pixels of a row apart, from the last to the first, so that each has whole panels.
#[inline(always)]
fn spread_pixels(row: &mut [f32], channels: usize, padded: usize, width: usize) {
    if channels == padded {
        return;
    }
    for x in (0..width).rev() {
        row.copy_within(x * channels..(x + 1) * channels, x * padded);
        row[x * padded + channels..(x + 1) * padded].fill(0.0);
    }
}

/// Strips of neighbouring taps of one kernel row, summed over the pixels of one output row.
struct TapStrips<'a> {
    shape: &'a Conv2dShape,
    frame: &'a [f32],
    frame_row: usize,
    row: &'a [f32],
    row_stride: usize,
    share: &'a mut [f32],
    kernel_row: usize,
}

impl<S: Simd> Strips<S> for TapStrips<'_> {
    #[inline(always)]
    fn strip<const ROWS: usize, const VECTORS: usize>(&mut self, simd: S, first: usize) {
        let width = VECTORS * S::F32_LANES;
        let shape = self.shape;
        let tap = self.kernel_row * shape.columns.kernel * shape.in_channels + first;
        let share = &mut self.share[tap * width..][..ROWS * width];
        let mut tile = load_tile::<S, ROWS, VECTORS>(simd, share);
        let columns = Columns {
            values: &self.frame[self.kernel_row * self.frame_row + first..],
            stride: shape.columns.stride * shape.in_channels,
        };
        let depth = shape.columns.output;
        accumulate(simd, &mut tile, columns, depth, self.row, self.row_stride);
        store_tile(simd, &tile, share, width, width);
    }
}

/// The gradient at one image's input.
struct BackwardTask<'a> {
    convolution: Convolution<'a, Gradient<'a>>,
    image: usize,
    values: &'a mut [f32],
    sums: Option<GradientSums<'a>>,
    scratch: &'a mut [f32],
}

impl WithSimd for BackwardTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let size = self.convolution.output;
        let bands = self.values.chunks_mut(BAND * size.row());
        for (band, values) in bands.enumerate() {
            self.convolution
                .rows(simd, self.image, band * BAND, self.scratch, values);
        }
        if let Some(GradientSums { input, mean, sums }) = self.sums {
            let input = &input[self.image * size.image()..][..size.image()];
            write_gradient_sums(simd, mean, self.values, input, sums);
        }
    }
}
