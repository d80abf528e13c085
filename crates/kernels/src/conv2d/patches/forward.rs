//! Forward pass: patches times weight.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::band_statistics::BAND;
use crate::buffer::Workspace;
use crate::channels::add_to_tile;
use crate::conv2d::direct::{grain, panels};
use crate::conv2d::epilogue::{Epilogue, EpilogueVectors, OutputBands};
use crate::conv2d::patches::gather::gather;
use crate::conv2d::patches::{is_pointwise, patch_stride, pixels_per_step};
use crate::conv2d::shape::Conv2dShape;
use crate::conv2d::{Conv2d, Conv2dOutput};
use crate::microkernel::{
    LhsRows, MicroKernel, Tile, accumulate, add_tile, for_each_tile, store_tile, zero_tile,
};
use crate::operand::ConvInput;
use crate::panels::Panels;
use crate::parallel::parallel_for;

pub(crate) fn forward(
    conv: &Conv2d,
    input: &ConvInput<'_>,
    packed: &[f32],
    epilogue: &Epilogue<'_>,
    output: Conv2dOutput<'_>,
    workspace: &Workspace,
) {
    let shape = &conv.shape;
    let parts = OutputBands::new(&shape.output(), false, output);
    let units = 0..shape.batch * shape.rows.output.div_ceil(BAND);
    parallel_for(units, grain(shape), parts, &|units, parts| {
        workspace.threads.with(|scratch| {
            conv.instructions.run(ForwardTask {
                shape,
                panels: panels(conv),
                input,
                packed,
                epilogue,
                units,
                parts,
                scratch,
            });
        });
    });
}

struct ForwardTask<'a> {
    shape: &'a Conv2dShape,
    panels: Panels,
    input: &'a ConvInput<'a>,
    packed: &'a [f32],
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
        let (shape, panels) = (self.shape, self.panels);
        let taps = shape.taps();
        let step = pixels_per_step(shape);
        let in_place = is_pointwise(shape) && self.input.affine.is_none() && !self.input.relu;
        let (offset, output) = self.parts.values.bands(self.units.clone());
        let summand = self.epilogue.summand(offset..offset + output.len());
        let first = offset / shape.out_channels;
        let step_len = step * shape.out_channels;
        for (index, output) in output.chunks_mut(step_len).enumerate() {
            let start = first + index * step;
            let pixels = start..start + output.len() / shape.out_channels;
            let (lhs, stride) = if in_place {
                (&self.input.values[start * taps..pixels.end * taps], taps)
            } else {
                let stride = patch_stride(shape);
                let patches = &mut self.scratch[..pixels.len() * stride];
                gather(simd, shape, self.input, pixels.clone(), stride, patches);
                (&*patches, stride)
            };
            for panel in 0..panels.count {
                let column = panel * panels.width;
                let columns = column..column + panels.columns_of(panel);
                let mut tiles = PatchTiles::<S> {
                    shape,
                    lhs,
                    stride,
                    weight: &self.packed[column * taps..][..taps * panels.width],
                    epilogue: self.epilogue.vectors(simd, columns.clone()),
                    summand: summand.map(|summand| &summand[index * step_len..]),
                    columns,
                    output: &mut *output,
                };
                for_each_tile(simd, panels.width, pixels.len(), &mut tiles);
            }
        }
        for unit in self.units {
            self.parts
                .write_statistics(simd, unit, 0..shape.out_channels);
        }
    }
}

/// Vectors of the widest panel.
const MAX_VECTORS: usize = 4;

/// Micro-kernel over consecutive patches.
struct PatchTiles<'a, S: Simd> {
    shape: &'a Conv2dShape,
    lhs: &'a [f32],
    stride: usize,
    weight: &'a [f32],
    epilogue: EpilogueVectors<S::f32s, MAX_VECTORS>,
    summand: Option<&'a [f32]>,
    columns: Range<usize>,
    output: &'a mut [f32],
}

impl<S: Simd> MicroKernel<S> for PatchTiles<'_, S> {
    #[inline(always)]
    fn tile<const ROWS: usize, const VECTORS: usize>(&mut self, simd: S, first: usize) {
        let mut sums = self.row_sums::<ROWS, VECTORS>(simd, first, 0);
        // Two branches, because the register tile of the first would be stored if there were a second.
        if self.shape.rows.kernel == 1 {
            self.write(simd, first, sums);
            return;
        }
        for i in 1..self.shape.rows.kernel {
            let part = self.row_sums::<ROWS, VECTORS>(simd, first, i);
            add_tile(simd, &mut sums, &part);
        }
        self.write(simd, first, sums);
    }
}

impl<S: Simd> PatchTiles<'_, S> {
    /// Sum over one kernel row. Each has accumulators of its own, because shorter sums round less.
    #[inline(always)]
    fn row_sums<const ROWS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        first: usize,
        kernel_row: usize,
    ) -> Tile<S, ROWS, VECTORS> {
        let width = VECTORS * S::F32_LANES;
        let depth = self.shape.columns.kernel * self.shape.in_channels;
        let start = first * self.stride + kernel_row * depth;
        let rows = LhsRows::<ROWS>::new(self.lhs, start, self.stride, depth);
        let weight = &self.weight[kernel_row * depth * width..];
        let mut sums = zero_tile::<S, ROWS, VECTORS>(simd);
        accumulate(simd, &mut sums, rows, depth, weight, width);
        sums
    }

    #[inline(always)]
    fn write<const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        first: usize,
        mut sums: Tile<S, ROWS, VECTORS>,
    ) {
        let channels = self.shape.out_channels;
        let start = first * channels + self.columns.start;
        if let Some(summand) = self.summand {
            let summand = &summand[start..];
            add_to_tile(simd, &mut sums, summand, channels, self.columns.len());
        }
        self.epilogue.apply_tile(simd, &mut sums);
        let output = &mut self.output[start..];
        store_tile(simd, &sums, output, channels, self.columns.len());
    }
}
