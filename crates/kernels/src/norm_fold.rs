//! Batch normalisation folded into its neighbours: the reader behind applies it, and on the way back
//! gathers the sums that its gradient needs.

use pulp::{Simd, WithSimd};

use crate::channels::{load, store, write_gradient_sums};
use crate::conv2d::GradientSums;
use crate::conv2d::finish::largest;
use crate::instructions::Instructions;
use crate::parallel::{RowsMut, check_len, for_each_piece};
use crate::source::{Affine, Size};
use crate::tile::mul_add;

/// Normalisation as one multiplication and one addition: `scale = gamma * inverse_deviation`,
/// `shift = beta - mean * scale`.
///
/// # Panics
/// Where the lengths differ.
pub fn batch_norm_affine(
    mean: &[f32],
    inverse_deviation: &[f32],
    gamma: &[f32],
    beta: &[f32],
    scale: &mut [f32],
    shift: &mut [f32],
) {
    let channels = mean.len();
    for len in [
        inverse_deviation.len(),
        gamma.len(),
        beta.len(),
        scale.len(),
        shift.len(),
    ] {
        check_len("a channel's number", len, channels);
    }
    for c in 0..channels {
        scale[c] = inverse_deviation[c] * gamma[c];
        shift[c] = beta[c] - mean[c] * scale[c];
    }
}

/// Batch normalisation's gradients from the sums that were gathered image by image. `coefficients`
/// become those of [`NormGradient`](crate::NormGradient); with x' the normalised input and n rows:
/// `dx = gamma * inverse_deviation * (dy - sum(dy) / n - x' * sum(dy * x') / n)`.
///
/// # Panics
/// Where the lengths do not agree.
#[allow(clippy::too_many_arguments, reason = "the operation's own buffers")]
pub fn norm_gradient(
    sums: &[f32],
    rows: usize,
    mean: &[f32],
    inverse_deviation: &[f32],
    gamma: &[f32],
    gamma_gradient: &mut [f32],
    beta_gradient: &mut [f32],
    coefficients: &mut [f32],
) {
    let channels = mean.len();
    check_len("the coefficients", coefficients.len(), 3 * channels);
    assert!(
        sums.len().is_multiple_of(2 * channels),
        "{} sums are none of {channels} channels",
        sums.len()
    );
    let (a, rest) = coefficients.split_at_mut(channels);
    let (b, c) = rest.split_at_mut(channels);
    for channel in 0..channels {
        let (mut sum, mut product) = (0.0_f64, 0.0_f64);
        for image in sums.chunks_exact(2 * channels) {
            sum += f64::from(image[channel]);
            product += f64::from(image[channels + channel]);
        }
        let inverse = f64::from(inverse_deviation[channel]);
        let product = product * inverse;
        beta_gradient[channel] = sum as f32;
        gamma_gradient[channel] = product as f32;
        let scale = f64::from(gamma[channel]) * inverse;
        let slope = -scale * inverse * product / rows as f64;
        a[channel] = scale as f32;
        b[channel] = slope as f32;
        c[channel] = (-scale * sum / rows as f64 - slope * f64::from(mean[channel])) as f32;
    }
}

/// The sums of a gradient at batch normalisation's output, for [`norm_gradient`].
///
/// # Panics
/// Where the lengths do not agree.
pub fn norm_gradient_sums(instructions: Instructions, gradient: &[f32], target: GradientSums<'_>) {
    let GradientSums { input, mean, sums } = target;
    check_len("the gradient", gradient.len(), input.len());
    let batch = sums.len() / (2 * mean.len());
    let image = input.len() / batch.max(1);
    let rows = RowsMut::new(sums, 2 * mean.len());
    for_each_piece(0..batch, 1, rows, &|unit, sums| {
        let range = unit.start * image..unit.end * image;
        instructions.run(Sums {
            mean,
            gradient: &gradient[range.clone()],
            input: &input[range],
            sums: sums.values,
        });
    });
}

struct Sums<'a> {
    mean: &'a [f32],
    gradient: &'a [f32],
    input: &'a [f32],
    sums: &'a mut [f32],
}

impl WithSimd for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        write_gradient_sums(simd, self.mean, self.gradient, self.input, self.sums);
    }
}

/// An image's size and the number of images, for the pool behind batch normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NormPoolShape {
    /// Images.
    pub batch: usize,
    /// Rows of what is normalised.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels.
    pub channels: usize,
}

impl NormPoolShape {
    fn size(&self) -> Size {
        Size {
            height: self.height,
            width: self.width,
            channels: self.channels,
        }
    }

    #[track_caller]
    fn check(&self, input: usize, output: usize, winners: usize) {
        check_len("the pool's input", input, self.batch * self.size().image());
        let pooled = self.batch * self.size().pooled().image();
        check_len("the pool's output", output, pooled);
        check_len("the pool's winners", winners, pooled);
    }
}

/// Normalises `input` and takes the maximum of each 2x2 window, without writing what is between.
///
/// # Panics
/// Where a buffer has not the length of `shape`.
pub fn norm_pool_forward(
    shape: &NormPoolShape,
    instructions: Instructions,
    input: &[f32],
    affine: Affine<'_>,
    output: &mut [f32],
    winners: &mut [f32],
) {
    shape.check(input.len(), output.len(), winners.len());
    let size = shape.size();
    let pooled = size.pooled();
    if output.is_empty() {
        return;
    }
    let pieces = (
        RowsMut::new(output, pooled.row()),
        RowsMut::new(winners, pooled.row()),
    );
    for_each_piece(
        0..shape.batch * pooled.height,
        pooled.height,
        pieces,
        &|rows, (output, winners)| {
            instructions.run(PoolRows {
                size,
                input,
                affine,
                rows,
                output: output.values,
                winners: winners.values,
            });
        },
    );
}

struct PoolRows<'a> {
    size: Size,
    input: &'a [f32],
    affine: Affine<'a>,
    rows: std::ops::Range<usize>,
    output: &'a mut [f32],
    winners: &'a mut [f32],
}

impl WithSimd for PoolRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (size, pooled) = (self.size, self.size.pooled());
        let outputs = self.output.chunks_exact_mut(pooled.row());
        let winners = self.winners.chunks_exact_mut(pooled.row());
        for (row, (output, winners)) in self.rows.zip(outputs.zip(winners)) {
            let pair = pair_of(&size, self.input, row / pooled.height, row % pooled.height);
            for start in (0..size.channels).step_by(S::F32_LANES) {
                let channels = start..(start + S::F32_LANES).min(size.channels);
                let scale = load(simd, &self.affine.scale[channels.clone()]);
                let shift = load(simd, &self.affine.shift[channels.clone()]);
                for x in 0..pooled.width {
                    let mut window = window(simd, &size, pair, x, channels.clone());
                    for value in &mut window {
                        *value = mul_add(simd, *value, scale, shift);
                    }
                    let (best, winner) = largest(simd, window);
                    let pixel = x * size.channels;
                    let here = pixel + channels.start..pixel + channels.end;
                    store(simd, &mut output[here.clone()], best);
                    store(simd, &mut winners[here], winner);
                }
            }
        }
    }
}

/// The two rows of an image that become pooled row `y`.
#[inline(always)]
fn pair_of<'a>(size: &Size, input: &'a [f32], image: usize, y: usize) -> &'a [f32] {
    &input[size.start(image, 2 * y)..][..2 * size.row()]
}

/// The four values of window `x` of two rows.
#[inline(always)]
fn window<S: Simd>(
    simd: S,
    size: &Size,
    pair: &[f32],
    x: usize,
    channels: std::ops::Range<usize>,
) -> [S::f32s; 4] {
    let mut window = [simd.splat_f32s(0.0); 4];
    let corners = [0, size.channels, size.row(), size.row() + size.channels];
    for (value, corner) in window.iter_mut().zip(corners) {
        let pixel = 2 * x * size.channels + corner;
        *value = load(simd, &pair[pixel + channels.start..pixel + channels.end]);
    }
    window
}

/// The sums of the gradient at a 2x2 pool behind batch normalisation, for [`norm_gradient`]: only
/// the winners count.
///
/// # Panics
/// Where a buffer has not the length of `shape`.
pub fn norm_pool_gradient_sums(
    shape: &NormPoolShape,
    instructions: Instructions,
    gradient: &[f32],
    winners: &[f32],
    target: GradientSums<'_>,
) {
    let GradientSums { input, mean, sums } = target;
    shape.check(input.len(), gradient.len(), winners.len());
    check_len("the sums", sums.len(), 2 * shape.batch * shape.channels);
    let rows = RowsMut::new(sums, 2 * shape.channels);
    for_each_piece(0..shape.batch, 1, rows, &|image, sums| {
        instructions.run(PoolSums {
            size: shape.size(),
            image: image.start,
            gradient,
            winners,
            input,
            mean,
            sums: sums.values,
        });
    });
}

struct PoolSums<'a> {
    size: Size,
    image: usize,
    gradient: &'a [f32],
    winners: &'a [f32],
    input: &'a [f32],
    mean: &'a [f32],
    sums: &'a mut [f32],
}

impl WithSimd for PoolSums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (size, pooled) = (self.size, self.size.pooled());
        let (plain, products) = self.sums.split_at_mut(size.channels);
        for start in (0..size.channels).step_by(S::F32_LANES) {
            let channels = start..(start + S::F32_LANES).min(size.channels);
            let mean = load(simd, &self.mean[channels.clone()]);
            let zero = simd.splat_f32s(0.0);
            let (mut sum, mut product) = (zero, zero);
            for y in 0..pooled.height {
                let pair = pair_of(&size, self.input, self.image, y);
                for x in 0..pooled.width {
                    let pixel = pooled.start(self.image, y) + x * size.channels;
                    let here = pixel + channels.start..pixel + channels.end;
                    let gradient = load(simd, &self.gradient[here.clone()]);
                    let winner = load(simd, &self.winners[here]);
                    let window = window(simd, &size, pair, x, channels.clone());
                    let mut value = window[0];
                    for number in 1..4 {
                        let won = simd.equal_f32s(winner, simd.splat_f32s(number as f32));
                        value = simd.select_f32s(won, window[number], value);
                    }
                    sum = simd.add_f32s(sum, gradient);
                    product = mul_add(simd, gradient, simd.sub_f32s(value, mean), product);
                }
            }
            store(simd, &mut plain[channels.clone()], sum);
            store(simd, &mut products[channels], product);
        }
    }
}
