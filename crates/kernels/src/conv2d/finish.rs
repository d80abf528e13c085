//! What happens to a convolution's sums before they are written.

use pulp::Simd;

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

/// [`Finish`] for one vector of channels.
#[derive(Clone, Copy)]
pub(crate) struct FinishVector<V> {
    bias: V,
    relu: bool,
    affine: Option<(V, V)>,
}

impl Finish<'_> {
    /// The part for `channels`.
    #[inline(always)]
    pub(crate) fn vector<S: Simd>(
        &self,
        simd: S,
        channels: std::ops::Range<usize>,
    ) -> FinishVector<S::f32s> {
        FinishVector {
            bias: simd.partial_load_f32s(&self.bias[channels.clone()]),
            relu: self.relu,
            affine: match &self.affine {
                Some(Affine { scale, shift }) => Some((
                    simd.partial_load_f32s(&scale[channels.clone()]),
                    simd.partial_load_f32s(&shift[channels]),
                )),
                None => None,
            },
        }
    }
}

impl<V: Copy> FinishVector<V> {
    #[inline(always)]
    pub(crate) fn apply<S: Simd<f32s = V>>(&self, simd: S, sum: V) -> V {
        let mut value = simd.add_f32s(sum, self.bias);
        if self.relu {
            // Not the maximum: what is no number stays none, so that a diverging run is seen.
            let zero = simd.splat_f32s(0.0);
            value = simd.select_f32s(simd.less_than_f32s(value, zero), zero, value);
        }
        if let Some((scale, shift)) = self.affine {
            value = mul_add(simd, value, scale, shift);
        }
        value
    }
}

/// Pools the rows of a band, in pairs; what makes no pair is left out.
#[inline(always)]
pub(crate) fn pool_band(
    size: &Size,
    band: &[f32],
    output: &mut [f32],
    mut winners: Option<&mut [u8]>,
) {
    let pooled = size.pooled().row();
    for (y, pair) in band.chunks_exact(2 * size.row()).enumerate() {
        let (top, bottom) = pair.split_at(size.row());
        let here = y * pooled..(y + 1) * pooled;
        pool_rows(
            size.channels,
            &top[..2 * pooled],
            &bottom[..2 * pooled],
            &mut output[here.clone()],
            winners.as_deref_mut().map(|winners| &mut winners[here]),
        );
    }
}

/// The 2x2 maximum of two rows of pixels, and which of the four it was: the first of equals.
#[inline(always)]
fn pool_rows(
    channels: usize,
    top: &[f32],
    bottom: &[f32],
    output: &mut [f32],
    mut winners: Option<&mut [u8]>,
) {
    let pairs = top
        .chunks_exact(2 * channels)
        .zip(bottom.chunks_exact(2 * channels));
    for (x, (output, (top, bottom))) in output.chunks_exact_mut(channels).zip(pairs).enumerate() {
        let ((a, b), (c, d)) = (top.split_at(channels), bottom.split_at(channels));
        match winners.as_deref_mut() {
            Some(winners) => {
                let winners = &mut winners[x * channels..][..channels];
                for k in 0..channels {
                    let (mut best, mut winner) = (a[k], 0);
                    for (number, value) in [(1, b[k]), (2, c[k]), (3, d[k])] {
                        // Not `value > best`: what is no number must win, and be seen.
                        let wins = (value > best) | value.is_nan();
                        best = if wins { value } else { best };
                        winner = if wins { number } else { winner };
                    }
                    output[k] = best;
                    winners[k] = winner;
                }
            }
            None => {
                for k in 0..channels {
                    let mut best = a[k];
                    for value in [b[k], c[k], d[k]] {
                        let wins = (value > best) | value.is_nan();
                        best = if wins { value } else { best };
                    }
                    output[k] = best;
                }
            }
        }
    }
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

    /// All rows of this piece.
    pub(crate) fn all(&self) -> &[T] {
        self.values
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
