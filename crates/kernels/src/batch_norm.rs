//! Batch normalisation (Ioffe, Szegedy 2015) over all but the last axis, as Keras computes it.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::channels::{load, store};
use crate::instructions::Instructions;
use crate::parallel::{CHUNK, RowsMut, check_len, for_each_piece};
use crate::tile::vectors;

/// Rows are dealt into at most so many groups, each with sums of its own.
const GROUPS: usize = 16;

/// Elements of the `sums` buffer for `channels` channels.
pub fn batch_norm_sums_len(channels: usize) -> usize {
    2 * channels * GROUPS
}

/// Sums that the rows are dealt to in turn.
const ACCUMULATORS: usize = 4;

/// Elements of the scratch space of [`batch_norm_statistics`] for `channels` channels.
pub fn batch_norm_statistics_len(channels: usize) -> usize {
    2 * ACCUMULATORS * channels
}

/// The mean and the biased variance of each channel of `input`, `[rows, channels]`.
///
/// Every channel is summed in f32 with four accumulators, rows dealt to them in turn: the order of
/// TensorFlow's CPU kernel, and so its roundings, whatever the threads and the instructions.
///
/// # Panics
/// Where the lengths do not agree.
pub fn batch_norm_statistics(
    instructions: Instructions,
    input: &[f32],
    mean: &mut [f32],
    variance: &mut [f32],
    scratch: &mut [f32],
) {
    let channels = mean.len();
    rows_of(input, channels);
    check_len("the variance", variance.len(), channels);
    check_len(
        "the statistics' scratch",
        scratch.len(),
        batch_norm_statistics_len(channels),
    );
    let (sums, centres) = scratch.split_at_mut(ACCUMULATORS * channels);
    average(instructions, input, None, sums, mean);
    for centre in centres.chunks_exact_mut(channels) {
        centre.copy_from_slice(mean);
    }
    average(instructions, input, Some(centres), sums, variance);
}

/// The average of each channel, or of its squared distances from `centres`, which has the channels'
/// centres once for each accumulator.
fn average(
    instructions: Instructions,
    input: &[f32],
    centres: Option<&[f32]>,
    sums: &mut [f32],
    result: &mut [f32],
) {
    let (channels, turn) = (result.len(), sums.len());
    let (in_turn, rest) = input.split_at(input.len() / turn * turn);
    // Each sum is one task's alone, so that here the number of threads may decide.
    let grain = turn.div_ceil(rayon::current_num_threads());
    let pieces = RowsMut::new(&mut *sums, 1);
    for_each_piece(
        0..turn,
        grain.next_multiple_of(16),
        pieces,
        &|range, sums| {
            instructions.run(Accumulators {
                input: in_turn,
                turn,
                first: range.start,
                centres: centres.map(|centres| &centres[range]),
                sums: sums.values,
            });
        },
    );
    let (first, others) = sums.split_at_mut(channels);
    for row in rest.chunks_exact(channels) {
        for (c, (sum, &value)) in first.iter_mut().zip(row).enumerate() {
            *sum += match centres {
                Some(centres) => (value - centres[c]) * (value - centres[c]),
                None => value,
            };
        }
    }
    for sums in others.chunks_exact(channels) {
        for (total, sum) in first.iter_mut().zip(sums) {
            *total += sum;
        }
    }
    let rows = (input.len() / channels) as f32;
    for (result, total) in result.iter_mut().zip(first) {
        *result = *total / rows;
    }
}

/// Some of the accumulators: each number of a turn of rows has one.
struct Accumulators<'a> {
    /// Whole turns.
    input: &'a [f32],
    /// Numbers of a turn.
    turn: usize,
    /// The first accumulator's number in each turn.
    first: usize,
    /// Where squared distances are summed: from what.
    centres: Option<&'a [f32]>,
    sums: &'a mut [f32],
}

impl WithSimd for Accumulators<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let len = self.sums.len();
        let mut start = 0;
        while len - start >= 8 * S::F32_LANES {
            self.add_up::<S, 8>(simd, start);
            start += 8 * S::F32_LANES;
        }
        while len - start >= 4 * S::F32_LANES {
            self.add_up::<S, 4>(simd, start);
            start += 4 * S::F32_LANES;
        }
        while start < len {
            self.add_up::<S, 1>(simd, start);
            start += S::F32_LANES;
        }
    }
}

impl Accumulators<'_> {
    /// Adds up `VECTORS` vectors side by side: their additions do not wait for each other.
    #[inline(always)]
    fn add_up<S: Simd, const VECTORS: usize>(&mut self, simd: S, start: usize) {
        let range = start..(start + VECTORS * S::F32_LANES).min(self.sums.len());
        let mut sums = [simd.splat_f32s(0.0); VECTORS];
        let turns = self.input.chunks_exact(self.turn);
        match self.centres {
            None => {
                for turn in turns {
                    let values = &turn[self.first..][range.clone()];
                    let values = some_vectors::<S, VECTORS>(simd, values);
                    for v in 0..VECTORS {
                        sums[v] = simd.add_f32s(sums[v], values[v]);
                    }
                }
            }
            Some(centres) => {
                let centres = some_vectors::<S, VECTORS>(simd, &centres[range.clone()]);
                for turn in turns {
                    let values = &turn[self.first..][range.clone()];
                    let values = some_vectors::<S, VECTORS>(simd, values);
                    for v in 0..VECTORS {
                        let distance = simd.sub_f32s(values[v], centres[v]);
                        let square = simd.mul_f32s(distance, distance);
                        sums[v] = simd.add_f32s(sums[v], square);
                    }
                }
            }
        }
        for (output, &sum) in self.sums[range].chunks_mut(S::F32_LANES).zip(&sums) {
            store(simd, output, sum);
        }
    }
}

/// Some numbers as vectors; only a single one may be no whole vector.
#[inline(always)]
fn some_vectors<S: Simd, const VECTORS: usize>(simd: S, values: &[f32]) -> [S::f32s; VECTORS] {
    if VECTORS == 1 {
        [load(simd, values); VECTORS]
    } else {
        vectors::<S, VECTORS>(values)
    }
}

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
