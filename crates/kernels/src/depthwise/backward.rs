//! Gradient of the input: a convolution of the output gradient with the kernel.
//!
//! With a stride, only some kernel elements contribute to a position: those whose index has the same
//! remainder. Positions with the same remainder are computed together.

use pulp::{Simd, WithSimd};

use crate::buffer::Workspace;
use crate::conv2d::InputGradient;
use crate::depthwise::correlation::{Correlation, Pixels, Taps};
use crate::depthwise::padded_band::PaddedBand;
use crate::depthwise::{DepthwiseConv2d, DepthwiseConv2dShape, ROWS};
use crate::fused_gradient::FusedGradient;
use crate::input_gradient::InputGradientEpilogue;
use crate::parallel::{RowsMut, parallel_for};
use crate::window::Window;

pub(super) fn write_input_gradient(
    conv: &DepthwiseConv2d,
    weight: &[f32],
    gradient: &FusedGradient<'_>,
    epilogue: InputGradientEpilogue<'_>,
    target: InputGradient<'_>,
    workspace: &Workspace,
) {
    let shape = &conv.shape;
    let rows = target
        .batch_norm_sums
        .map(|target| RowsMut::new(target.sums, 2 * shape.channels));
    let images = RowsMut::new(target.values, shape.input().image_len());
    parallel_for(0..shape.batch, 1, (images, rows), &|images, parts| {
        workspace.threads.with(|scratch| {
            conv.instructions.run(InputGradientTask {
                shape,
                weight,
                gradient,
                image: images.start,
                values: parts.0.values,
                epilogue,
                sums: parts.1.map(|rows| rows.values),
                scratch,
            });
        });
    });
}

/// Input gradient of one image.
struct InputGradientTask<'a> {
    shape: &'a DepthwiseConv2dShape,
    weight: &'a [f32],
    gradient: &'a FusedGradient<'a>,
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
        let shape = self.shape;
        let (rows, columns) = (&shape.rows, &shape.columns);
        let layout = PaddedBand::output_gradient(shape);
        let size = shape.input();
        for (band_index, band_values) in self.values.chunks_mut(ROWS * size.row_len()).enumerate() {
            let first = band_index * ROWS;
            let last = first + band_values.len() / size.row_len() - 1;
            // Output rows that contribute to the band, also those outside the output.
            let top = lowest_source(rows, first);
            let bottom = ((last + rows.padding_before) / rows.stride) as isize;
            let count = (bottom - top + 1) as usize;
            let source = &mut self.scratch[..count * layout.row_len()];
            layout.copy(
                simd,
                self.gradient,
                &shape.output(),
                self.image,
                top,
                source,
            );
            let correlation = Correlation {
                source,
                source_row_len: layout.row_len(),
                weight: self.weight,
                kernel_width: columns.kernel,
                channels: shape.channels,
                epilogue: None,
            };
            for (y, output) in band_values.chunks_exact_mut(size.row_len()).enumerate() {
                let row_taps = taps(rows, first + y, -top);
                for x in 0..columns.stride.min(columns.input) {
                    let column_taps = taps(columns, x, layout.left as isize);
                    let pixels = Pixels {
                        first: x,
                        step: columns.stride,
                        count: (columns.input - x).div_ceil(columns.stride),
                        source_step: 1,
                    };
                    correlation.row(simd, row_taps, column_taps, pixels, output);
                }
            }
        }
        let start = self.image * size.image_len();
        self.epilogue.apply(simd, start, self.values, self.sums);
    }
}

/// Kernel elements that connect the outputs with input position `input`, and the outputs' positions
/// from `-offset` on.
#[inline(always)]
fn taps(window: &Window, input: usize, offset: isize) -> Taps {
    let first = (input + window.padding_before) % window.stride;
    let highest = ((input + window.padding_before) / window.stride) as isize;
    Taps {
        first,
        step: window.stride,
        count: window.kernel.saturating_sub(first).div_ceil(window.stride),
        source: (highest + offset) as usize,
        reversed: true,
    }
}

/// Lowest output position that reads input position `input` or a later one. Negative before the first
/// output.
#[inline(always)]
fn lowest_source(window: &Window, input: usize) -> isize {
    let distance = (input + window.padding_before) as isize - (window.kernel as isize - 1);
    -((-distance).div_euclid(window.stride as isize))
}
