//! What happens to a convolution's sums before they are written.

use pulp::Simd;

use crate::channels::{load, store};
use crate::conv2d::{Conv2d, Conv2dOutput};
use crate::parallel::Piece;
use crate::source::{Affine, Size};
use crate::tile::mul_add;

/// Bias, rectifier and a fixed normalisation, in this order.
#[derive(Clone, Copy, Debug)]
pub struct Finish<'a> {
    /// One per filter.
    pub bias: &'a [f32],
    /// Whether a rectifier follows.
    pub relu: bool,
    /// Batch normalisation with statistics known before: in inference.
    pub affine: Option<Affine<'a>>,
}

/// [`Finish`] for `N` vectors of channels.
#[derive(Clone, Copy)]
pub(crate) struct FinishVectors<V, const N: usize> {
    bias: [V; N],
    relu: bool,
    affine: Option<([V; N], [V; N])>,
}

impl Finish<'_> {
    /// The part for `channels`: one vector after the other, zeros where there are no more.
    #[inline(always)]
    pub(crate) fn vectors<S: Simd, const N: usize>(
        &self,
        simd: S,
        channels: std::ops::Range<usize>,
    ) -> FinishVectors<S::f32s, N> {
        FinishVectors {
            bias: load_all(simd, &self.bias[channels.clone()]),
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

impl<V: Copy> FinishVectors<V, 1> {
    /// Finishes one vector of sums.
    #[inline(always)]
    pub(crate) fn apply<S: Simd<f32s = V>>(&self, simd: S, sum: V) -> V {
        let mut tile = [[sum]];
        self.apply_to(simd, &mut tile);
        tile[0][0]
    }
}

impl<V: Copy, const N: usize> FinishVectors<V, N> {
    /// Finishes a tile of sums, one step after the other: no branch within a loop.
    #[inline(always)]
    pub(crate) fn apply_to<S: Simd<f32s = V>, const ROWS: usize, const VECTORS: usize>(
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
            // Not the maximum: what is no number stays none, so that a diverging run is seen.
            let zero = simd.splat_f32s(0.0);
            for i in 0..ROWS {
                for j in 0..VECTORS {
                    let value = tile[i][j];
                    tile[i][j] = simd.select_f32s(simd.less_than_f32s(value, zero), zero, value);
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

/// Pools the rows of a band, in pairs; what makes no pair is left out.
#[inline(always)]
pub(crate) fn pool_band<S: Simd>(
    simd: S,
    size: &Size,
    band: &[f32],
    output: &mut [f32],
    mut winners: Option<&mut [f32]>,
) {
    let (row, channels) = (size.row(), size.channels);
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
                let (best, winner) = largest(simd, values);
                let here = y * pooled.row() + x * channels;
                store(simd, &mut output[here + start..here + end], best);
                if let Some(winners) = &mut winners {
                    store(simd, &mut winners[here + start..here + end], winner);
                }
            }
        }
    }
}

/// The largest of a 2x2 window, and which it was: the first of equals.
#[inline(always)]
pub(crate) fn largest<S: Simd>(simd: S, window: [S::f32s; 4]) -> (S::f32s, S::f32s) {
    let (mut best, mut winner) = (window[0], simd.splat_f32s(0.0));
    for number in 1..4 {
        let value = window[number];
        // Not `value > best` alone: what is no number must win, and be seen.
        let no_number = simd.not_m32s(simd.equal_f32s(value, value));
        let wins = simd.or_m32s(simd.greater_than_f32s(value, best), no_number);
        best = simd.select_f32s(wins, value, best);
        winner = simd.select_f32s(wins, simd.splat_f32s(number as f32), winner);
    }
    (best, winner)
}

/// Rows of outputs a task works through at a time: four, as a Winograd tile has; with a pool they
/// become two.
pub(crate) const BAND: usize = 4;

/// Which rows of the output (pooled or not) belong to which band of the batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bands {
    /// Of one image.
    down: usize,
    /// Rows of one image, as they are written.
    height: usize,
    /// Rows of a band, as they are written.
    rows: usize,
    /// Numbers of one row.
    row: usize,
}

impl Bands {
    /// The bands of a convolution's output of `size`, pooled or not.
    pub(crate) fn new(size: &Size, pool: bool) -> Self {
        let written = if pool { size.pooled() } else { *size };
        Self {
            down: size.height.div_ceil(BAND),
            height: written.height,
            rows: if pool { BAND / 2 } else { BAND },
            row: written.row(),
        }
    }

    /// Where a band starts in the output.
    pub(crate) fn start(&self, band: usize) -> usize {
        let (image, down) = (band / self.down, band % self.down);
        (image * self.height + (down * self.rows).min(self.height)) * self.row
    }
}

/// The part of an output that some bands write.
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

    /// The rows of one band.
    pub(crate) fn band(&mut self, band: usize) -> &mut [T] {
        let start = self.bands.start(self.first);
        &mut self.values[self.bands.start(band) - start..self.bands.start(band + 1) - start]
    }
}

impl<T: Send> Piece for BandsMut<'_, T> {
    fn split(self, unit: usize) -> (Self, Self) {
        let Self {
            bands,
            first,
            values,
        } = self;
        let (left, right) = values.split_at_mut(bands.start(unit) - bands.start(first));
        let part = |first, values| Self {
            bands,
            first,
            values,
        };
        (part(first, left), part(unit, right))
    }
}

/// The bands of what a convolution writes: values, and winners where they are kept.
pub(crate) type OutputBands<'a> = (BandsMut<'a, f32>, Option<BandsMut<'a, f32>>);

pub(crate) fn output_bands<'a>(conv: &Conv2d, output: Conv2dOutput<'a>) -> OutputBands<'a> {
    let bands = Bands::new(&conv.shape.output(), conv.pool);
    let winners = output.winners.map(|winners| BandsMut::new(bands, winners));
    (BandsMut::new(bands, output.values), winners)
}
