//! Output gradient of a convolution, with the backward passes of pooling, batch norm and ReLU fused
//! into the read.

use std::ops::Range;

use pulp::Simd;

use crate::channels::{load, store};
use crate::microkernel::mul_add;
use crate::operand::{ImageSize, Operand};

/// Gradient at the output of a fused block of convolution, ReLU, batch norm and max pooling, from
/// which the gradient at the convolution's own output is computed row by row.
///
/// ReLU, batch norm and pooling are each optional.
#[derive(Clone, Copy, Debug)]
pub struct FusedGradient<'a> {
    /// Gradient at the block's output; of the pooled size if the block ends with a pool.
    pub values: &'a [f32],
    /// Argmax index of each 2x2 pooling window, 0 to 3, if the block ends with a pool. The indices
    /// are floats so that they are compared in the same vectors as the values.
    pub argmax: Option<&'a [f32]>,
    /// Backward pass of the batch norm, if the block has one.
    pub batch_norm: Option<BatchNormGradient<'a>>,
    /// Output of the ReLU, if the block has one: the gradient is zero where this is zero. It has
    /// the pooled size if a pool follows without batch norm, else the size of the convolution's
    /// output.
    pub relu: Option<&'a [f32]>,
}

/// Gradient at the input of a batch norm as a per-channel affine function, `a * gradient + b *
/// input + c`.
///
/// [`batch_norm_backward_coefficients`](crate::batch_norm_backward_coefficients) computes the
/// coefficients.
#[derive(Clone, Copy, Debug)]
pub struct BatchNormGradient<'a> {
    /// Input of the batch norm: the convolution's output after its ReLU.
    pub input: &'a [f32],
    /// Coefficients `[3, channels]`: every `a`, then every `b`, then every `c`.
    pub coefficients: &'a [f32],
}

impl Operand for FusedGradient<'_> {
    #[inline(always)]
    fn load_row<S: Simd>(
        &self,
        simd: S,
        size: &ImageSize,
        image: usize,
        y: usize,
        row: &mut [f32],
    ) {
        if let (None, None) = (self.argmax, self.batch_norm) {
            let range = size.row_offset(image, y)..size.row_offset(image, y) + size.row_len();
            match self.relu.map(|output| &output[range.clone()]) {
                None => row.copy_from_slice(&self.values[range]),
                Some(output) => {
                    for ((row, &value), &output) in
                        row.iter_mut().zip(&self.values[range]).zip(output)
                    {
                        *row = if output > 0.0 { value } else { 0.0 };
                    }
                }
            }
            return;
        }
        for start in (0..size.channels).step_by(S::F32_LANES) {
            let channels = start..(start + S::F32_LANES).min(size.channels);
            let reader = self.channels(simd, size, channels.clone());
            for x in 0..size.width {
                let pixel = &mut row[x * size.channels..][channels.clone()];
                store(simd, pixel, reader.load_pixel(simd, image, y, x));
            }
        }
    }
}

/// Reader of a [`FusedGradient`] for one vector of channels.
pub(crate) struct FusedGradientChannels<'a, S: Simd> {
    gradient: FusedGradient<'a>,
    size: ImageSize,
    pooled: ImageSize,
    channels: Range<usize>,
    /// Batch norm coefficients `a`, `b` and `c`.
    coefficients: Option<[S::f32s; 3]>,
}

impl<'a> FusedGradient<'a> {
    #[inline(always)]
    pub(crate) fn channels<S: Simd>(
        &self,
        simd: S,
        size: &ImageSize,
        channels: Range<usize>,
    ) -> FusedGradientChannels<'a, S> {
        let coefficients = match &self.batch_norm {
            None => None,
            Some(BatchNormGradient { coefficients, .. }) => {
                let (a, rest) = coefficients.split_at(size.channels);
                let (b, c) = rest.split_at(size.channels);
                let range = channels.clone();
                Some([
                    load(simd, &a[range.clone()]),
                    load(simd, &b[range.clone()]),
                    load(simd, &c[range]),
                ])
            }
        };
        FusedGradientChannels {
            gradient: *self,
            size: *size,
            pooled: size.pooled(),
            channels,
            coefficients,
        }
    }
}

impl<S: Simd> FusedGradientChannels<'_, S> {
    /// Gradient at one pixel of the convolution's output.
    #[inline(always)]
    pub(crate) fn load_pixel(&self, simd: S, image: usize, y: usize, x: usize) -> S::f32s {
        let mut gradient = simd.splat_f32s(0.0);
        if self.gradient.argmax.is_none() {
            let offset = self.size.row_offset(image, y) + x * self.size.channels;
            gradient = self.load(simd, self.gradient.values, offset);
        } else if y / 2 < self.pooled.height && x / 2 < self.pooled.width {
            let (value, best_index) = self.load_window(simd, image, y / 2, x / 2);
            gradient = mask_by_argmax(simd, best_index, y % 2 * 2 + x % 2, value);
        }
        self.through_batch_norm_and_relu(simd, image, y, x, gradient)
    }

    /// Gradient at a `SIDE x SIDE` tile of the convolution's output that begins at an even row and
    /// column. Zero beyond the image.
    #[inline(always)]
    pub(crate) fn load_tile<const SIDE: usize>(
        &self,
        simd: S,
        image: usize,
        y: usize,
        x: usize,
    ) -> [[S::f32s; SIDE]; SIDE] {
        let mut tile = [[simd.splat_f32s(0.0); SIDE]; SIDE];
        let rows = self.size.height.saturating_sub(y).min(SIDE);
        let columns = self.size.width.saturating_sub(x).min(SIDE);
        if self.gradient.argmax.is_none() {
            for (i, row) in tile.iter_mut().enumerate().take(rows) {
                for (j, gradient) in row.iter_mut().enumerate().take(columns) {
                    *gradient = self.load_pixel(simd, image, y + i, x + j);
                }
            }
            return tile;
        }
        // Each window is read once, not once per pixel. A row or column that no window covers has
        // no gradient.
        for i in 0..rows / 2 {
            for j in 0..columns / 2 {
                let (value, best_index) = self.load_window(simd, image, y / 2 + i, x / 2 + j);
                for number in 0..4 {
                    tile[2 * i + number / 2][2 * j + number % 2] =
                        mask_by_argmax(simd, best_index, number, value);
                }
            }
        }
        if self.gradient.batch_norm.is_some() {
            for (i, row) in tile.iter_mut().enumerate().take(rows) {
                for (j, gradient) in row.iter_mut().enumerate().take(columns) {
                    *gradient =
                        self.through_batch_norm_and_relu(simd, image, y + i, x + j, *gradient);
                }
            }
        }
        tile
    }

    /// Gradient of one pooling window and its argmax index. Without batch norm, the ReLU mask is
    /// applied here, on the pooled values.
    #[inline(always)]
    fn load_window(&self, simd: S, image: usize, y: usize, x: usize) -> (S::f32s, S::f32s) {
        let offset = self.pooled.row_offset(image, y) + x * self.size.channels;
        let mut value = self.load(simd, self.gradient.values, offset);
        if let (None, Some(output)) = (&self.gradient.batch_norm, self.gradient.relu) {
            value = relu_mask(simd, self.load(simd, output, offset), value);
        }
        let argmax = self.gradient.argmax.unwrap_or(&[]);
        (value, self.load(simd, argmax, offset))
    }

    /// Propagates a gradient at the pool's input through batch norm and ReLU to the convolution's
    /// output.
    #[inline(always)]
    fn through_batch_norm_and_relu(
        &self,
        simd: S,
        image: usize,
        y: usize,
        x: usize,
        mut gradient: S::f32s,
    ) -> S::f32s {
        let FusedGradient {
            batch_norm, relu, ..
        } = &self.gradient;
        let offset = self.size.row_offset(image, y) + x * self.size.channels;
        if let (Some(batch_norm), Some([a, b, c])) = (batch_norm, self.coefficients) {
            let input = self.load(simd, batch_norm.input, offset);
            gradient = mul_add(simd, a, gradient, mul_add(simd, b, input, c));
        }
        match relu {
            Some(output) if batch_norm.is_some() || self.gradient.argmax.is_none() => {
                relu_mask(simd, self.load(simd, output, offset), gradient)
            }
            _ => gradient,
        }
    }

    #[inline(always)]
    fn load(&self, simd: S, values: &[f32], pixel: usize) -> S::f32s {
        load(
            simd,
            &values[pixel + self.channels.start..pixel + self.channels.end],
        )
    }
}

/// `value` in the lanes whose argmax index is `number`, else zero.
#[inline(always)]
fn mask_by_argmax<S: Simd>(simd: S, best_index: S::f32s, number: usize, value: S::f32s) -> S::f32s {
    let selected = simd.equal_f32s(best_index, simd.splat_f32s(number as f32));
    simd.select_f32s(selected, value, simd.splat_f32s(0.0))
}

/// `gradient` in the lanes in which the ReLU's `output` is positive, else zero.
#[inline(always)]
fn relu_mask<S: Simd>(simd: S, output: S::f32s, gradient: S::f32s) -> S::f32s {
    let zero = simd.splat_f32s(0.0);
    simd.select_f32s(simd.greater_than_f32s(output, zero), gradient, zero)
}
