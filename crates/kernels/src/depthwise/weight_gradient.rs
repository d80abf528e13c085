//! Gradients of the weight and of the bias.

use std::ops::Range;

use pulp::Simd;

use crate::channels::{load, store};
use crate::depthwise::padded_band::PaddedBand;
use crate::depthwise::window3x3::{Lines, Window3x3};
use crate::depthwise::{DepthwiseConv2dShape, ROWS};
use crate::fused_gradient::FusedGradient;
use crate::microkernel::mul_add;
use crate::operand::{ConvInput, Operand};

/// Adds the gradients of one image to `partial`, `[tap][channel]`. The bias is an additional tap whose
/// input is 1.
#[inline(always)]
pub(super) fn add_weight_gradient<S: Simd>(
    simd: S,
    shape: &DepthwiseConv2dShape,
    input: &ConvInput<'_>,
    gradient: &FusedGradient<'_>,
    image: usize,
    partial: &mut [f32],
    scratch: &mut [f32],
) {
    let (rows, columns) = (&shape.rows, &shape.columns);
    let layout = PaddedBand::input(shape);
    let output = shape.output();
    let band_len = (layout.rows * layout.row_len()).next_multiple_of(16);
    let (padded, row) = scratch.split_at_mut(band_len);
    let row = &mut row[..output.row_len()];
    for y in 0..rows.output {
        if y % ROWS == 0 {
            let count = (rows.output - y).min(ROWS);
            let source = (count - 1) * rows.stride + rows.kernel;
            let top = (y * rows.stride) as isize - rows.padding_before as isize;
            let band = &mut padded[..source * layout.row_len()];
            layout.copy(simd, input, &shape.input(), image, top, band);
        }
        gradient.load_row(simd, &output, image, y, row);
        let mut products = RowProducts {
            source: &padded[y % ROWS * rows.stride * layout.row_len()..],
            source_row_len: layout.row_len(),
            stride: columns.stride * shape.channels,
            gradient: row,
            kernel_width: columns.kernel,
            channels: shape.channels,
            partial: &mut *partial,
        };
        for start in (0..shape.channels).step_by(S::F32_LANES) {
            let channels = start..(start + S::F32_LANES).min(shape.channels);
            products.channels(simd, rows.kernel, channels);
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
        match (
            [kernel_height, self.kernel_width],
            self.stride / self.channels,
        ) {
            ([3, 3], 1) => self.add_3x3::<S, 1>(simd, &channels),
            ([3, 3], 2) => self.add_3x3::<S, 2>(simd, &channels),
            _ => {
                for i in 0..kernel_height {
                    for j in 0..self.kernel_width {
                        self.add(simd, i, j, channels.clone());
                    }
                }
            }
        }
        let mut sum = simd.splat_f32s(0.0);
        for gradient in self.gradient.chunks_exact(self.channels) {
            sum = simd.add_f32s(sum, load(simd, &gradient[channels.clone()]));
        }
        self.add_to_partial(simd, kernel_height * self.kernel_width, &channels, sum);
    }

    /// Adds the sums of 3x3 taps, held in registers while the window slides over the row.
    #[inline(always)]
    fn add_3x3<S: Simd, const STRIDE: usize>(&mut self, simd: S, channels: &Range<usize>) {
        let count = self.channels;
        let lines = Lines {
            rows: [0, 1, 2].map(|r| &self.source[r * self.source_row_len..][..self.source_row_len]),
            padding: 0,
        };
        let mut window = Window3x3::<S, STRIDE>::new(simd, lines, count, channels);
        let [first, second, third] = Window3x3::<S, STRIDE>::steps(lines, count);
        let pixels = first.zip(second).zip(third);
        let mut sums = [[simd.splat_f32s(0.0); 3]; 3];
        for (gradient, ((first, second), third)) in self.gradient.chunks_exact(count).zip(pixels) {
            window.slide(simd, [first, second, third], count, channels);
            let gradient = load(simd, &gradient[channels.clone()]);
            for r in 0..3 {
                for c in 0..3 {
                    sums[r][c] = mul_add(simd, gradient, window.0[r][c], sums[r][c]);
                }
            }
        }
        for r in 0..3 {
            for c in 0..3 {
                self.add_to_partial(simd, 3 * r + c, channels, sums[r][c]);
            }
        }
    }

    /// Adds the sum of one tap.
    #[inline(always)]
    fn add<S: Simd>(&mut self, simd: S, i: usize, j: usize, channels: Range<usize>) {
        let mut sum = simd.splat_f32s(0.0);
        let start = i * self.source_row_len + j * self.channels;
        for (x, gradient) in self.gradient.chunks_exact(self.channels).enumerate() {
            let gradient = load(simd, &gradient[channels.clone()]);
            let pixel = &self.source[start + x * self.stride..];
            sum = mul_add(simd, gradient, load(simd, &pixel[channels.clone()]), sum);
        }
        self.add_to_partial(simd, i * self.kernel_width + j, &channels, sum);
    }

    #[inline(always)]
    fn add_to_partial<S: Simd>(
        &mut self,
        simd: S,
        tap: usize,
        channels: &Range<usize>,
        sum: S::f32s,
    ) {
        let partial = &mut self.partial[tap * self.channels..][channels.clone()];
        let sum = simd.add_f32s(load(simd, partial), sum);
        store(simd, partial, sum);
    }
}
