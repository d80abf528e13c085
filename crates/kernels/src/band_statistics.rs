//! Statistics of a convolution's output for the batch norm that follows, computed band by band while
//! the output is in the cache.

use std::ops::Range;

use pulp::Simd;

use crate::channels::{load, store};
use crate::microkernel::mul_add;
use crate::operand::ImageSize;
use crate::parallel::check_len;

/// Output rows per band.
pub(crate) const BAND: usize = 4;

/// Channels that [`combine_statistics`] sums side by side.
const LANES: usize = 16;

/// Length of the statistics of `batch` images: the mean and the sum of squared deviations of each
/// channel and band, `[band, 2, channels]`.
pub(crate) fn statistics_len(batch: usize, size: &ImageSize) -> usize {
    batch * size.height.div_ceil(BAND) * 2 * size.channels
}

/// Writes the statistics of some channels of one band, `[pixels, channel_count]`, to `statistics`, `[2,
/// channel_count]`.
///
/// The sums are those of the distances from the band's first pixel, which is close to the mean compared
/// with the standard deviation, so that their difference cancels few digits.
#[inline(always)]
pub(crate) fn write_band_statistics<S: Simd>(
    simd: S,
    channel_count: usize,
    channels: Range<usize>,
    band: &[f32],
    statistics: &mut [f32],
) {
    let (means, squares) = statistics.split_at_mut(channel_count);
    let inverse = simd.splat_f32s(1.0 / (band.len() / channel_count) as f32);
    let zero = simd.splat_f32s(0.0);
    for start in channels.clone().step_by(S::F32_LANES) {
        let range = start..(start + S::F32_LANES).min(channels.end);
        let origin = load(simd, &band[range.clone()]);
        // Two accumulators each, to hide the latency of the additions.
        let (mut sums, mut products) = ([zero; 2], [zero; 2]);
        for pair in band.chunks(2 * channel_count) {
            for (index, pixel) in pair.chunks_exact(channel_count).enumerate() {
                let distance = simd.sub_f32s(load(simd, &pixel[range.clone()]), origin);
                sums[index] = simd.add_f32s(sums[index], distance);
                products[index] = mul_add(simd, distance, distance, products[index]);
            }
        }
        let sum = simd.add_f32s(sums[0], sums[1]);
        let product = simd.add_f32s(products[0], products[1]);
        let mean = simd.mul_f32s(sum, inverse);
        let square = simd.sub_f32s(product, simd.mul_f32s(sum, mean));
        store(simd, &mut means[range.clone()], simd.add_f32s(origin, mean));
        store(simd, &mut squares[range], square);
    }
}

/// Combines the statistics of all bands to the mean and the biased variance of each channel, in f64 and
/// in order (Chan, Golub and LeVeque, 1983).
#[track_caller]
pub(crate) fn combine_statistics(
    batch: usize,
    size: &ImageSize,
    statistics: &[f32],
    mean: &mut [f32],
    variance: &mut [f32],
) {
    let channels = size.channels;
    check_len(
        "convolution statistics",
        statistics.len(),
        statistics_len(batch, size),
    );
    check_len("mean", mean.len(), channels);
    check_len("variance", variance.len(), channels);
    let bands_per_image = size.height.div_ceil(BAND);
    let pixels = |band: usize| {
        let first = band % bands_per_image * BAND;
        ((size.height - first).min(BAND) * size.width) as f64
    };
    let total = (batch * size.height * size.width) as f64;
    let bands = || statistics.chunks_exact(2 * channels).enumerate();
    for start in (0..channels).step_by(LANES) {
        let count = (channels - start).min(LANES);
        let mut sums = [0.0; LANES];
        for (band, values) in bands() {
            for (sum, &value) in sums.iter_mut().zip(&values[start..][..count]) {
                *sum += pixels(band) * f64::from(value);
            }
        }
        let averages = sums.map(|sum| sum / total);
        let mut squares = [0.0; LANES];
        for (band, values) in bands() {
            let (means, deviations) = values.split_at(channels);
            let values = means[start..][..count].iter().zip(&deviations[start..]);
            for ((square, average), (&mean, &deviation)) in
                squares.iter_mut().zip(averages).zip(values)
            {
                let distance = f64::from(mean) - average;
                *square += f64::from(deviation) + pixels(band) * distance * distance;
            }
        }
        for c in 0..count {
            mean[start + c] = averages[c] as f32;
            // Rounding may make the sum of equal values slightly negative.
            variance[start + c] = (squares[c] / total).max(0.0) as f32;
        }
    }
}
