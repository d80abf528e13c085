//! Sums over the rows of `[rows, channels]`, gathered while the rows are in the cache.

use pulp::Simd;

use crate::tile::mul_add;

/// Numbers that [`write_moments`] leaves: the count of rows, then each channel's mean, then each
/// channel's sum of squared distances from it.
pub(crate) fn moments_len(channels: usize) -> usize {
    1 + 2 * channels
}

/// The mean and the sum of squared distances of each channel. Two passes: a sum of squares alone
/// would lose a small variance beside a large mean.
#[inline(always)]
pub(crate) fn write_moments<S: Simd>(
    simd: S,
    channels: usize,
    values: &[f32],
    moments: &mut [f32],
) {
    let rows = (values.len() / channels) as f32;
    moments[0] = rows;
    let (means, squares) = moments[1..].split_at_mut(channels);
    let share = simd.splat_f32s(1.0 / rows);
    let outputs = means
        .chunks_mut(S::F32_LANES)
        .zip(squares.chunks_mut(S::F32_LANES));
    for (block, (means, squares)) in outputs.enumerate() {
        let first = block * S::F32_LANES;
        let range = first..first + means.len();
        let mut sum = simd.splat_f32s(0.0);
        for row in values.chunks_exact(channels) {
            sum = simd.add_f32s(sum, load(simd, &row[range.clone()]));
        }
        let mean = simd.mul_f32s(sum, share);
        simd.partial_store_f32s(means, mean);
        let mut sum = simd.splat_f32s(0.0);
        for row in values.chunks_exact(channels) {
            let distance = simd.sub_f32s(load(simd, &row[range.clone()]), mean);
            sum = mul_add(simd, distance, distance, sum);
        }
        simd.partial_store_f32s(squares, sum);
    }
}

/// The mean and the biased variance of each channel from the moments of pieces, one after the
/// other (T. Chan, G. Golub, R. LeVeque, "Updating formulae and a pairwise algorithm for computing
/// sample variances", 1979).
pub(crate) fn combine_moments(pieces: &[f32], mean: &mut [f32], variance: &mut [f32]) {
    let channels = mean.len();
    for channel in 0..channels {
        let (mut rows, mut average, mut squares) = (0.0_f64, 0.0, 0.0);
        for piece in pieces.chunks_exact(moments_len(channels)) {
            let more = f64::from(piece[0]);
            let distance = f64::from(piece[1 + channel]) - average;
            let total = rows + more;
            average += distance * more / total;
            squares += f64::from(piece[1 + channels + channel])
                + distance * distance * rows * more / total;
            rows = total;
        }
        mean[channel] = average as f32;
        variance[channel] = (squares / rows) as f32;
    }
}

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
