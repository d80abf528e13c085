//! Sums over the rows of `[rows, channels]`, gathered while the rows are in the cache; and vectors
//! of channels, whole or in part.

use pulp::Simd;

use crate::tile::mul_add;

/// For each channel the sum of the gradients, then for each the sum of gradients times the
/// distance of the value from the mean.
#[inline(always)]
pub(crate) fn write_gradient_sums<S: Simd>(
    simd: S,
    mean: &[f32],
    gradients: &[f32],
    values: &[f32],
    sums: &mut [f32],
) {
    let channels = mean.len();
    let (plain, products) = sums.split_at_mut(channels);
    let outputs = plain
        .chunks_mut(S::F32_LANES)
        .zip(products.chunks_mut(S::F32_LANES));
    for (block, (plain, products)) in outputs.enumerate() {
        let range = block * S::F32_LANES..block * S::F32_LANES + plain.len();
        let mean = simd.partial_load_f32s(&mean[range.clone()]);
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
        simd.partial_store_f32s(plain, sum);
        simd.partial_store_f32s(products, product);
    }
}

/// Writes a vector, or as much of one as there is room for.
#[inline(always)]
pub(crate) fn store<S: Simd>(simd: S, values: &mut [f32], vector: S::f32s) {
    match S::as_mut_simd_f32s(values).0 {
        [value] => *value = vector,
        _ => simd.partial_store_f32s(values, vector),
    }
}

/// A vector, or as much of one as there is.
#[inline(always)]
pub(crate) fn load<S: Simd>(simd: S, values: &[f32]) -> S::f32s {
    match S::as_simd_f32s(values).0 {
        [vector] => *vector,
        _ => simd.partial_load_f32s(values),
    }
}
