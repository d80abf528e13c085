//! Batch normalisation (Ioffe, Szegedy 2015) over all but the last axis, as Keras computes it.

use rayon::prelude::*;

use crate::parallel::{CHUNK, check_len};

/// Rows are dealt into at most so many groups, each with sums of its own.
const GROUPS: usize = 16;

/// Elements of the `sums` buffer for `channels` channels.
pub fn batch_norm_sums_len(channels: usize) -> usize {
    2 * channels * GROUPS
}

/// The mean and the biased variance of each channel of `input`, `[rows, channels]`.
///
/// Every channel is summed in f32 with four accumulators, rows dealt to them in turn: the order of
/// TensorFlow's CPU kernel, and so its roundings. Each sum is one task's, whatever the threads.
///
/// # Panics
/// Where the lengths do not agree.
pub fn batch_norm_statistics(input: &[f32], mean: &mut [f32], variance: &mut [f32]) {
    let channels = mean.len();
    let rows = rows_of(input, channels) as f32;
    check_len("the variance", variance.len(), channels);
    mean.par_chunks_mut(LANES)
        .zip(variance.par_chunks_mut(LANES))
        .enumerate()
        .for_each(|(block, (mean, variance))| {
            let columns = Columns {
                first: block * LANES,
                count: mean.len(),
                channels,
            };
            let sums = sum_columns(input, &columns, |value, _| value);
            for (mean, sum) in mean.iter_mut().zip(sums) {
                *mean = sum / rows;
            }
            let sums = sum_columns(input, &columns, |value, c| {
                let centred = value - mean[c];
                centred * centred
            });
            for (variance, sum) in variance.iter_mut().zip(sums) {
                *variance = sum / rows;
            }
        });
}

/// Channels `first..first + count` of `[rows, channels]`, at most [`LANES`].
struct Columns {
    first: usize,
    count: usize,
    channels: usize,
}

/// The sum of `term(value, column)` over the rows, for each column.
fn sum_columns(input: &[f32], columns: &Columns, term: impl Fn(f32, usize) -> f32) -> [f32; LANES] {
    const ACCUMULATORS: usize = 4;
    let mut sums = [[0.0_f32; LANES]; ACCUMULATORS];
    let rows = input.chunks_exact(columns.channels);
    let in_turn = rows.len() / ACCUMULATORS * ACCUMULATORS;
    for (index, row) in rows.enumerate() {
        let accumulator = if index < in_turn {
            index % ACCUMULATORS
        } else {
            0
        };
        let values = &row[columns.first..columns.first + columns.count];
        for (column, (sum, &value)) in sums[accumulator].iter_mut().zip(values).enumerate() {
            *sum += term(value, column);
        }
    }
    std::array::from_fn(|column| {
        sums[1..]
            .iter()
            .fold(sums[0][column], |total, sums| total + sums[column])
    })
}

/// Channels that are summed side by side: a vector register's worth.
const LANES: usize = 16;

/// `1 / sqrt(variance + epsilon)` of each channel.
///
/// # Panics
/// Where the lengths differ.
pub fn inverse_deviation(variance: &[f32], epsilon: f32, result: &mut [f32]) {
    check_len("the inverse deviation", result.len(), variance.len());
    for (result, variance) in result.iter_mut().zip(variance) {
        *result = 1.0 / (variance + epsilon).sqrt();
    }
}

/// `moving = moving * momentum + batch * (1 - momentum)`.
///
/// # Panics
/// Where the lengths differ.
pub fn update_moving_average(moving: &mut [f32], batch: &[f32], momentum: f32) {
    check_len("the moving average", moving.len(), batch.len());
    for (moving, batch) in moving.iter_mut().zip(batch) {
        *moving = *moving * momentum + batch * (1.0 - momentum);
    }
}

/// `output = gamma * (input - mean) * inverse_deviation + beta`, channel by channel: with the
/// batch's statistics in training, with the moving ones in inference. Computed as TensorFlow does,
/// `input * scale + shift` with a scale and a shift per channel: the same roundings matter where a
/// rectifier decides on the sign of nearly nothing.
///
/// # Panics
/// Where the lengths do not agree.
pub fn batch_norm_normalize(
    input: &[f32],
    mean: &[f32],
    inverse_deviation: &[f32],
    gamma: &[f32],
    beta: &[f32],
    output: &mut [f32],
) {
    let channels = mean.len();
    rows_of(input, channels);
    check_len("the normalised output", output.len(), input.len());
    for (what, len) in [
        ("the inverse deviation", inverse_deviation.len()),
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
                    let scale = inverse_deviation[c] * gamma[c];
                    output[c] = input[c] * scale + (beta[c] - mean[c] * scale);
                }
            }
        });
}

/// The gradients of training's normalisation, through the batch's statistics too. `gradient` comes
/// as the one at the output and is turned into the one at the input, in place;
/// `gamma_gradient` and `beta_gradient` are overwritten.
///
/// With x' the normalised input and n rows: `dx = gamma * inverse_deviation * (dy - sum(dy) / n -
/// x' * sum(dy * x') / n)`, `dgamma = sum(dy * x')`, `dbeta = sum(dy)`.
///
/// # Panics
/// Where the lengths do not agree.
#[allow(clippy::too_many_arguments, reason = "the operation's own buffers")]
pub fn batch_norm_backward(
    input: &[f32],
    mean: &[f32],
    inverse_deviation: &[f32],
    gamma: &[f32],
    gradient: &mut [f32],
    gamma_gradient: &mut [f32],
    beta_gradient: &mut [f32],
    sums: &mut [f64],
) {
    let channels = mean.len();
    let rows = rows_of(input, channels);
    check_len("the gradient", gradient.len(), input.len());
    for (what, len) in [
        ("the inverse deviation", inverse_deviation.len()),
        ("gamma", gamma.len()),
        ("gamma's gradient", gamma_gradient.len()),
        ("beta's gradient", beta_gradient.len()),
    ] {
        check_len(what, len, channels);
    }
    let output_gradient = &*gradient;
    add_up(rows, channels, sums, |row, [sum, product]| {
        let start = row * channels;
        let gradients = &output_gradient[start..start + channels];
        let inputs = &input[start..start + channels];
        for c in 0..channels {
            let normal = (inputs[c] - mean[c]) * inverse_deviation[c];
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
    let share = 1.0 / rows as f32;
    gradient
        .par_chunks_mut(chunk)
        .zip(input.par_chunks(chunk))
        .for_each(|(gradient, input)| {
            for (gradient, input) in gradient
                .chunks_exact_mut(channels)
                .zip(input.chunks_exact(channels))
            {
                for c in 0..channels {
                    let normal = (input[c] - mean[c]) * inverse_deviation[c];
                    let centred =
                        gradient[c] - share * (beta_gradient[c] + normal * gamma_gradient[c]);
                    gradient[c] = gamma[c] * inverse_deviation[c] * centred;
                }
            }
        });
}

/// Rows of `[rows, channels]`.
#[track_caller]
fn rows_of(values: &[f32], channels: usize) -> usize {
    assert!(
        channels > 0 && !values.is_empty() && values.len().is_multiple_of(channels),
        "{} values are no rows of {channels} channels",
        values.len()
    );
    values.len() / channels
}

/// Whole rows that one task of an elementwise pass handles, in elements.
fn chunk_len(channels: usize) -> usize {
    CHUNK.div_ceil(channels) * channels
}

/// Sums over rows, two per channel: `add` adds one row to both. The rows are dealt into groups,
/// and the groups' sums added in their order; the totals are the first `2 * channels` of `sums`.
fn add_up(
    rows: usize,
    channels: usize,
    sums: &mut [f64],
    add: impl Fn(usize, [&mut [f64]; 2]) + Sync,
) {
    check_len("the sums", sums.len(), batch_norm_sums_len(channels));
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
