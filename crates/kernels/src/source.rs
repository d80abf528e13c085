//! What a convolution reads, row by row: an input or an output's gradient, with the cheap
//! operations that lie between it and the buffer done on the way.

use std::ops::Range;

use pulp::Simd;

use crate::channels::load;
use crate::tile::mul_add;

/// `x * scale + shift`, channel by channel: what batch normalisation is once its statistics are
/// known.
#[derive(Clone, Copy, Debug)]
pub struct Affine<'a> {
    /// One per channel.
    pub scale: &'a [f32],
    /// One per channel.
    pub shift: &'a [f32],
}

/// A convolution's input, `[batch, height, width, channels]`.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// What lies in memory.
    pub values: &'a [f32],
    /// What is done to it as it is read. Padding is zero after that, not before.
    pub affine: Option<Affine<'a>>,
}

impl<'a> Input<'a> {
    /// The values as they are.
    pub fn plain(values: &'a [f32]) -> Self {
        Self {
            values,
            affine: None,
        }
    }
}

/// The gradient at the end of a block of convolution, rectifier, batch normalisation and
/// max-pooling (any of the last three may be missing), from which the convolution's own is made
/// row by row.
#[derive(Clone, Copy, Debug)]
pub struct Gradient<'a> {
    /// At the block's end: of the pooled size where there is a pool.
    pub values: &'a [f32],
    /// Which of each 2x2 window was largest, 0 to 3; where there is a pool. Floating-point numbers,
    /// so that they are compared in the vectors that hold the values.
    pub winners: Option<&'a [f32]>,
    /// Where there is batch normalisation.
    pub norm: Option<NormGradient<'a>>,
    /// Where there is a rectifier: its output, zero where it cut off. With a pool and no
    /// normalisation of the pooled size, else of the convolution's.
    pub relu: Option<&'a [f32]>,
}

/// The gradient at batch normalisation's input, `a * gradient + b * input + c` channel by channel,
/// as [`norm_gradient`](crate::norm_gradient) gives it.
#[derive(Clone, Copy, Debug)]
pub struct NormGradient<'a> {
    /// What was normalised: the convolution's output behind its rectifier.
    pub input: &'a [f32],
    /// For each channel a, then for each b, then for each c.
    pub coefficients: &'a [f32],
}

/// The size of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
}

impl Size {
    pub(crate) fn row(&self) -> usize {
        self.width * self.channels
    }

    pub(crate) fn image(&self) -> usize {
        self.height * self.row()
    }

    /// After 2x2 pooling.
    pub(crate) fn pooled(&self) -> Self {
        Self {
            height: self.height / 2,
            width: self.width / 2,
            channels: self.channels,
        }
    }

    /// Where row `y` of `image` starts.
    pub(crate) fn start(&self, image: usize, y: usize) -> usize {
        (image * self.height + y) * self.row()
    }
}

/// Something that images of a fixed size are read from, row by row.
pub(crate) trait RowSource: Copy + Send + Sync {
    /// Writes row `y` of `image` to `row`, pixel after pixel.
    fn fill<S: Simd>(&self, simd: S, size: &Size, image: usize, y: usize, row: &mut [f32]);
}

impl RowSource for Input<'_> {
    #[inline(always)]
    fn fill<S: Simd>(&self, _: S, size: &Size, image: usize, y: usize, row: &mut [f32]) {
        self.pixels(size, size.start(image, y), row);
    }
}

impl Input<'_> {
    /// Writes the pixels from `start` on.
    #[inline(always)]
    pub(crate) fn pixels(&self, size: &Size, start: usize, pixels: &mut [f32]) {
        let values = &self.values[start..][..pixels.len()];
        let Some(Affine { scale, shift }) = self.affine else {
            pixels.copy_from_slice(values);
            return;
        };
        let channels = size.channels;
        for (pixel, values) in pixels
            .chunks_exact_mut(channels)
            .zip(values.chunks_exact(channels))
        {
            let numbers = pixel.iter_mut().zip(values).zip(scale).zip(shift);
            for (((pixel, value), scale), shift) in numbers {
                *pixel = value * scale + shift;
            }
        }
    }
}

impl RowSource for Gradient<'_> {
    #[inline(always)]
    fn fill<S: Simd>(&self, simd: S, size: &Size, image: usize, y: usize, row: &mut [f32]) {
        if let (None, None) = (self.winners, self.norm) {
            let here = size.start(image, y)..size.start(image, y) + size.row();
            match self.relu.map(|output| &output[here.clone()]) {
                None => row.copy_from_slice(&self.values[here]),
                Some(output) => {
                    for ((row, &value), &output) in
                        row.iter_mut().zip(&self.values[here]).zip(output)
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
                simd.partial_store_f32s(pixel, reader.pixel(simd, image, y, x));
            }
        }
    }
}

/// A gradient for one vector of channels.
pub(crate) struct GradientChannels<'a, S: Simd> {
    gradient: Gradient<'a>,
    size: Size,
    pooled: Size,
    channels: Range<usize>,
    /// a, b and c of the normalisation.
    coefficients: Option<[S::f32s; 3]>,
}

impl<'a> Gradient<'a> {
    #[inline(always)]
    pub(crate) fn channels<S: Simd>(
        &self,
        simd: S,
        size: &Size,
        channels: Range<usize>,
    ) -> GradientChannels<'a, S> {
        let coefficients = match &self.norm {
            None => None,
            Some(NormGradient { coefficients, .. }) => {
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
        GradientChannels {
            gradient: *self,
            size: *size,
            pooled: size.pooled(),
            channels,
            coefficients,
        }
    }
}

impl<S: Simd> GradientChannels<'_, S> {
    /// The convolution's gradient at a pixel.
    #[inline(always)]
    pub(crate) fn pixel(&self, simd: S, image: usize, y: usize, x: usize) -> S::f32s {
        let mut gradient = simd.splat_f32s(0.0);
        if self.gradient.winners.is_none() {
            let here = self.size.start(image, y) + x * self.size.channels;
            gradient = self.load(simd, self.gradient.values, here);
        } else if y / 2 < self.pooled.height && x / 2 < self.pooled.width {
            let (value, winner) = self.window(simd, image, y / 2, x / 2);
            gradient = won(simd, winner, y % 2 * 2 + x % 2, value);
        }
        self.convolved(simd, image, y, x, gradient)
    }

    /// The convolution's gradient at a square of pixels, from an even row and column on; zero beyond
    /// the image.
    #[inline(always)]
    pub(crate) fn square<const SIDE: usize>(
        &self,
        simd: S,
        image: usize,
        y: usize,
        x: usize,
    ) -> [[S::f32s; SIDE]; SIDE] {
        let mut square = [[simd.splat_f32s(0.0); SIDE]; SIDE];
        let rows = self.size.height.saturating_sub(y).min(SIDE);
        let columns = self.size.width.saturating_sub(x).min(SIDE);
        if self.gradient.winners.is_none() {
            for (i, row) in square.iter_mut().enumerate().take(rows) {
                for (j, gradient) in row.iter_mut().enumerate().take(columns) {
                    *gradient = self.pixel(simd, image, y + i, x + j);
                }
            }
            return square;
        }
        // Each window is read once, not for each of its pixels. A row or column that no window
        // covers gets nothing.
        for i in 0..rows / 2 {
            for j in 0..columns / 2 {
                let (value, winner) = self.window(simd, image, y / 2 + i, x / 2 + j);
                for number in 0..4 {
                    square[2 * i + number / 2][2 * j + number % 2] =
                        won(simd, winner, number, value);
                }
            }
        }
        if self.gradient.norm.is_some() {
            for (i, row) in square.iter_mut().enumerate().take(rows) {
                for (j, gradient) in row.iter_mut().enumerate().take(columns) {
                    *gradient = self.convolved(simd, image, y + i, x + j, *gradient);
                }
            }
        }
        square
    }

    /// The gradient at a pool's window and its winner. Where nothing lies between pool and
    /// rectifier, what the rectifier cut off is zero already.
    #[inline(always)]
    fn window(&self, simd: S, image: usize, y: usize, x: usize) -> (S::f32s, S::f32s) {
        let here = self.pooled.start(image, y) + x * self.size.channels;
        let mut value = self.load(simd, self.gradient.values, here);
        if let (None, Some(output)) = (&self.gradient.norm, self.gradient.relu) {
            value = passed(simd, self.load(simd, output, here), value);
        }
        let winners = self.gradient.winners.unwrap_or(&[]);
        (value, self.load(simd, winners, here))
    }

    /// The gradient behind the convolution and its rectifier from the one before the pool.
    #[inline(always)]
    fn convolved(
        &self,
        simd: S,
        image: usize,
        y: usize,
        x: usize,
        mut gradient: S::f32s,
    ) -> S::f32s {
        let Gradient { norm, relu, .. } = &self.gradient;
        let here = self.size.start(image, y) + x * self.size.channels;
        if let (Some(norm), Some([a, b, c])) = (norm, self.coefficients) {
            let input = self.load(simd, norm.input, here);
            gradient = mul_add(simd, a, gradient, mul_add(simd, b, input, c));
        }
        match relu {
            Some(output) if norm.is_some() || self.gradient.winners.is_none() => {
                passed(simd, self.load(simd, output, here), gradient)
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

/// A window's gradient where this pixel of it was the largest.
#[inline(always)]
fn won<S: Simd>(simd: S, winner: S::f32s, number: usize, value: S::f32s) -> S::f32s {
    let won = simd.equal_f32s(winner, simd.splat_f32s(number as f32));
    simd.select_f32s(won, value, simd.splat_f32s(0.0))
}

/// What a rectifier with this output lets pass.
#[inline(always)]
fn passed<S: Simd>(simd: S, output: S::f32s, gradient: S::f32s) -> S::f32s {
    let zero = simd.splat_f32s(0.0);
    simd.select_f32s(simd.greater_than_f32s(output, zero), gradient, zero)
}
