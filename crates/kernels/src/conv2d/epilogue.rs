//! Epilogue of a convolution: the operations on the accumulators before they are stored.

use std::ops::Range;

use pulp::Simd;

use crate::band_statistics::{BAND, write_band_statistics};
use crate::channels::{load, store};
use crate::conv2d::Conv2dOutput;
use crate::microkernel::mul_add;
use crate::operand::{Affine, ImageSize, relu};
use crate::parallel::{Partition, RowsMut, check_len};

/// Bias, sum with other values, ReLU and a per-channel affine map, applied in this order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Epilogue<'a> {
    /// Bias, one per output channel; empty without bias.
    pub bias: &'a [f32],
    /// Values that are added, as many as the output has: a residual connection. Cannot be combined with
    /// fused pooling, nor with a depthwise convolution.
    pub summand: Option<&'a [f32]>,
    /// ReLU after the bias and the sum.
    pub relu: bool,
    /// Batch norm with known statistics, as in inference.
    pub affine: Option<Affine<'a>>,
}

/// [`Epilogue`] for `N` vectors of channels.
#[derive(Clone, Copy)]
pub(crate) struct EpilogueVectors<V, const N: usize> {
    bias: [V; N],
    relu: bool,
    affine: Option<([V; N], [V; N])>,
}

impl Epilogue<'_> {
    /// Panics if the bias has neither one element per channel nor none, or if the summand is not as long as the
    /// output.
    #[track_caller]
    pub(crate) fn check(&self, channels: usize, output: usize) {
        if !self.bias.is_empty() {
            check_len("convolution bias", self.bias.len(), channels);
        }
        if let Some(summand) = self.summand {
            check_len("convolution summand", summand.len(), output);
        }
    }

    /// Part of the summand, if there is one.
    #[inline(always)]
    pub(crate) fn summand(&self, range: Range<usize>) -> Option<&[f32]> {
        self.summand.map(|summand| &summand[range])
    }

    /// Loads the parameters of `channels`, padded with zeros.
    #[inline(always)]
    pub(crate) fn vectors<S: Simd, const N: usize>(
        &self,
        simd: S,
        channels: Range<usize>,
    ) -> EpilogueVectors<S::f32s, N> {
        EpilogueVectors {
            bias: match self.bias {
                [] => [simd.splat_f32s(0.0); N],
                bias => load_all(simd, &bias[channels.clone()]),
            },
            relu: self.relu,
            affine: match &self.affine {
                Some(Affine { scale, shift }) => Some((
                    load_all(simd, &scale[channels.clone()]),
                    load_all(simd, &shift[channels]),
                )),
                None => None,
            },
        }
    }
}

#[inline(always)]
fn load_all<S: Simd, const N: usize>(simd: S, values: &[f32]) -> [S::f32s; N] {
    let mut vectors = [simd.splat_f32s(0.0); N];
    for (vector, values) in vectors.iter_mut().zip(values.chunks(S::F32_LANES)) {
        *vector = simd.partial_load_f32s(values);
    }
    vectors
}

impl<V: Copy> EpilogueVectors<V, 1> {
    /// Applies the epilogue to one vector of accumulators.
    #[inline(always)]
    pub(crate) fn apply<S: Simd<f32s = V>>(&self, simd: S, sum: V) -> V {
        let mut tile = [[sum]];
        self.apply_tile(simd, &mut tile);
        tile[0][0]
    }
}

impl<V: Copy, const N: usize> EpilogueVectors<V, N> {
    /// Applies the epilogue to a tile of accumulators, one operation after the other, so that no
    /// inner loop branches.
    #[inline(always)]
    pub(crate) fn apply_tile<S: Simd<f32s = V>, const ROWS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        tile: &mut [[V; VECTORS]; ROWS],
    ) {
        for i in 0..ROWS {
            for j in 0..VECTORS {
                tile[i][j] = simd.add_f32s(tile[i][j], self.bias[j]);
            }
        }
        if self.relu {
            for i in 0..ROWS {
                for j in 0..VECTORS {
                    tile[i][j] = relu(simd, tile[i][j]);
                }
            }
        }
        if let Some((scale, shift)) = self.affine {
            for i in 0..ROWS {
                for j in 0..VECTORS {
                    tile[i][j] = mul_add(simd, tile[i][j], scale[j], shift[j]);
                }
            }
        }
    }
}

/// Pools the rows of a band in pairs. An odd last row or column is dropped.
#[inline(always)]
pub(crate) fn pool_band<S: Simd>(
    simd: S,
    size: &ImageSize,
    band: &[f32],
    output: &mut [f32],
    mut argmax: Option<&mut [f32]>,
) {
    let (row, channels) = (size.row_len(), size.channels);
    let pooled = size.pooled();
    for (y, pair) in band.chunks_exact(2 * row).enumerate() {
        for x in 0..pooled.width {
            for start in (0..channels).step_by(S::F32_LANES) {
                let end = (start + S::F32_LANES).min(channels);
                let first = 2 * x * channels;
                let window = [0, channels, row, row + channels];
                let mut values = [simd.splat_f32s(0.0); 4];
                for (value, corner) in values.iter_mut().zip(window) {
                    let pixel = first + corner;
                    *value = load(simd, &pair[pixel + start..pixel + end]);
                }
                let (best, best_index) = window_argmax(simd, values);
                let pixel_start = y * pooled.row_len() + x * channels;
                store(
                    simd,
                    &mut output[pixel_start + start..pixel_start + end],
                    best,
                );
                if let Some(argmax) = &mut argmax {
                    store(
                        simd,
                        &mut argmax[pixel_start + start..pixel_start + end],
                        best_index,
                    );
                }
            }
        }
    }
}

/// Maximum of a 2x2 window and its index; the first of equal values.
#[inline(always)]
pub(crate) fn window_argmax<S: Simd>(simd: S, window: [S::f32s; 4]) -> (S::f32s, S::f32s) {
    let (mut best, mut best_index) = (window[0], simd.splat_f32s(0.0));
    for number in 1..4 {
        let value = window[number];
        // Not `value > best` alone: NaN must propagate.
        let is_nan = simd.not_m32s(simd.equal_f32s(value, value));
        let is_better = simd.or_m32s(simd.greater_than_f32s(value, best), is_nan);
        best = simd.select_f32s(is_better, value, best);
        best_index = simd.select_f32s(is_better, simd.splat_f32s(number as f32), best_index);
    }
    (best, best_index)
}

/// Division of an output, pooled or not, into bands of rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bands {
    /// Bands per image.
    bands_per_image: usize,
    /// Stored rows per image.
    height: usize,
    /// Stored rows per band.
    rows: usize,
    /// Row length.
    row: usize,
}

impl Bands {
    /// Bands of a convolution's output of `size`, stored pooled if `pool` is true.
    pub(crate) fn new(size: &ImageSize, pool: bool) -> Self {
        let written = if pool { size.pooled() } else { *size };
        Self {
            bands_per_image: size.height.div_ceil(BAND),
            height: written.height,
            rows: if pool { BAND / 2 } else { BAND },
            row: written.row_len(),
        }
    }

    /// Offset of a band in the stored output.
    pub(crate) fn offset(&self, band: usize) -> usize {
        let (image, bands_per_image) = (band / self.bands_per_image, band % self.bands_per_image);
        (image * self.height + (bands_per_image * self.rows).min(self.height)) * self.row
    }
}

/// Part of an output that consists of consecutive bands.
pub(crate) struct BandsMut<'a, T> {
    bands: Bands,
    first: usize,
    values: &'a mut [T],
}

impl<'a, T> BandsMut<'a, T> {
    pub(crate) fn new(bands: Bands, values: &'a mut [T]) -> Self {
        Self {
            bands,
            first: 0,
            values,
        }
    }

    /// Consecutive bands, and the offset of their first element in the whole output.
    pub(crate) fn bands(&mut self, bands: Range<usize>) -> (usize, &mut [T]) {
        let [origin, start, end] =
            [self.first, bands.start, bands.end].map(|i| self.bands.offset(i));
        (start, &mut self.values[start - origin..end - origin])
    }

    /// Rows of one band.
    pub(crate) fn band(&mut self, band: usize) -> &mut [T] {
        let start = self.bands.offset(self.first);
        &mut self.values[self.bands.offset(band) - start..self.bands.offset(band + 1) - start]
    }
}

impl<T: Send> Partition for BandsMut<'_, T> {
    fn split(self, unit: usize) -> (Self, Self) {
        let Self {
            bands,
            first,
            values,
        } = self;
        let (left, right) = values.split_at_mut(bands.offset(unit) - bands.offset(first));
        let part = |first, values| Self {
            bands,
            first,
            values,
        };
        (part(first, left), part(unit, right))
    }
}

/// Bands of a convolution's outputs.
pub(crate) struct OutputBands<'a> {
    pub(crate) values: BandsMut<'a, f32>,
    /// Argmax indices, if they are stored.
    pub(crate) argmax: Option<BandsMut<'a, f32>>,
    /// Statistics of each band, `[2, channels]`, if they are computed.
    statistics: Option<RowsMut<'a, f32>>,
    channels: usize,
}

impl<'a> OutputBands<'a> {
    /// Bands of an output of `size`, stored pooled if `pool` is true.
    pub(crate) fn new(size: &ImageSize, pool: bool, output: Conv2dOutput<'a>) -> Self {
        let bands = Bands::new(size, pool);
        let statistics = output.statistics;
        Self {
            values: BandsMut::new(bands, output.values),
            argmax: output.argmax.map(|argmax| BandsMut::new(bands, argmax)),
            statistics: statistics.map(|values| RowsMut::new(values, 2 * size.channels)),
            channels: size.channels,
        }
    }

    /// Computes the statistics of some channels of a band that has been written.
    #[inline(always)]
    pub(crate) fn write_statistics<S: Simd>(
        &mut self,
        simd: S,
        band: usize,
        channels: Range<usize>,
    ) {
        if let Some(statistics) = &mut self.statistics {
            let (values, row) = (self.values.band(band), statistics.row(band));
            write_band_statistics(simd, self.channels, channels, values, row);
        }
    }
}

impl Partition for OutputBands<'_> {
    fn split(self, unit: usize) -> (Self, Self) {
        let Self {
            values,
            argmax,
            statistics,
            channels,
        } = self;
        let part = |((values, argmax), statistics)| Self {
            values,
            argmax,
            statistics,
            channels,
        };
        let (left, right) = ((values, argmax), statistics).split(unit);
        (part(left), part(right))
    }
}
