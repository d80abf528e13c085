//! Forward pass for few tiles and a large weight, such as a single image: each part of the weight
//! is read by one task only.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::conv2d::epilogue::OutputBands;
use crate::conv2d::winograd::forward_pass::ForwardPass;
use crate::conv2d::winograd::geometry::Geometry;
use crate::conv2d::winograd::input_transform::transform_inputs;
use crate::conv2d::winograd::tiles::TransformedTiles;
use crate::conv2d::winograd::transforms::POINTS;
use crate::parallel::{RowsMut, parallel_for};

/// Maximum number of tiles of a small batch.
const SMALL_BATCH_TILES: usize = 32;

/// Transformed weights above this length are too large for each task to read.
const LARGE_WEIGHT: usize = 400 * 1024;

/// Number of tasks of each step.
const TASKS: usize = 8;

pub(super) fn is_small_batch(geometry: &Geometry) -> bool {
    geometry.packed_weight_len() > LARGE_WEIGHT
        && geometry.tile_rows() * geometry.tiles_per_row <= SMALL_BATCH_TILES
}

/// Length of all transformed tiles of the largest small batch.
pub(super) fn small_batch_len(geometry: &Geometry) -> usize {
    if geometry.packed_weight_len() <= LARGE_WEIGHT {
        return 0;
    }
    let rows = geometry
        .tile_rows()
        .min(SMALL_BATCH_TILES / geometry.tiles_per_row);
    let (inputs, outputs) = transformed_lens(geometry, rows);
    inputs + outputs
}

/// Lengths of the transformed inputs and of the products of `rows` tile rows.
fn transformed_lens(geometry: &Geometry, rows: usize) -> (usize, usize) {
    let outputs = Geometry::point_stride(&geometry.outputs.panel(0), rows * geometry.tiles_per_row);
    (
        rows * Geometry::block_len(&geometry.inputs, geometry.tiles_per_row),
        geometry.outputs.count * POINTS * outputs,
    )
}

impl ForwardPass<'_> {
    /// Runs input transform, products and output transform one after the other, each in parallel.
    pub(super) fn forward_small_batch(&self, parts: OutputBands<'_>, shared: &mut [f32]) {
        let geometry = self.geometry;
        let instructions = self.conv.instructions;
        let rows = geometry.tile_rows();
        let (inputs_len, outputs_len) = transformed_lens(geometry, rows);
        let (inputs, shared) = shared.split_at_mut(inputs_len);
        let products = &mut shared[..outputs_len];
        let grain = rows.div_ceil(TASKS);
        let blocks = RowsMut::new(&mut *inputs, inputs_len / rows);
        parallel_for(0..rows, grain, blocks, &|rows, transformed| {
            instructions.run(TransformRows {
                pass: self,
                rows,
                transformed: transformed.values,
            });
        });
        let inputs = &*inputs;
        let units = geometry.outputs.count * POINTS;
        let outputs = RowsMut::new(&mut *products, outputs_len / units);
        parallel_for(
            0..units,
            units.div_ceil(TASKS),
            outputs,
            &|units, output| {
                instructions.run(Gemms {
                    pass: self,
                    units,
                    inputs,
                    output: output.values,
                });
            },
        );
        let products = &*products;
        parallel_for(0..rows, grain, parts, &|rows, parts| {
            instructions.run(WriteRows {
                pass: self,
                rows,
                products,
                parts,
            });
        });
    }
}

/// Input transform of some tile rows, each a block of its own.
struct TransformRows<'a> {
    pass: &'a ForwardPass<'a>,
    rows: Range<usize>,
    transformed: &'a mut [f32],
}

impl WithSimd for TransformRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (geometry, input) = (self.pass.geometry, self.pass.input);
        let blocks = self
            .transformed
            .chunks_exact_mut(self.transformed.len() / self.rows.len());
        for (row, transformed) in self.rows.zip(blocks) {
            transform_inputs(simd, geometry, input, row..row + 1, transformed);
        }
    }
}

/// Range of the products. Each panel has 36.
struct Gemms<'a> {
    pass: &'a ForwardPass<'a>,
    units: Range<usize>,
    /// One block per tile row.
    inputs: &'a [f32],
    /// `[unit][tile][width]`.
    output: &'a mut [f32],
}

impl WithSimd for Gemms<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let geometry = self.pass.geometry;
        let tiles = geometry.tiles_per_row;
        let row_len = tiles * geometry.outputs.width;
        let point_stride = Geometry::point_stride(&geometry.inputs, tiles);
        let outputs = self
            .output
            .chunks_exact_mut(self.output.len() / self.units.len());
        for (unit, output) in self.units.zip(outputs) {
            let (panel, point) = (unit / POINTS, unit % POINTS);
            let blocks = self.inputs.chunks_exact(POINTS * point_stride);
            for (block, output) in blocks.zip(output.chunks_exact_mut(row_len)) {
                self.pass
                    .gemm(panel, point, tiles, &block[point * point_stride..])
                    .run(simd, output);
            }
        }
    }
}

/// Output transform of some tile rows.
struct WriteRows<'a> {
    pass: &'a ForwardPass<'a>,
    rows: Range<usize>,
    /// `[panel][point][tile][width]`.
    products: &'a [f32],
    parts: OutputBands<'a>,
}

impl WithSimd for WriteRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let outputs = &self.pass.geometry.outputs;
        let first = self.rows.start * self.pass.geometry.tiles_per_row;
        let panel_len = self.products.len() / outputs.count;
        for (panel, products) in self.products.chunks_exact(panel_len).enumerate() {
            let transformed = TransformedTiles {
                values: &products[first * outputs.width..],
                panels: outputs.panel(panel),
                tiles: self.rows.len() * self.pass.geometry.tiles_per_row,
                stride: panel_len / POINTS,
            };
            let rows = self.rows.clone();
            self.pass
                .write_outputs(simd, rows, panel, &transformed, &mut self.parts);
        }
    }
}
