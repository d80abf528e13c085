//! Products, cut along the result's columns and, where these are few, along the sums.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::buffer::Workspace;
use crate::dense::right::Right;
use crate::dense::{DEPTH, WIDEST};
use crate::instructions::Instructions;
use crate::parallel::{RowsMut, for_each_piece};
use crate::tile::{
    Panels, Rows, Strips, accumulate, for_each_strip, load_tile, store_tile, zero_tile,
};

/// Columns that a task makes, at most: what it reads of each row lies together.
const GROUP_COLUMNS: usize = 256;

/// Tasks to be made, where there is so much to do.
const TASKS: usize = 16;

/// Steps of a sum that are worth a task.
const FEWEST_STEPS: usize = 4 * DEPTH;

/// `left x right`.
#[derive(Clone, Copy)]
pub(super) struct Product<'a> {
    pub(super) rows: usize,
    pub(super) depth: usize,
    /// `[rows, depth]`.
    pub(super) left: &'a [f32],
    pub(super) right: Right<'a>,
    /// Of the result.
    pub(super) panels: Panels,
}

/// How a product is dealt out: each task makes a group of columns, and of its sums one slice. The
/// shapes alone decide.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// Columns of a group: whole panels, whatever their width.
    columns: usize,
    groups: usize,
    /// Steps of a slice.
    steps: usize,
    slices: usize,
}

impl Cut {
    pub(super) fn new(columns: usize, depth: usize) -> Self {
        let groups = columns.div_ceil(GROUP_COLUMNS);
        let slices = TASKS.div_ceil(groups.max(1)).min(depth / FEWEST_STEPS);
        let steps = depth.div_ceil(slices.max(1));
        Self {
            columns: columns.next_multiple_of(WIDEST).min(GROUP_COLUMNS),
            groups,
            steps,
            slices: depth.div_ceil(steps.max(1)).max(1),
        }
    }

    /// Numbers of one slice of the sums.
    fn slice_len(&self, rows: usize) -> usize {
        self.groups * self.columns * rows
    }

    /// Numbers of all shares of the sums.
    pub(super) fn shares_len(&self, rows: usize) -> usize {
        self.slices * self.slice_len(rows)
    }
}

/// Writes the product to `output`, each row through `finish`.
pub(super) fn product(
    instructions: Instructions,
    product: Product<'_>,
    output: &mut [f32],
    finish: &(impl Fn(&mut [f32]) + Sync),
    workspace: &mut Workspace,
) {
    let Product {
        rows,
        depth,
        panels,
        ..
    } = product;
    if rows == 0 || panels.count == 0 {
        return;
    }
    let cut = Cut::new(panels.columns, depth);
    let group = cut.columns / panels.width;
    let (panel_len, slice_len) = (rows * panels.width, cut.slice_len(rows));
    let Workspace { threads, shared } = workspace;
    let shares = &mut shared[..cut.shares_len(rows)];
    let pieces = RowsMut::new(&mut *shares, cut.columns * rows);
    for_each_piece(0..cut.slices * cut.groups, 1, pieces, &|task, share| {
        let (slice, first) = (task.start / cut.groups, task.start % cut.groups * group);
        threads.with(|scratch| {
            instructions.run(ProductShare {
                product,
                panels: first..(first + group).min(panels.count),
                steps: slice * cut.steps..((slice + 1) * cut.steps).min(depth),
                share: share.values,
                packed: scratch,
            });
        });
    });
    let shares = &*shares;
    let pieces = RowsMut::new(output, panels.columns);
    for_each_piece(0..rows, 8, pieces, &|range, output| {
        for (row, output) in range.zip(output.values.chunks_exact_mut(panels.columns)) {
            for (panel, values) in output.chunks_mut(panels.width).enumerate() {
                let start = panel * panel_len + row * panels.width;
                values.copy_from_slice(&shares[start..][..values.len()]);
                for slice in 1..cut.slices {
                    let share = &shares[slice * slice_len + start..];
                    for (sum, value) in values.iter_mut().zip(share) {
                        *sum += value;
                    }
                }
            }
            finish(output);
        }
    });
}

/// Some panels' share of one slice.
struct ProductShare<'a> {
    product: Product<'a>,
    panels: Range<usize>,
    steps: Range<usize>,
    /// `[panel][row][width]`.
    share: &'a mut [f32],
    packed: &'a mut [f32],
}

impl WithSimd for ProductShare<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Product {
            rows,
            depth,
            panels,
            ..
        } = self.product;
        if self.steps.is_empty() {
            self.share.fill(0.0);
        }
        for start in self.steps.clone().step_by(DEPTH) {
            let steps = start..(start + DEPTH).min(self.steps.end);
            let shares = self.share.chunks_exact_mut(rows * panels.width);
            for (panel, share) in self.panels.clone().zip(shares) {
                let (right, place) = (self.product.right, &mut *self.packed);
                let packed = right.panel(depth, &panels, panel, steps.clone(), place);
                let mut strips = ProductStrips {
                    left: &self.product.left[start..],
                    stride: depth,
                    steps: steps.len(),
                    packed,
                    result: share,
                    accumulate: start > self.steps.start,
                };
                for_each_strip(simd, panels.width, rows, &mut strips);
            }
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
        let mut tile = if self.accumulate {
            load_tile(simd, result)
        } else {
            zero_tile::<S, ROWS, VECTORS>(simd)
        };
        let start = first * self.stride;
        let rows = Rows::<ROWS>::new(self.left, start, self.stride, self.steps);
        accumulate(simd, &mut tile, rows, self.steps, self.packed, width);
        store_tile(simd, &tile, result, width, width);
    }
}
