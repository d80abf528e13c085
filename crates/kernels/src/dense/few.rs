//! Forwards for few images.

use pulp::{Simd, WithSimd};

use crate::dense::{DenseShape, FEW_ROWS};
use crate::instructions::Instructions;
use crate::parallel::{RowsMut, for_each_piece};
use crate::tile::mul_add;

/// The product for few images: tasks take rows of the kernel, as they lie in memory, and their
/// shares are added in order.
pub(super) fn few_forward(
    shape: &DenseShape,
    instructions: Instructions,
    input: &[f32],
    weight: &[f32],
    output: &mut [f32],
    shared: &mut [f32],
) {
    let share_len = shape.batch * shape.outputs;
    let tasks = shape.inputs.div_ceil(FEW_ROWS);
    let shares = &mut shared[..tasks * share_len];
    let pieces = RowsMut::every(FEW_ROWS, &mut *shares, share_len);
    for_each_piece(0..shape.inputs, FEW_ROWS, pieces, &|rows, share| {
        instructions.run(FewRows {
            shape,
            input,
            weight,
            rows,
            share: share.values,
        });
    });
    output.fill(0.0);
    for share in shares.chunks_exact(share_len) {
        for (sum, value) in output.iter_mut().zip(share) {
            *sum += value;
        }
    }
}

struct FewRows<'a> {
    shape: &'a DenseShape,
    input: &'a [f32],
    weight: &'a [f32],
    rows: std::ops::Range<usize>,
    share: &'a mut [f32],
}

impl WithSimd for FewRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        const TOGETHER: usize = 4;
        let outputs = self.shape.outputs;
        self.share.fill(0.0);
        for start in self.rows.clone().step_by(TOGETHER) {
            let count = (self.rows.end - start).min(TOGETHER);
            let mut rows: [&[f32]; TOGETHER] = [&[]; TOGETHER];
            for (k, row) in rows.iter_mut().enumerate() {
                // What is beyond the end counts zero times.
                *row = &self.weight[(start + k.min(count - 1)) * outputs..][..outputs];
            }
            let images = self.input.chunks_exact(self.shape.inputs);
            for (share, image) in self.share.chunks_exact_mut(outputs).zip(images) {
                let mut factors = [0.0; TOGETHER];
                factors[..count].copy_from_slice(&image[start..start + count]);
                add_rows(simd, factors, rows, share);
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
