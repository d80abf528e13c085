//! Forward pass for small batches.

use pulp::{Simd, WithSimd};

use crate::dense::{DenseShape, SMALL_BATCH_ROWS};
use crate::instruction_set::InstructionSet;
use crate::microkernel::mul_add;
use crate::parallel::{RowsMut, parallel_for};

/// Computes `input x weight` for a small batch. Each task reads a range of rows of the weight in
/// memory order; the tasks' partial sums are added in order.
pub(super) fn forward_small_batch(
    shape: &DenseShape,
    instructions: InstructionSet,
    input: &[f32],
    weight: &[f32],
    output: &mut [f32],
    shared: &mut [f32],
) {
    let partial_len = shape.batch * shape.outputs;
    let tasks = shape.inputs.div_ceil(SMALL_BATCH_ROWS);
    let partials = &mut shared[..tasks * partial_len];
    let parts = RowsMut::with_grain(SMALL_BATCH_ROWS, &mut *partials, partial_len);
    parallel_for(
        0..shape.inputs,
        SMALL_BATCH_ROWS,
        parts,
        &|rows, partial| {
            instructions.run(WeightRows {
                shape,
                input,
                weight,
                rows,
                partial: partial.values,
            });
        },
    );
    output.fill(0.0);
    for partial in partials.chunks_exact(partial_len) {
        for (sum, value) in output.iter_mut().zip(partial) {
            *sum += value;
        }
    }
}

struct WeightRows<'a> {
    shape: &'a DenseShape,
    input: &'a [f32],
    weight: &'a [f32],
    rows: std::ops::Range<usize>,
    partial: &'a mut [f32],
}

impl WithSimd for WeightRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        const UNROLL: usize = 4;
        let outputs = self.shape.outputs;
        self.partial.fill(0.0);
        for start in self.rows.clone().step_by(UNROLL) {
            let count = (self.rows.end - start).min(UNROLL);
            let mut rows: [&[f32]; UNROLL] = [&[]; UNROLL];
            for (k, row) in rows.iter_mut().enumerate() {
                // Rows beyond the end have the factor zero.
                *row = &self.weight[(start + k.min(count - 1)) * outputs..][..outputs];
            }
            let images = self.input.chunks_exact(self.shape.inputs);
            for (partial, image) in self.partial.chunks_exact_mut(outputs).zip(images) {
                let mut factors = [0.0; UNROLL];
                factors[..count].copy_from_slice(&image[start..start + count]);
                add_rows(simd, factors, rows, partial);
            }
        }
    }
}

/// `sums += factors[0] * rows[0] + ...`.
#[inline(always)]
fn add_rows<S: Simd, const N: usize>(
    simd: S,
    factors: [f32; N],
    rows: [&[f32]; N],
    sums: &mut [f32],
) {
    let mut splats = [simd.splat_f32s(0.0); N];
    for (splat, &factor) in splats.iter_mut().zip(&factors) {
        *splat = simd.splat_f32s(factor);
    }
    let whole = sums.len() / S::F32_LANES * S::F32_LANES;
    let (vectors, rest) = S::as_mut_simd_f32s(sums);
    for (index, sum) in vectors.iter_mut().enumerate() {
        let mut total = *sum;
        for k in 0..N {
            let row = &rows[k][index * S::F32_LANES..][..S::F32_LANES];
            total = mul_add(simd, splats[k], S::as_simd_f32s(row).0[0], total);
        }
        *sum = total;
    }
    for (index, sum) in rest.iter_mut().enumerate() {
        for k in 0..N {
            *sum += factors[k] * rows[k][whole + index];
        }
    }
}
