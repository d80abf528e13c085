//! Forward pass.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::buffer::Workspace;
use crate::conv2d::epilogue::Epilogue;
use crate::depthwise::correlation::{Correlation, Pixels, Taps};
use crate::depthwise::padded_band::PaddedBand;
use crate::depthwise::{BAND, DepthwiseConv2d, DepthwiseConv2dShape};
use crate::operand::ConvInput;
use crate::parallel::{CHUNK, RowsMut, parallel_for};

/// Number of tasks that even one image is divided into, if it has enough rows.
const MIN_TASKS: usize = 4;

pub(super) fn forward(
    conv: &DepthwiseConv2d,
    input: &ConvInput<'_>,
    weight: &[f32],
    epilogue: &Epilogue<'_>,
    output: &mut [f32],
    workspace: &Workspace,
) {
    let shape = &conv.shape;
    let row_len = shape.output().row_len();
    let units = shape.batch * shape.rows.output;
    let grain = CHUNK.div_ceil(row_len).next_multiple_of(BAND);
    let grain = grain.min(units.div_ceil(MIN_TASKS));
    let rows = RowsMut::new(output, row_len);
    parallel_for(0..units, grain, rows, &|rows, output| {
        workspace.threads.with(|scratch| {
            conv.instructions.run(ForwardTask {
                shape,
                input,
                weight,
                epilogue,
                rows,
                output: output.values,
                scratch,
            });
        });
    });
}

struct ForwardTask<'a> {
    shape: &'a DepthwiseConv2dShape,
    input: &'a ConvInput<'a>,
    weight: &'a [f32],
    epilogue: &'a Epilogue<'a>,
    /// Rows of the whole batch.
    rows: Range<usize>,
    output: &'a mut [f32],
    scratch: &'a mut [f32],
}

impl WithSimd for ForwardTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let shape = self.shape;
        let (rows, columns) = (&shape.rows, &shape.columns);
        let layout = PaddedBand::input(shape);
        let row_len = shape.output().row_len();
        let column_taps = Taps {
            first: 0,
            step: 1,
            count: columns.kernel,
            source: 0,
            reversed: false,
        };
        let pixels = Pixels {
            first: 0,
            step: 1,
            count: columns.output,
            source_step: columns.stride,
        };
        let mut next = self.rows.start;
        while next < self.rows.end {
            // A band ends with its image.
            let (image, first) = (next / rows.output, next % rows.output);
            let count = (self.rows.end - next).min(rows.output - first).min(BAND);
            let source = (count - 1) * rows.stride + rows.kernel;
            let band = &mut self.scratch[..source * layout.row_len()];
            let top = (first * rows.stride) as isize - rows.padding_before as isize;
            layout.copy(simd, self.input, &shape.input(), image, top, band);
            let correlation = Correlation {
                source: band,
                source_row_len: layout.row_len(),
                weight: self.weight,
                kernel_width: columns.kernel,
                channels: shape.channels,
                epilogue: Some(self.epilogue),
            };
            let start = (next - self.rows.start) * row_len;
            let output = self.output[start..][..count * row_len].chunks_exact_mut(row_len);
            for (y, output) in output.enumerate() {
                let row_taps = Taps {
                    count: rows.kernel,
                    source: y * rows.stride,
                    ..column_taps
                };
                correlation.row(simd, row_taps, column_taps, pixels, output);
            }
            next += count;
        }
    }
}
