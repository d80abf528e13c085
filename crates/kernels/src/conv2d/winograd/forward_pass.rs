//! Steps of a forward pass that all blocks share: matrix products, output transform and epilogue.

use std::ops::Range;

use pulp::Simd;

use crate::channels::{load, store};
use crate::conv2d::Conv2d;
use crate::conv2d::epilogue::{Epilogue, EpilogueVectors, OutputBands, window_argmax};
use crate::conv2d::winograd::gemm::TileGemm;
use crate::conv2d::winograd::geometry::Geometry;
use crate::conv2d::winograd::tiles::TransformedTiles;
use crate::conv2d::winograd::transforms::{
    Intermediate, OutputTransform, PATCH, POINTS, TILE, WriteTile, new_intermediate, transform_2d,
};
use crate::operand::ConvInput;

/// State that all tasks of one call share.
#[derive(Clone, Copy)]
pub(super) struct ForwardPass<'a> {
    pub(super) conv: &'a Conv2d,
    pub(super) geometry: &'a Geometry,
    pub(super) input: &'a ConvInput<'a>,
    pub(super) weight: &'a [f32],
    pub(super) epilogue: &'a Epilogue<'a>,
}

impl<'a> ForwardPass<'a> {
    /// Product of the transformed inputs of some tiles with one panel of the transformed weight at
    /// one point.
    #[inline(always)]
    pub(super) fn gemm(
        &self,
        panel: usize,
        point: usize,
        tiles: usize,
        lhs: &'a [f32],
    ) -> TileGemm<'a> {
        let geometry = self.geometry;
        let panel_len = geometry.shape.in_channels * geometry.outputs.width;
        TileGemm {
            tiles,
            lhs,
            lhs_panels: geometry.inputs,
            weight: &self.weight[(panel * POINTS + point) * panel_len..],
            weight_stride: panel_len,
            output_panels: geometry.outputs.panel(panel),
        }
    }

    /// Applies output transform, epilogue and pool to one panel of some tile rows and writes the
    /// outputs.
    #[inline(always)]
    pub(super) fn write_outputs<S: Simd>(
        &self,
        simd: S,
        rows: Range<usize>,
        panel: usize,
        transformed: &TransformedTiles<'_>,
        parts: &mut OutputBands<'_>,
    ) {
        let first = panel * transformed.panels.width;
        let channels = first..first + transformed.panels.columns;
        for (index, row) in rows.enumerate() {
            let tile = index * self.geometry.tiles_per_row;
            let channels = channels.clone();
            let (offset, output) = parts.values.bands(row..row + 1);
            if self.conv.pool {
                let argmax = parts.argmax.as_mut().map(|argmax| argmax.band(row));
                write_pooled(simd, self, transformed, channels, tile, output, argmax);
            } else {
                let summand = self.epilogue.summand(offset..offset + output.len());
                let band = Band { output, summand };
                write_band(simd, self, transformed, channels.clone(), tile, band);
                parts.write_statistics(simd, row, channels);
            }
        }
    }
}

/// Output rows of one tile row, and what is added to them.
struct Band<'a> {
    output: &'a mut [f32],
    summand: Option<&'a [f32]>,
}

/// Writes the outputs of one tile row, without pooling.
#[inline(always)]
fn write_band<S: Simd>(
    simd: S,
    pass: &ForwardPass<'_>,
    transformed: &TransformedTiles<'_>,
    channels: Range<usize>,
    first_tile: usize,
    band: Band<'_>,
) {
    let size = pass.geometry.shape.output();
    let mut intermediate = new_intermediate::<S, PATCH, TILE>(simd);
    for channel in channels.clone().step_by(S::F32_LANES) {
        let end = (channel + S::F32_LANES).min(channels.end);
        let epilogue = pass.epilogue.vectors(simd, channel..end);
        for x in 0..pass.geometry.tiles_per_row {
            let mut pixels = EpiloguePixels::<S> {
                epilogue,
                columns: (size.width - x * TILE).min(TILE),
                row: size.row_len(),
                channels: size.channels,
                first: x * TILE * size.channels + channel,
                count: end - channel,
                summand: band.summand,
                output: &mut *band.output,
            };
            let mut transformed = transformed.tile(first_tile + x, channel - channels.start);
            transform_2d::<S, OutputTransform, PATCH, TILE>(
                simd,
                &mut transformed,
                &mut pixels,
                &mut intermediate,
            );
        }
    }
}

/// Writes the pooled outputs of one tile row.
#[inline(always)]
fn write_pooled<S: Simd>(
    simd: S,
    pass: &ForwardPass<'_>,
    transformed: &TransformedTiles<'_>,
    channels: Range<usize>,
    first_tile: usize,
    output: &mut [f32],
    mut argmax: Option<&mut [f32]>,
) {
    let size = pass.geometry.shape.output();
    let pooled = size.pooled();
    let rows = output.len() / pooled.row_len();
    let mut intermediate = new_intermediate::<S, PATCH, TILE>(simd);
    let mut values = new_intermediate::<S, TILE, TILE>(simd);
    for start in channels.clone().step_by(S::F32_LANES) {
        let end = (start + S::F32_LANES).min(channels.end);
        let epilogue = pass.epilogue.vectors(simd, start..end);
        for tile_x in 0..pass.geometry.tiles_per_row {
            let mut tile = EpilogueTile::<S> {
                epilogue,
                values: &mut values,
            };
            let mut transformed = transformed.tile(first_tile + tile_x, start - channels.start);
            transform_2d::<S, OutputTransform, PATCH, TILE>(
                simd,
                &mut transformed,
                &mut tile,
                &mut intermediate,
            );
            for y in 0..rows.min(TILE / 2) {
                for x in 0..(pooled.width - tile_x * TILE / 2).min(TILE / 2) {
                    let [top, bottom] = [values.0[2 * y], values.0[2 * y + 1]];
                    let window = [top[2 * x], top[2 * x + 1], bottom[2 * x], bottom[2 * x + 1]];
                    let (best, best_index) = window_argmax(simd, window);
                    let pixel = y * pooled.row_len() + (tile_x * TILE / 2 + x) * size.channels;
                    store(simd, &mut output[pixel + start..pixel + end], best);
                    if let Some(argmax) = &mut argmax {
                        store(simd, &mut argmax[pixel + start..pixel + end], best_index);
                    }
                }
            }
        }
    }
}

/// Writer that applies the epilogue and keeps the tile in memory.
struct EpilogueTile<'a, S: Simd> {
    epilogue: EpilogueVectors<S::f32s, 1>,
    values: &'a mut Intermediate<S, TILE, TILE>,
}

impl<S: Simd> WriteTile<S> for EpilogueTile<'_, S> {
    #[inline(always)]
    fn write(&mut self, simd: S, i: usize, j: usize, sum: S::f32s) {
        self.values.0[i][j] = self.epilogue.apply(simd, sum);
    }
}

/// Writer that applies the epilogue and stores the pixels that lie inside the image.
struct EpiloguePixels<'a, S: Simd> {
    epilogue: EpilogueVectors<S::f32s, 1>,
    columns: usize,
    row: usize,
    channels: usize,
    first: usize,
    count: usize,
    summand: Option<&'a [f32]>,
    output: &'a mut [f32],
}

impl<S: Simd> WriteTile<S> for EpiloguePixels<'_, S> {
    #[inline(always)]
    fn write(&mut self, simd: S, i: usize, j: usize, sum: S::f32s) {
        let start = i * self.row + j * self.channels + self.first;
        if j >= self.columns || i * self.row >= self.output.len() {
            return;
        }
        let pixel = start..start + self.count;
        let sum = match self.summand {
            Some(summand) => simd.add_f32s(sum, load(simd, &summand[pixel.clone()])),
            None => sum,
        };
        let sum = self.epilogue.apply(simd, sum);
        store(simd, &mut self.output[pixel], sum);
    }
}
