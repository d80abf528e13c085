//! Forward pass.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::band_statistics::BAND;
use crate::buffer::Workspace;
use crate::conv2d::Conv2dOutput;
use crate::conv2d::epilogue::{Epilogue, OutputBands};
use crate::depthwise::correlation::{Correlation, Pixels, Taps};
use crate::depthwise::padded_band::PaddedBand;
use crate::depthwise::{DepthwiseConv2d, DepthwiseConv2dShape, ROWS};
use crate::operand::ConvInput;
use crate::parallel::{CHUNK, parallel_for};

/// Number of tasks that even one image is divided into, if it has enough bands.
const MIN_TASKS: usize = 4;

pub(super) fn forward(
    conv: &DepthwiseConv2d,
    input: &ConvInput<'_>,
    weight: &[f32],
    epilogue: &Epilogue<'_>,
    output: Conv2dOutput<'_>,
    workspace: &Workspace,
) {
    let shape = &conv.shape;
    let size = shape.output();
    let parts = OutputBands::new(&size, false, output);
    let units = shape.batch * size.height.div_ceil(BAND);
    let grain = CHUNK
        .div_ceil(BAND * size.row_len())
        .next_multiple_of(ROWS / BAND)
        .min(units.div_ceil(MIN_TASKS));
    parallel_for(0..units, grain, parts, &|units, parts| {
        workspace.threads.with(|scratch| {
            conv.instructions.run(ForwardTask {
                shape,
                input,
                weight,
                epilogue,
                units,
                parts,
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
    /// Bands of the whole batch.
    units: Range<usize>,
    parts: OutputBands<'a>,
    scratch: &'a mut [f32],
}

impl WithSimd for ForwardTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let shape = self.shape;
        let (rows, columns) = (&shape.rows, &shape.columns);
        let layout = PaddedBand::input(shape);
        let size = shape.output();
        let bands_per_image = size.height.div_ceil(BAND);
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
        let mut unit = self.units.start;
        while unit < self.units.end {
            let (image, band) = (unit / bands_per_image, unit % bands_per_image);
            let bands = (self.units.end - unit)
                .min(bands_per_image - band)
                .min(ROWS / BAND);
            let first = band * BAND;
            let count = (bands * BAND).min(size.height - first);
            let source = (count - 1) * rows.stride + rows.kernel;
            let padded = &mut self.scratch[..source * layout.row_len()];
            let top = (first * rows.stride) as isize - rows.padding_before as isize;
            layout.copy(simd, self.input, &shape.input(), image, top, padded);
            let correlation = Correlation {
                source: padded,
                source_row_len: layout.row_len(),
                weight: self.weight,
                kernel_width: columns.kernel,
                channels: shape.channels,
                epilogue: Some(self.epilogue),
            };
            for band in 0..bands {
                let output = self.parts.values.band(unit + band);
                for (y, output) in output.chunks_exact_mut(size.row_len()).enumerate() {
                    let row_taps = Taps {
                        count: rows.kernel,
                        source: (band * BAND + y) * rows.stride,
                        ..column_taps
                    };
                    correlation.row(simd, row_taps, column_taps, pixels, output);
                }
                self.parts
                    .write_statistics(simd, unit + band, 0..shape.channels);
            }
            unit += bands;
        }
    }
}
