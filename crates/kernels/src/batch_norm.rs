//! Batch norm (Ioffe and Szegedy, 2015) over all axes but the last, as Keras computes it.

use rayon::prelude::*;

use crate::parallel::{CHUNK, check_len};

/// Maximum number of groups of rows with partial sums of their own.
const GROUPS: usize = 16;

/// Length of the scratch space of [`batch_norm_backward`] for `channels` channels.
pub fn batch_norm_backward_scratch_len(channels: usize) -> usize {
    2 * channels * GROUPS
}

/// Computes `1 / sqrt(variance + epsilon)` of each channel.
///
/// # Panics
/// If the lengths differ.
pub fn inverse_std(variance: &[f32], epsilon: f32, result: &mut [f32]) {
    check_len("inverse standard deviation", result.len(), variance.len());
    for (result, variance) in result.iter_mut().zip(variance) {
        *result = 1.0 / (variance + epsilon).sqrt();
    }
}

/// Updates running statistics by an exponential moving average: `running = running * momentum +
/// batch * (1 - momentum)`.
///
/// # Panics
/// If the lengths differ.
pub fn update_moving_average(running: &mut [f32], batch: &[f32], momentum: f32) {
    check_len("moving average", running.len(), batch.len());
    for (running, batch) in running.iter_mut().zip(batch) {
        *running = *running * momentum + batch * (1.0 - momentum);
    }
}

/// Normalizes each channel: `output = gamma * (input - mean) * inverse_std + beta`.
///
/// Training passes the batch statistics, inference the running statistics. The formula is evaluated
/// as in TensorFlow, `input * scale + shift` with one scale and one shift per channel, because the
/// rounding decides the sign of values near zero that enter a ReLU.
///
/// # Panics
/// If the lengths do not match or `input` is empty.
pub fn batch_norm_normalize(
    input: &[f32],
    mean: &[f32],
    inverse_std: &[f32],
    gamma: &[f32],
    beta: &[f32],
    output: &mut [f32],
) {
    let channels = mean.len();
    row_count(input, channels);
    check_len("batch norm output", output.len(), input.len());
    for (what, len) in [
        ("inverse standard deviation", inverse_std.len()),
        ("gamma", gamma.len()),
        ("beta", beta.len()),
    ] {
        check_len(what, len, channels);
    }
    let chunk = chunk_len(channels);
    output
        .par_chunks_mut(chunk)
        .zip(input.par_chunks(chunk))
        .for_each(|(output, input)| {
            for (output, input) in output
                .chunks_exact_mut(channels)
                .zip(input.chunks_exact(channels))
            {
                for c in 0..channels {
                    let scale = inverse_std[c] * gamma[c];
                    output[c] = input[c] * scale + (beta[c] - mean[c] * scale);
                }
            }
        });
}

/// Computes the gradients of [`batch_norm_normalize`] in training, including those through the
/// batch statistics.
///
/// `gradient` holds the gradient at the output and is replaced by the gradient at the input.
/// `gamma_gradient` and `beta_gradient` are overwritten. `sums` is scratch space of
/// [`batch_norm_backward_scratch_len`] elements.
///
/// With the normalized input `x'` and `n` rows: `dx = gamma * inverse_std * (dy - sum(dy) / n - x'
/// * sum(dy * x') / n)`, `dgamma = sum(dy * x')`, `dbeta = sum(dy)`.
///
/// # Panics
/// If the lengths do not match or `input` is empty.
#[allow(clippy::too_many_arguments, reason = "the operation's own buffers")]
pub fn batch_norm_backward(
    input: &[f32],
    mean: &[f32],
    inverse_std: &[f32],
    gamma: &[f32],
    gradient: &mut [f32],
    gamma_gradient: &mut [f32],
    beta_gradient: &mut [f32],
    sums: &mut [f64],
) {
    let channels = mean.len();
    let rows = row_count(input, channels);
    check_len("batch norm gradient", gradient.len(), input.len());
    for (what, len) in [
        ("inverse standard deviation", inverse_std.len()),
        ("gamma", gamma.len()),
        ("gamma gradient", gamma_gradient.len()),
        ("beta gradient", beta_gradient.len()),
    ] {
        check_len(what, len, channels);
    }
    let output_gradient = &*gradient;
    reduce_rows(rows, channels, sums, |row, [sum, product]| {
        let start = row * channels;
        let gradients = &output_gradient[start..start + channels];
        let inputs = &input[start..start + channels];
        for c in 0..channels {
            let normal = (inputs[c] - mean[c]) * inverse_std[c];
            sum[c] += f64::from(gradients[c]);
            product[c] += f64::from(gradients[c] * normal);
        }
    });
    for c in 0..channels {
        beta_gradient[c] = sums[c] as f32;
        gamma_gradient[c] = sums[channels + c] as f32;
    }
    let (beta_gradient, gamma_gradient) = (&*beta_gradient, &*gamma_gradient);
    let chunk = chunk_len(channels);
    let inverse_rows = 1.0 / rows as f32;
    gradient
        .par_chunks_mut(chunk)
        .zip(input.par_chunks(chunk))
        .for_each(|(gradient, input)| {
            for (gradient, input) in gradient
                .chunks_exact_mut(channels)
                .zip(input.chunks_exact(channels))
            {
                for c in 0..channels {
                    let normal = (input[c] - mean[c]) * inverse_std[c];
                    let centred = gradient[c]
                        - inverse_rows * (beta_gradient[c] + normal * gamma_gradient[c]);
                    gradient[c] = gamma[c] * inverse_std[c] * centred;
                }
            }
        });
}

/// Number of rows of `values`, `[rows, channels]`.
#[track_caller]
pub(crate) fn row_count(values: &[f32], channels: usize) -> usize {
    assert!(
        channels > 0 && !values.is_empty() && values.len().is_multiple_of(channels),
        "{} values are not a whole number of rows of {channels} channels",
        values.len()
    );
    values.len() / channels
}

/// Elements per task of an elementwise pass: whole rows.
fn chunk_len(channels: usize) -> usize {
    CHUNK.div_ceil(channels) * channels
}

/// Reduces the rows to two sums per channel. `add` adds one row to both sums.
///
/// The rows are divided into groups, whose partial sums are added in order. The totals are the
/// first `2 * channels` elements of `sums`.
fn reduce_rows(
    rows: usize,
    channels: usize,
    sums: &mut [f64],
    add: impl Fn(usize, [&mut [f64]; 2]) + Sync,
) {
    check_len(
        "batch norm scratch space",
        sums.len(),
        batch_norm_backward_scratch_len(channels),
    );
    let size = rows.div_ceil(GROUPS);
    sums.par_chunks_mut(2 * channels)
        .enumerate()
        .for_each(|(group, sums)| {
            sums.fill(0.0);
            let (first, second) = sums.split_at_mut(channels);
            for row in (group * size).min(rows)..((group + 1) * size).min(rows) {
                add(row, [&mut *first, &mut *second]);
            }
        });
    let (total, others) = sums.split_at_mut(2 * channels);
    for group in others.chunks_exact(2 * channels) {
        for (total, value) in total.iter_mut().zip(group) {
            *total += value;
        }
    }
}
