//! Operands of a convolution: an input or an output gradient, read row by row, with the cheap
//! elementwise operations between the buffer and the convolution fused into the read.

use std::ops::Range;

use pulp::Simd;

use crate::channels::{load, store};
use crate::microkernel::mul_add;

/// Per-channel affine map `x * scale + shift`: batch norm with known statistics.
#[derive(Clone, Copy, Debug)]
pub struct Affine<'a> {
    /// Scale, one per channel.
    pub scale: &'a [f32],
    /// Shift, one per channel.
    pub shift: &'a [f32],
}

/// Input of a convolution, `[batch, height, width, channels]`.
#[derive(Clone, Copy, Debug)]
pub struct ConvInput<'a> {
    /// Values in memory.
    pub values: &'a [f32],
    /// Affine map that is applied to `values` as they are read. Padding stays zero: it is added
    /// after the map.
    pub affine: Option<Affine<'a>>,
    /// ReLU after the affine map.
    pub relu: bool,
}

impl<'a> ConvInput<'a> {
    /// Input without an affine map and without ReLU.
    pub fn plain(values: &'a [f32]) -> Self {
        Self {
            values,
            affine: None,
            relu: false,
        }
    }

    /// The map for one vector of channels.
    #[inline(always)]
    pub(crate) fn map<S: Simd>(&self, simd: S, channels: Range<usize>) -> InputMap<S::f32s> {
        InputMap {
            affine: match &self.affine {
                None => None,
                Some(Affine { scale, shift }) => Some((
                    load(simd, &scale[channels.clone()]),
                    load(simd, &shift[channels]),
                )),
            },
            relu: self.relu,
        }
    }
}

/// Map of a [`ConvInput`] for one vector of channels.
#[derive(Clone, Copy)]
pub(crate) struct InputMap<V> {
    affine: Option<(V, V)>,
    relu: bool,
}

impl<V: Copy> InputMap<V> {
    #[inline(always)]
    pub(crate) fn apply<S: Simd<f32s = V>>(&self, simd: S, value: V) -> V {
        let value = match self.affine {
            Some((scale, shift)) => mul_add(simd, value, scale, shift),
            None => value,
        };
        match self.relu {
            true => relu(simd, value),
            false => value,
        }
    }
}

/// ReLU. NaN propagates, so that a diverging run is noticed.
#[inline(always)]
pub(crate) fn relu<S: Simd>(simd: S, value: S::f32s) -> S::f32s {
    let zero = simd.splat_f32s(0.0);
    // The maximum of x86 is its second operand if one of them is NaN. Elsewhere it may be the first.
    if S::F32_LANES >= 8 {
        return simd.max_f32s(zero, value);
    }
    simd.select_f32s(simd.less_than_f32s(value, zero), zero, value)
}

/// Size of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ImageSize {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
}

impl ImageSize {
    pub(crate) fn row_len(&self) -> usize {
        self.width * self.channels
    }

    pub(crate) fn image_len(&self) -> usize {
        self.height * self.row_len()
    }

    /// Size after 2x2 pooling with stride 2.
    pub(crate) fn pooled(&self) -> Self {
        Self {
            height: self.height / 2,
            width: self.width / 2,
            channels: self.channels,
        }
    }

    /// Offset of row `y` of `image`.
    pub(crate) fn row_offset(&self, image: usize, y: usize) -> usize {
        (image * self.height + y) * self.row_len()
    }
}

/// Source of the image rows that a convolution reads.
pub(crate) trait Operand: Copy + Send + Sync {
    /// Writes row `y` of `image` to `row`, `[width, channels]`.
    fn load_row<S: Simd>(&self, simd: S, size: &ImageSize, image: usize, y: usize, row: &mut [f32]);
}

impl Operand for ConvInput<'_> {
    #[inline(always)]
    fn load_row<S: Simd>(
        &self,
        simd: S,
        size: &ImageSize,
        image: usize,
        y: usize,
        row: &mut [f32],
    ) {
        self.load_pixels(simd, size.channels, size.row_offset(image, y), row);
    }
}

impl ConvInput<'_> {
    /// Writes the pixels that begin at offset `start` to `pixels`.
    #[inline(always)]
    pub(crate) fn load_pixels<S: Simd>(
        &self,
        simd: S,
        channels: usize,
        start: usize,
        pixels: &mut [f32],
    ) {
        let values = &self.values[start..][..pixels.len()];
        if self.relu {
            for start in (0..channels).step_by(S::F32_LANES) {
                let range = start..(start + S::F32_LANES).min(channels);
                let map = self.map(simd, range.clone());
                for (pixel, values) in pixels
                    .chunks_exact_mut(channels)
                    .zip(values.chunks_exact(channels))
                {
                    let value = map.apply(simd, load(simd, &values[range.clone()]));
                    store(simd, &mut pixel[range.clone()], value);
                }
            }
            return;
        }
        let Some(Affine { scale, shift }) = self.affine else {
            pixels.copy_from_slice(values);
            return;
        };
        for (pixel, values) in pixels
            .chunks_exact_mut(channels)
            .zip(values.chunks_exact(channels))
        {
            let elements = pixel.iter_mut().zip(values).zip(scale).zip(shift);
            for (((pixel, value), scale), shift) in elements {
                *pixel = value * scale + shift;
            }
        }
    }
}
