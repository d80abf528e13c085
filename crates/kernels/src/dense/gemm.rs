//! Matrix products, parallel over the columns of the result and, if there are few columns, over the
//! depth (split-K).

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::buffer::Workspace;
use crate::dense::packed_b::Rhs;
use crate::dense::{DEPTH_BLOCK, MAX_PANEL_WIDTH};
use crate::instruction_set::InstructionSet;
use crate::microkernel::{
    LhsRows, MicroKernel, accumulate, for_each_tile, load_tile, store_tile, zero_tile,
};
use crate::panels::Panels;
use crate::parallel::{RowsMut, parallel_for};

/// Maximum number of columns per task.
const GROUP_COLUMNS: usize = 256;

/// Number of tasks to aim for.
const TASKS: usize = 16;

/// Minimum number of depth steps per task.
const MIN_STEPS: usize = 4 * DEPTH_BLOCK;

/// Matrix product `lhs x rhs`.
#[derive(Clone, Copy)]
pub(super) struct Gemm<'a> {
    pub(super) rows: usize,
    pub(super) depth: usize,
    /// Row-major, `[rows, depth]`.
    pub(super) lhs: &'a [f32],
    pub(super) rhs: Rhs<'a>,
    /// Panels of the result.
    pub(super) panels: Panels,
}

/// Division of a product into tasks: each task computes a group of columns for one slice of the
/// depth. It depends on the shapes alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocking {
    /// Columns per group: whole panels of any width.
    columns: usize,
    groups: usize,
    /// Depth steps per slice.
    steps: usize,
    slices: usize,
}

impl Blocking {
    pub(super) fn new(columns: usize, depth: usize) -> Self {
        let groups = columns.div_ceil(GROUP_COLUMNS);
        let slices = TASKS.div_ceil(groups.max(1)).min(depth / MIN_STEPS);
        let steps = depth.div_ceil(slices.max(1));
        Self {
            columns: columns.next_multiple_of(MAX_PANEL_WIDTH).min(GROUP_COLUMNS),
            groups,
            steps,
            slices: depth.div_ceil(steps.max(1)).max(1),
        }
    }

    /// Length of the partial sums of one slice.
    fn slice_len(&self, rows: usize) -> usize {
        self.groups * self.columns * rows
    }

    /// Length of the partial sums of all slices.
    pub(super) fn partials_len(&self, rows: usize) -> usize {
        self.slices * self.slice_len(rows)
    }
}

/// Writes the product to `output` and applies `epilogue` to each row.
pub(super) fn gemm(
    instructions: InstructionSet,
    gemm: Gemm<'_>,
    output: &mut [f32],
    epilogue: &(impl Fn(&mut [f32]) + Sync),
    workspace: &mut Workspace,
) {
    let Gemm {
        rows,
        depth,
        panels,
        ..
    } = gemm;
    if rows == 0 || panels.count == 0 {
        return;
    }
    let blocking = Blocking::new(panels.columns, depth);
    let group = blocking.columns / panels.width;
    let (panel_len, slice_len) = (rows * panels.width, blocking.slice_len(rows));
    let Workspace { threads, shared } = workspace;
    let partials = &mut shared[..blocking.partials_len(rows)];
    let parts = RowsMut::new(&mut *partials, blocking.columns * rows);
    parallel_for(
        0..blocking.slices * blocking.groups,
        1,
        parts,
        &|task, partial| {
            let (slice, first) = (
                task.start / blocking.groups,
                task.start % blocking.groups * group,
            );
            threads.with(|scratch| {
                instructions.run(GemmTask {
                    gemm,
                    panels: first..(first + group).min(panels.count),
                    steps: slice * blocking.steps..((slice + 1) * blocking.steps).min(depth),
                    partial: partial.values,
                    packed: scratch,
                });
            });
        },
    );
    let partials = &*partials;
    let parts = RowsMut::new(output, panels.columns);
    parallel_for(0..rows, 8, parts, &|range, output| {
        for (row, output) in range.zip(output.values.chunks_exact_mut(panels.columns)) {
            for (panel, values) in output.chunks_mut(panels.width).enumerate() {
                let start = panel * panel_len + row * panels.width;
                values.copy_from_slice(&partials[start..][..values.len()]);
                for slice in 1..blocking.slices {
                    let partial = &partials[slice * slice_len + start..];
                    for (sum, value) in values.iter_mut().zip(partial) {
                        *sum += value;
                    }
                }
            }
            epilogue(output);
        }
    });
}

/// Partial sums of some panels over one slice of the depth.
struct GemmTask<'a> {
    gemm: Gemm<'a>,
    panels: Range<usize>,
    steps: Range<usize>,
    /// `[panel][row][width]`.
    partial: &'a mut [f32],
    packed: &'a mut [f32],
}

impl WithSimd for GemmTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Gemm {
            rows,
            depth,
            panels,
            ..
        } = self.gemm;
        if self.steps.is_empty() {
            self.partial.fill(0.0);
        }
        for start in self.steps.clone().step_by(DEPTH_BLOCK) {
            let steps = start..(start + DEPTH_BLOCK).min(self.steps.end);
            let partials = self.partial.chunks_exact_mut(rows * panels.width);
            for (panel, partial) in self.panels.clone().zip(partials) {
                let (rhs, scratch) = (self.gemm.rhs, &mut *self.packed);
                let packed = rhs.panel(depth, &panels, panel, steps.clone(), scratch);
                let mut tile = GemmTile {
                    lhs: &self.gemm.lhs[start..],
                    stride: depth,
                    steps: steps.len(),
                    packed,
                    result: partial,
                    accumulate: start > self.steps.start,
                };
                for_each_tile(simd, panels.width, rows, &mut tile);
            }
        }
    }
}

struct GemmTile<'a> {
    lhs: &'a [f32],
    stride: usize,
    steps: usize,
    packed: &'a [f32],
    result: &'a mut [f32],
    accumulate: bool,
}

impl<S: Simd> MicroKernel<S> for GemmTile<'_> {
    #[inline(always)]
    fn tile<const ROWS: usize, const VECTORS: usize>(&mut self, simd: S, first: usize) {
        let width = VECTORS * S::F32_LANES;
        let result = &mut self.result[first * width..][..ROWS * width];
        let mut tile = if self.accumulate {
            load_tile(simd, result)
        } else {
            zero_tile::<S, ROWS, VECTORS>(simd)
        };
        let start = first * self.stride;
        let rows = LhsRows::<ROWS>::new(self.lhs, start, self.stride, self.steps);
        accumulate(simd, &mut tile, rows, self.steps, self.packed, width);
        store_tile(simd, &tile, result, width, width);
    }
}
