//! Gradient of the input: a convolution of the output gradient with the kernel.
//!
//! With a stride, only some kernel elements contribute to a position: those whose index has the same
//! remainder. Positions with the same remainder are computed together.

use pulp::Simd;

use crate::depthwise::correlation::{Correlation, Pixels, Taps};
use crate::depthwise::padded_band::PaddedBand;
use crate::depthwise::{DepthwiseConv2dShape, ROWS};
use crate::fused_gradient::FusedGradient;
use crate::window::Window;

/// Computes the input gradient of one image.
#[inline(always)]
pub(super) fn write_input_gradient<S: Simd>(
    simd: S,
    shape: &DepthwiseConv2dShape,
    weight: &[f32],
    gradient: &FusedGradient<'_>,
    image: usize,
    values: &mut [f32],
    scratch: &mut [f32],
) {
    let (rows, columns) = (&shape.rows, &shape.columns);
    let layout = PaddedBand::output_gradient(shape);
    let size = shape.input();
    for (band_index, band_values) in values.chunks_mut(ROWS * size.row_len()).enumerate() {
        let first = band_index * ROWS;
        let last = first + band_values.len() / size.row_len() - 1;
        // Output rows that contribute to the band, also those outside the output.
        let top = lowest_source(rows, first);
        let bottom = ((last + rows.padding_before) / rows.stride) as isize;
        let count = (bottom - top + 1) as usize;
        let source = &mut scratch[..count * layout.row_len()];
        layout.copy(simd, gradient, &shape.output(), image, top, source);
        let correlation = Correlation {
            source,
            source_row_len: layout.row_len(),
            weight,
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
