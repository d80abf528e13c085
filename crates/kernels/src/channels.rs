//! Reductions over the rows of `[rows, channels]`, and loads and stores of vectors of channels that
//! may be partial.

use pulp::Simd;

use crate::microkernel::{Tile, mul_add};

/// Writes to `sums`, `[2, channels]`, the sum of the gradients and the sum of `gradient * (value -
/// mean)` of each channel.
#[inline(always)]
pub(crate) fn write_gradient_sums<S: Simd>(
    simd: S,
    mean: &[f32],
    gradients: &[f32],
    values: &[f32],
    sums: &mut [f32],
) {
    sums.fill(0.0);
    add_gradient_sums(simd, mean, gradients, values, sums);
}

/// Adds to `sums`, `[2, channels]`, the sum of the gradients and the sum of `gradient * (value - mean)`
/// of each channel.
#[inline(always)]
pub(crate) fn add_gradient_sums<S: Simd>(
    simd: S,
    mean: &[f32],
    gradients: &[f32],
    values: &[f32],
    sums: &mut [f32],
) {
    let channels = mean.len();
    let (plain, products) = sums.split_at_mut(channels);
    for start in (0..channels).step_by(S::F32_LANES) {
        let range = start..(start + S::F32_LANES).min(channels);
        let mean = load(simd, &mean[range.clone()]);
        let zero = simd.splat_f32s(0.0);
        let (mut sum, mut product) = (zero, zero);
        for (gradients, values) in gradients
            .chunks_exact(channels)
            .zip(values.chunks_exact(channels))
        {
            let gradient = load(simd, &gradients[range.clone()]);
            let distance = simd.sub_f32s(load(simd, &values[range.clone()]), mean);
            sum = simd.add_f32s(sum, gradient);
            product = mul_add(simd, gradient, distance, product);
        }
        let (plain, products) = (&mut plain[range.clone()], &mut products[range]);
        let sum = simd.add_f32s(load(simd, plain), sum);
        store(simd, plain, sum);
        let product = simd.add_f32s(load(simd, products), product);
        store(simd, products, product);
    }
}

/// Stores a vector, or its first lanes if `values` is shorter.
#[inline(always)]
pub(crate) fn store<S: Simd>(simd: S, values: &mut [f32], vector: S::f32s) {
    match S::as_mut_simd_f32s(values).0 {
        [value] => *value = vector,
        _ => simd.partial_store_f32s(values, vector),
    }
}

/// Loads a vector, padded with zeros if `values` is shorter.
#[inline(always)]
pub(crate) fn load<S: Simd>(simd: S, values: &[f32]) -> S::f32s {
    match S::as_simd_f32s(values).0 {
        [vector] => *vector,
        _ => simd.partial_load_f32s(values),
    }
}

/// Adds the first `columns` columns of rows that lie `stride` apart to a tile.
#[inline(always)]
pub(crate) fn add_to_tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    tile: &mut Tile<S, ROWS, VECTORS>,
    values: &[f32],
    stride: usize,
    columns: usize,
) {
    for i in 0..ROWS {
        let row = values[i * stride..][..columns].chunks(S::F32_LANES);
        for (sum, values) in tile[i].iter_mut().zip(row) {
            *sum = simd.add_f32s(load(simd, values), *sum);
        }
    }
}
