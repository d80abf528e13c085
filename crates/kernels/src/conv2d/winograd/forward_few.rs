//! Forwards for few tiles with a large kernel, as of a single image: each part of the kernel is read
//! by one task alone.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::conv2d::finish::OutputBands;
use crate::conv2d::winograd::blocks::{Points, transform_inputs};
use crate::conv2d::winograd::forward_pass::Pass;
use crate::conv2d::winograd::geometry::Geometry;
use crate::conv2d::winograd::transforms::POINTS;
use crate::parallel::{RowsMut, for_each_piece};

/// Up to so many tiles are few.
const FEW: usize = 32;

/// A kernel of more numbers is not read by each task.
const LARGE_KERNEL: usize = 400 * 1024;

/// Tasks that the tile rows, and the products, are dealt into.
const TASKS: usize = 8;

pub(super) fn are_few(geometry: &Geometry) -> bool {
    geometry.kernel_len() > LARGE_KERNEL && geometry.tile_rows() * geometry.across <= FEW
}

/// Numbers of all points of the largest batch whose tiles are few.
pub(super) fn few_len(geometry: &Geometry) -> usize {
    if geometry.kernel_len() <= LARGE_KERNEL {
        return 0;
    }
    let rows = geometry.tile_rows().min(FEW / geometry.across);
    let (inputs, outputs) = lens(geometry, rows);
    inputs + outputs
}

/// Numbers of so many tile rows' points, of inputs and of outputs.
fn lens(geometry: &Geometry, rows: usize) -> (usize, usize) {
    let outputs = Geometry::point_len(&geometry.outputs.panel(0), rows * geometry.across);
    (
        rows * Geometry::block_len(&geometry.inputs, geometry.across),
        geometry.outputs.count * POINTS * outputs,
    )
}

impl Pass<'_> {
    /// All tile rows to points, each product for all of them, all points to outputs.
    pub(super) fn few(&self, pieces: OutputBands<'_>, shared: &mut [f32]) {
        let geometry = self.geometry;
        let instructions = self.conv.instructions;
        let rows = geometry.tile_rows();
        let (inputs_len, outputs_len) = lens(geometry, rows);
        let (inputs, shared) = shared.split_at_mut(inputs_len);
        let products = &mut shared[..outputs_len];
        let grain = rows.div_ceil(TASKS);
        let blocks = RowsMut::new(&mut *inputs, inputs_len / rows);
        for_each_piece(0..rows, grain, blocks, &|rows, points| {
            instructions.run(RowInputs {
                pass: self,
                rows,
                points: points.values,
            });
        });
        let inputs = &*inputs;
        let units = geometry.outputs.count * POINTS;
        let outputs = RowsMut::new(&mut *products, outputs_len / units);
        for_each_piece(
            0..units,
            units.div_ceil(TASKS),
            outputs,
            &|units, output| {
                instructions.run(Products {
                    pass: self,
                    units,
                    inputs,
                    output: output.values,
                });
            },
        );
        let products = &*products;
        for_each_piece(0..rows, grain, pieces, &|rows, pieces| {
            instructions.run(RowOutputs {
                pass: self,
                rows,
                products,
                pieces,
            });
        });
    }
}

/// Some tile rows to points, each row by itself.
struct RowInputs<'a> {
    pass: &'a Pass<'a>,
    rows: Range<usize>,
    points: &'a mut [f32],
}

impl WithSimd for RowInputs<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (geometry, input) = (self.pass.geometry, self.pass.input);
        let blocks = self
            .points
            .chunks_exact_mut(self.points.len() / self.rows.len());
        for (row, points) in self.rows.zip(blocks) {
            transform_inputs(simd, geometry, input, row..row + 1, points);
        }
    }
}

/// Some of the products: 36 for each panel.
struct Products<'a> {
    pass: &'a Pass<'a>,
    units: Range<usize>,
    /// A block for each tile row.
    inputs: &'a [f32],
    /// `[unit][tile][width]`.
    output: &'a mut [f32],
}

impl WithSimd for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let geometry = self.pass.geometry;
        let tiles = geometry.across;
        let row_len = tiles * geometry.outputs.width;
        let left_len = Geometry::point_len(&geometry.inputs, tiles);
        let outputs = self
            .output
            .chunks_exact_mut(self.output.len() / self.units.len());
        for (unit, output) in self.units.zip(outputs) {
            let (panel, point) = (unit / POINTS, unit % POINTS);
            let blocks = self.inputs.chunks_exact(POINTS * left_len);
            for (block, output) in blocks.zip(output.chunks_exact_mut(row_len)) {
                self.pass
                    .product(panel, point, tiles, &block[point * left_len..])
                    .run(simd, output);
            }
        }
    }
}

/// Some tile rows' points to outputs.
struct RowOutputs<'a> {
    pass: &'a Pass<'a>,
    rows: Range<usize>,
    /// `[panel][point][tile][width]`.
    products: &'a [f32],
    pieces: OutputBands<'a>,
}

impl WithSimd for RowOutputs<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let outputs = &self.pass.geometry.outputs;
        let first = self.rows.start * self.pass.geometry.across;
        let panel_len = self.products.len() / outputs.count;
        for (panel, products) in self.products.chunks_exact(panel_len).enumerate() {
            let points = Points {
                values: &products[first * outputs.width..],
                panels: outputs.panel(panel),
                tiles: self.rows.len() * self.pass.geometry.across,
                stride: panel_len / POINTS,
            };
            let rows = self.rows.clone();
            self.pass
                .write_outputs(simd, rows, panel, &points, &mut self.pieces);
        }
    }
}
