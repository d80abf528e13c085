//! Forward pass.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::band_statistics::BAND;
use crate::buffer::Workspace;
use crate::conv2d::Conv2dOutput;
use crate::conv2d::epilogue::{Epilogue, OutputBands};
use crate::depthwise::correlation::{Correlation, Pixels, Taps};
use crate::depthwise::padded_band::PaddedBand;
use crate::depthwise::window3x3::Lines;
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
        if self.is_plain_3x3() {
            self.plain_3x3(simd, column_taps);
            return;
        }
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

impl ForwardTask<'_> {
    /// `true` if the window can slide over the rows of the input itself, without a padded copy.
    fn is_plain_3x3(&self) -> bool {
        let (rows, columns) = (&self.shape.rows, &self.shape.columns);
        let is_plain = self.input.affine.is_none() && !self.input.relu;
        is_plain
            && [rows.kernel, columns.kernel] == [3, 3]
            && columns.padding_before <= 1
            && columns.stride <= 2
    }

    #[inline(always)]
    fn plain_3x3<S: Simd>(mut self, simd: S, columns: Taps) {
        let shape = self.shape;
        let (input, size) = (shape.input(), shape.output());
        let bands_per_image = size.height.div_ceil(BAND);
        let zeros = &mut self.scratch[..input.row_len()];
        zeros.fill(0.0);
        let correlation = Correlation {
            source: self.input.values,
            source_row_len: input.row_len(),
            weight: self.weight,
            kernel_width: 3,
            channels: shape.channels,
            epilogue: Some(self.epilogue),
        };
        for unit in self.units {
            let (image, band) = (unit / bands_per_image, unit % bands_per_image);
            let output = self.parts.values.band(unit);
            for (y, output) in output.chunks_exact_mut(size.row_len()).enumerate() {
                let mut lines = Lines {
                    rows: [&*zeros; 3],
                    padding: shape.columns.padding_before,
                };
                let (taps, first) = shape.rows.taps(band * BAND + y);
                for (index, r) in taps.enumerate() {
                    let start = input.row_offset(image, first + index);
                    lines.rows[r] = &self.input.values[start..][..input.row_len()];
                }
                match shape.columns.stride {
                    1 => correlation.row_3x3::<S, 1>(simd, lines, columns, columns, output),
                    _ => correlation.row_3x3::<S, 2>(simd, lines, columns, columns, output),
                }
            }
            self.parts.write_statistics(simd, unit, 0..shape.channels);
        }
    }
}
