//! Batch norm fused into the neighboring operations: the next operation applies it as it reads, and
//! in the backward pass computes the sums that its gradients need.

use pulp::{Simd, WithSimd};

use crate::channels::write_gradient_sums;
use crate::conv2d::BatchNormGradientSums;
use crate::instruction_set::InstructionSet;
use crate::parallel::{RowsMut, check_len, parallel_for};

/// Computes batch norm as a per-channel affine map: `scale = gamma * inverse_std`, `shift = beta -
/// mean * scale`.
///
/// # Panics
/// If the lengths differ.
pub fn batch_norm_affine(
    mean: &[f32],
    inverse_std: &[f32],
    gamma: &[f32],
    beta: &[f32],
    scale: &mut [f32],
    shift: &mut [f32],
) {
    let channels = mean.len();
    for len in [
        inverse_std.len(),
        gamma.len(),
        beta.len(),
        scale.len(),
        shift.len(),
    ] {
        check_len("per-channel parameter", len, channels);
    }
    for c in 0..channels {
        scale[c] = inverse_std[c] * gamma[c];
        shift[c] = beta[c] - mean[c] * scale[c];
    }
}

/// Computes batch norm's gradients from the sums of [`batch_norm_backward_reduce`], added up over
/// the images, and the coefficients of [`BatchNormGradient`](crate::BatchNormGradient).
///
/// With the normalized input `x'` and `rows` rows `n`: `dx = gamma * inverse_std * (dy - sum(dy) /
/// n - x' * sum(dy * x') / n)`, `dgamma = sum(dy * x')`, `dbeta = sum(dy)`. `gamma_gradient`,
/// `beta_gradient` and `coefficients`, `[3, channels]`, are overwritten.
///
/// # Panics
/// If the lengths do not match.
#[allow(clippy::too_many_arguments, reason = "the operation's own buffers")]
pub fn batch_norm_backward_coefficients(
    sums: &[f32],
    rows: usize,
    mean: &[f32],
    inverse_std: &[f32],
    gamma: &[f32],
    gamma_gradient: &mut [f32],
    beta_gradient: &mut [f32],
    coefficients: &mut [f32],
) {
    let channels = mean.len();
    check_len("batch norm coefficients", coefficients.len(), 3 * channels);
    assert!(
        sums.len().is_multiple_of(2 * channels),
        "{} sums are not a whole number of pairs for {channels} channels",
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
        let inverse = f64::from(inverse_std[channel]);
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

/// Computes the sums of a gradient at batch norm's output that [`batch_norm_backward_coefficients`]
/// reads.
///
/// # Panics
/// If the lengths do not match.
pub fn batch_norm_backward_reduce(
    instructions: InstructionSet,
    gradient: &[f32],
    target: BatchNormGradientSums<'_>,
) {
    let BatchNormGradientSums { input, mean, sums } = target;
    check_len("batch norm gradient", gradient.len(), input.len());
    let batch = sums.len() / (2 * mean.len());
    let image = input.len() / batch.max(1);
    let rows = RowsMut::new(sums, 2 * mean.len());
    parallel_for(0..batch, 1, rows, &|unit, sums| {
        let range = unit.start * image..unit.end * image;
        instructions.run(ReduceImages {
            mean,
            gradient: &gradient[range.clone()],
            input: &input[range],
            sums: sums.values,
        });
    });
}

struct ReduceImages<'a> {
    mean: &'a [f32],
    gradient: &'a [f32],
    input: &'a [f32],
    sums: &'a mut [f32],
}

impl WithSimd for ReduceImages<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        write_gradient_sums(simd, self.mean, self.gradient, self.input, self.sums);
    }
}
