//! Products of which a task makes a panel of the result's columns.

use pulp::{Simd, WithSimd};

use crate::buffer::Workspace;
use crate::dense::DEPTH;
use crate::instructions::Instructions;
use crate::parallel::{RowsMut, for_each_piece};
use crate::tile::{
    Panels, Rows, Strips, accumulate, for_each_strip, store_row, vectors, zero_tile,
};

/// `left x right`, or `left x right^T`: a task makes a panel of the result's columns.
#[derive(Clone, Copy)]
pub(super) struct Product<'a> {
    pub(super) rows: usize,
    pub(super) depth: usize,
    /// `[rows, depth]`.
    pub(super) left: &'a [f32],
    /// `[depth, columns]`, or `[columns, depth]` where `transposed`.
    pub(super) right: &'a [f32],
    pub(super) transposed: bool,
    /// Of the result.
    pub(super) panels: Panels,
}

/// Writes the product to `output`, each row through `finish`.
pub(super) fn product(
    instructions: Instructions,
    product: Product<'_>,
    output: &mut [f32],
    finish: &(impl Fn(&mut [f32]) + Sync),
    workspace: &mut Workspace,
) {
    let Product { rows, panels, .. } = product;
    let Workspace { threads, shared } = workspace;
    if rows == 0 {
        return;
    }
    let panel_len = rows * panels.width;
    let results = &mut shared[..panels.count * panel_len];
    let pieces = RowsMut::new(&mut *results, panel_len);
    for_each_piece(0..panels.count, 1, pieces, &|panel, result| {
        threads.with(|scratch| {
            instructions.run(ProductPanel {
                product,
                panel: panel.start,
                result: result.values,
                packed: &mut scratch[..DEPTH * panels.width],
            });
        });
    });
    let results = &*results;
    let pieces = RowsMut::new(output, panels.columns);
    for_each_piece(0..rows, 8, pieces, &|range, output| {
        for (row, output) in range.zip(output.values.chunks_exact_mut(panels.columns)) {
            for (panel, values) in output.chunks_mut(panels.width).enumerate() {
                let result = &results[panel * panel_len + row * panels.width..];
                values.copy_from_slice(&result[..values.len()]);
            }
            finish(output);
        }
    });
}

struct ProductPanel<'a> {
    product: Product<'a>,
    panel: usize,
    result: &'a mut [f32],
    packed: &'a mut [f32],
}

impl ProductPanel<'_> {
    /// Packs the panel's columns of `right` for the steps `start..start + depth`.
    #[inline(always)]
    fn pack(&mut self, start: usize, depth: usize) {
        let Product {
            panels,
            right,
            transposed,
            depth: all,
            ..
        } = self.product;
        let (first, columns) = (self.panel * panels.width, panels.len_of(self.panel));
        let packed = &mut self.packed[..depth * panels.width];
        if columns < panels.width {
            packed.fill(0.0);
        }
        if transposed {
            // Eight rows at a time, so that what is written together lies together.
            const TOGETHER: usize = 8;
            for column in (0..columns).step_by(TOGETHER) {
                let count = (columns - column).min(TOGETHER);
                let mut rows: [&[f32]; TOGETHER] = [&[]; TOGETHER];
                for (k, row) in rows.iter_mut().enumerate() {
                    let index = first + column + k.min(count - 1);
                    *row = &right[index * all + start..][..depth];
                }
                for (step, packed) in packed.chunks_exact_mut(panels.width).enumerate() {
                    let packed = &mut packed[column..column + TOGETHER];
                    for (value, row) in packed.iter_mut().zip(&rows) {
                        *value = row[step];
                    }
                }
            }
        } else {
            let rows = right[start * panels.columns..].chunks_exact(panels.columns);
            for (packed, row) in packed.chunks_exact_mut(panels.width).zip(rows) {
                packed[..columns].copy_from_slice(&row[first..first + columns]);
            }
        }
    }
}

impl WithSimd for ProductPanel<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let Product { rows, depth, .. } = self.product;
        for start in (0..depth).step_by(DEPTH) {
            let steps = (depth - start).min(DEPTH);
            self.pack(start, steps);
            let mut strips = ProductStrips {
                left: &self.product.left[start..],
                stride: depth,
                steps,
                packed: self.packed,
                result: self.result,
                accumulate: start > 0,
            };
            for_each_strip(simd, self.product.panels.width, rows, &mut strips);
        }
        if depth == 0 {
            self.result.fill(0.0);
        }
    }
}

struct ProductStrips<'a> {
    left: &'a [f32],
    stride: usize,
    steps: usize,
    packed: &'a [f32],
    result: &'a mut [f32],
    accumulate: bool,
}

impl<S: Simd> Strips<S> for ProductStrips<'_> {
    #[inline(always)]
    fn strip<const ROWS: usize, const VECTORS: usize>(&mut self, simd: S, first: usize) {
        let width = VECTORS * S::F32_LANES;
        let result = &mut self.result[first * width..][..ROWS * width];
        let mut tile = zero_tile::<S, ROWS, VECTORS>(simd);
        if self.accumulate {
            for (row, values) in tile.iter_mut().zip(result.chunks_exact(width)) {
                *row = vectors::<S, VECTORS>(values);
            }
        }
        let start = first * self.stride;
        let rows = Rows::<ROWS>::new(self.left, start, self.stride, self.steps);
        accumulate(simd, &mut tile, rows, self.steps, self.packed, width);
        for (row, values) in tile.iter().zip(result.chunks_exact_mut(width)) {
            store_row(simd, row, values);
        }
    }
}
