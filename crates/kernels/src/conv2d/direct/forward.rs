//! Forward pass, and the convolution of padded rows that the backward pass shares.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::band_statistics::BAND;
use crate::buffer::Workspace;
use crate::channels::add_to_tile;
use crate::conv2d::direct::padded_rows::PaddedRows;
use crate::conv2d::direct::{grain, panels};
use crate::conv2d::epilogue::{Epilogue, EpilogueVectors, OutputBands, pool_band};
use crate::conv2d::{Conv2d, Conv2dOutput};
use crate::microkernel::{
    Lhs, LhsRows, MicroKernel, Tile, accumulate, add_tile, for_each_tile, rank1_update, store_tile,
    zero_tile,
};
use crate::operand::{ConvInput, ImageSize, Operand};
use crate::panels::Panels;
use crate::parallel::parallel_for;

pub(crate) fn forward(
    conv: &Conv2d,
    input: &ConvInput<'_>,
    kernel: &[f32],
    epilogue: &Epilogue<'_>,
    output: Conv2dOutput<'_>,
    workspace: &mut Workspace,
) {
    let shape = &conv.shape;
    let grain = grain(shape);
    let parts = OutputBands::new(&conv.shape.output(), conv.pool, output);
    let units = 0..shape.batch * shape.rows.output.div_ceil(BAND);
    parallel_for(units, grain, parts, &|units, parts| {
        workspace.threads.with(|scratch| {
            conv.instructions.run(ForwardTask {
                convolution: RowConvolution {
                    padded: PaddedRows::forward(shape),
                    operand: *input,
                    size: shape.input(),
                    kernel: [shape.rows.kernel, shape.columns.kernel],
                    stride: [shape.rows.stride, shape.columns.stride],
                    packed: kernel,
                    panels: panels(conv),
                    output: shape.output(),
                    epilogue: Some(*epilogue),
                },
                pool: conv.pool,
                units,
                parts,
                scratch,
            });
        });
    });
}

/// Convolution of padded rows.
#[derive(Clone, Copy)]
pub(super) struct RowConvolution<'a, R> {
    pub(super) padded: PaddedRows,
    pub(super) operand: R,
    /// Size of the images that `operand` contains.
    pub(super) size: ImageSize,
    /// Kernel height and width.
    pub(super) kernel: [usize; 2],
    /// Vertical and horizontal stride.
    pub(super) stride: [usize; 2],
    pub(super) packed: &'a [f32],
    pub(super) panels: Panels,
    pub(super) output: ImageSize,
    pub(super) epilogue: Option<Epilogue<'a>>,
}

impl<R: Operand> RowConvolution<'_, R> {
    /// Computes the output rows from `first` on, as many as `output` holds.
    #[inline(always)]
    pub(super) fn rows<S: Simd>(
        &self,
        simd: S,
        image: usize,
        first: usize,
        padded: &mut [f32],
        output: &mut [f32],
    ) {
        let start = first * self.stride[0];
        self.padded
            .copy(simd, &self.operand, &self.size, image, start, padded);
        let row_len = self.padded.row_len(self.size.channels);
        for (y, output) in output.chunks_exact_mut(self.output.row_len()).enumerate() {
            let rows = &padded[y * self.stride[0] * row_len..];
            let offset = self.output.row_offset(image, first + y);
            for panel in 0..self.panels.count {
                self.panel(simd, panel, rows, offset, output);
            }
        }
    }

    /// Computes the channels of a panel for one output row, which begins at `offset` in the whole output.
    #[inline(always)]
    fn panel<S: Simd>(
        &self,
        simd: S,
        panel: usize,
        rows: &[f32],
        offset: usize,
        output: &mut [f32],
    ) {
        let taps = self.kernel[0] * self.kernel[1] * self.size.channels;
        let first = panel * self.panels.width;
        let columns = first..first + self.panels.columns_of(panel);
        let (epilogue, summand) = match &self.epilogue {
            Some(epilogue) => (
                Some(epilogue.vectors(simd, columns.clone())),
                epilogue.summand(offset..offset + output.len()),
            ),
            None => (None, None),
        };
        let mut tiles = PixelTiles::<S, R> {
            convolution: self,
            rows,
            kernel: &self.packed[first * taps..][..taps * self.panels.width],
            columns,
            epilogue,
            summand,
            output,
        };
        for_each_tile(simd, self.panels.width, self.output.width, &mut tiles);
    }
}

/// Vectors of the widest panel.
const MAX_VECTORS: usize = 4;

/// Depth of a kernel row from which on each kernel row has accumulators of its own.
const LONG_ROW: usize = 32;

/// Micro-kernel over neighboring pixels of one output row.
struct PixelTiles<'a, S: Simd, R> {
    convolution: &'a RowConvolution<'a, R>,
    rows: &'a [f32],
    kernel: &'a [f32],
    columns: Range<usize>,
    epilogue: Option<EpilogueVectors<S::f32s, MAX_VECTORS>>,
    summand: Option<&'a [f32]>,
    output: &'a mut [f32],
}

impl<S: Simd, R: Operand> MicroKernel<S> for PixelTiles<'_, S, R> {
    #[inline(always)]
    fn tile<const ROWS: usize, const VECTORS: usize>(&mut self, simd: S, first: usize) {
        if self.depth() < LONG_ROW {
            let sums = self.short_sums::<ROWS, VECTORS>(simd, first);
            self.write(simd, first, sums);
        } else {
            let sums = self.long_sums::<ROWS, VECTORS>(simd, first);
            self.write(simd, first, sums);
        }
    }
}

impl<S: Simd, R: Operand> PixelTiles<'_, S, R> {
    /// Depth of one kernel row.
    #[inline(always)]
    fn depth(&self) -> usize {
        self.convolution.kernel[1] * self.convolution.size.channels
    }

    /// Left-hand rows that a tile's pixels read for one kernel row, and that row of the weight.
    #[inline(always)]
    fn operands<const ROWS: usize, const VECTORS: usize>(
        &self,
        first: usize,
        kernel_row: usize,
    ) -> (LhsRows<'_, ROWS>, &[f32]) {
        let channels = self.convolution.size.channels;
        let (step, depth) = (self.convolution.stride[1] * channels, self.depth());
        let start = kernel_row * self.convolution.padded.row_len(channels) + first * step;
        let kernel_len = depth * VECTORS * S::F32_LANES;
        (
            LhsRows::new(self.rows, start, step, depth),
            &self.kernel[kernel_row * kernel_len..][..kernel_len],
        )
    }

    /// Sum over all kernel rows, accumulated in one register tile.
    #[inline(always)]
    fn short_sums<const ROWS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        first: usize,
    ) -> Tile<S, ROWS, VECTORS> {
        let mut sums = zero_tile::<S, ROWS, VECTORS>(simd);
        for i in 0..self.convolution.kernel[0] {
            let (rows, kernel) = self.operands::<ROWS, VECTORS>(first, i);
            let kernel = kernel.chunks_exact(VECTORS * S::F32_LANES);
            for (k, kernel) in kernel.enumerate() {
                rank1_update::<S, LhsRows<'_, ROWS>, ROWS, VECTORS>(
                    simd,
                    &mut sums,
                    rows.step(k),
                    kernel,
                );
            }
        }
        sums
    }

    /// Sum over all kernel rows, each accumulated separately, because shorter sums round less.
    #[inline(always)]
    fn long_sums<const ROWS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        first: usize,
    ) -> Tile<S, ROWS, VECTORS> {
        let mut sums = zero_tile::<S, ROWS, VECTORS>(simd);
        for i in 0..self.convolution.kernel[0] {
            let (rows, kernel) = self.operands::<ROWS, VECTORS>(first, i);
            let mut part = zero_tile::<S, ROWS, VECTORS>(simd);
            let width = VECTORS * S::F32_LANES;
            accumulate(simd, &mut part, rows, self.depth(), kernel, width);
            add_tile(simd, &mut sums, &part);
        }
        sums
    }

    #[inline(always)]
    fn write<const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        first: usize,
        mut sums: Tile<S, ROWS, VECTORS>,
    ) {
        let channels = self.convolution.output.channels;
        let start = first * channels + self.columns.start;
        if let Some(summand) = self.summand {
            let summand = &summand[start..];
            add_to_tile(simd, &mut sums, summand, channels, self.columns.len());
        }
        if let Some(epilogue) = &self.epilogue {
            epilogue.apply_tile(simd, &mut sums);
        }
        let output = &mut self.output[start..];
        store_tile(simd, &sums, output, channels, self.columns.len());
    }
}

struct ForwardTask<'a> {
    convolution: RowConvolution<'a, ConvInput<'a>>,
    pool: bool,
    units: Range<usize>,
    parts: OutputBands<'a>,
    scratch: &'a mut [f32],
}

impl WithSimd for ForwardTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let size = self.convolution.output;
        let bands_per_image = size.height.div_ceil(BAND);
        let mut parts = self.parts;
        let (band, padded) = self
            .scratch
            .split_at_mut((BAND * size.row_len()).next_multiple_of(16));
        for unit in self.units {
            let (image, first) = (unit / bands_per_image, unit % bands_per_image * BAND);
            if !self.pool {
                let output = parts.values.band(unit);
                self.convolution.rows(simd, image, first, padded, output);
                parts.write_statistics(simd, unit, 0..size.channels);
                continue;
            }
            let band = &mut band[..(size.height - first).min(BAND) * size.row_len()];
            self.convolution.rows(simd, image, first, padded, band);
            let argmax = parts.argmax.as_mut().map(|argmax| argmax.band(unit));
            pool_band(simd, &size, band, parts.values.band(unit), argmax);
        }
    }
}
