//! Gradient of the weight.

use pulp::{Simd, WithSimd};

use crate::buffer::Workspace;
use crate::channels::add_to_tile;
use crate::dense::{DEPTH_BLOCK, DenseShape, GRADIENT_ROWS};
use crate::instruction_set::InstructionSet;
use crate::microkernel::{
    LhsColumns, MicroKernel, accumulate, for_each_tile, store_tile, zero_tile,
};
use crate::panels::Panels;
use crate::parallel::{RowsMut, parallel_for};

/// Computes `gradient[i, o] = sum over b of input[b, i] * output_gradient[b, o]`, parallel over the
/// rows.
pub(super) fn write_weight_gradient(
    shape: &DenseShape,
    instructions: InstructionSet,
    input: &[f32],
    output_gradient: &[f32],
    gradient: &mut [f32],
    workspace: &mut Workspace,
) {
    let panels = Panels::new(shape.outputs, instructions.lanes());
    let Workspace { threads, shared } = workspace;
    let packed = &mut shared[..shape.batch * panels.padded_columns()];
    panels.pack_all(output_gradient, packed);
    let packed = &*packed;
    let parts = RowsMut::new(gradient, shape.outputs);
    parallel_for(0..shape.inputs, GRADIENT_ROWS, parts, &|rows, gradient| {
        threads.with(|scratch| {
            instructions.run(GradientRows {
                shape,
                panels,
                input,
                packed,
                rows,
                gradient: gradient.values,
                columns: &mut scratch[..DEPTH_BLOCK * GRADIENT_ROWS],
            });
        });
    });
}

struct GradientRows<'a> {
    shape: &'a DenseShape,
    panels: Panels,
    input: &'a [f32],
    /// Output gradient, `[panel][b][width]`.
    packed: &'a [f32],
    rows: std::ops::Range<usize>,
    gradient: &'a mut [f32],
    /// Scratch space for this task's columns of the input.
    columns: &'a mut [f32],
}

impl WithSimd for GradientRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (batch, panels, rows) = (self.shape.batch, self.panels, self.rows.len());
        if batch == 0 {
            self.gradient.fill(0.0);
        }
        for start in (0..batch).step_by(DEPTH_BLOCK) {
            let steps = (batch - start).min(DEPTH_BLOCK);
            let images = self.input[start * self.shape.inputs..].chunks_exact(self.shape.inputs);
            for (columns, image) in self.columns.chunks_exact_mut(rows).zip(images).take(steps) {
                columns.copy_from_slice(&image[self.rows.clone()]);
            }
            for panel in 0..panels.count {
                let first = panel * panels.width;
                let mut tile = WeightGradientTile {
                    columns: &*self.columns,
                    rows,
                    steps,
                    packed: &self.packed[(panel * batch + start) * panels.width..],
                    range: first..first + panels.columns_of(panel),
                    outputs: self.shape.outputs,
                    accumulate: start > 0,
                    gradient: &mut *self.gradient,
                };
                for_each_tile(simd, panels.width, rows, &mut tile);
            }
        }
    }
}

struct WeightGradientTile<'a> {
    /// Columns of the input, `[b][row]`.
    columns: &'a [f32],
    rows: usize,
    steps: usize,
    packed: &'a [f32],
    range: std::ops::Range<usize>,
    outputs: usize,
    accumulate: bool,
    gradient: &'a mut [f32],
}

impl<S: Simd> MicroKernel<S> for WeightGradientTile<'_> {
    #[inline(always)]
    fn tile<const ROWS: usize, const VECTORS: usize>(&mut self, simd: S, first: usize) {
        let width = VECTORS * S::F32_LANES;
        let mut tile = zero_tile::<S, ROWS, VECTORS>(simd);
        let columns = LhsColumns {
            values: &self.columns[first..],
            stride: self.rows,
        };
        accumulate(simd, &mut tile, columns, self.steps, self.packed, width);
        let (columns, start) = (self.range.len(), first * self.outputs + self.range.start);
        let gradient = &mut self.gradient[start..];
        if self.accumulate {
            add_to_tile(simd, &mut tile, gradient, self.outputs, columns);
        }
        store_tile(simd, &tile, gradient, self.outputs, columns);
    }
}
