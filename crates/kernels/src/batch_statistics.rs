//! Batch statistics of batch norm: mean and variance of each channel.

use pulp::{Simd, WithSimd};

use crate::batch_norm::row_count;
use crate::channels::{load, store};
use crate::instruction_set::InstructionSet;
use crate::microkernel::load_vectors;
use crate::parallel::{RowsMut, check_len, parallel_for};

/// Accumulators per channel.
const ACCUMULATORS: usize = 4;

/// Length of the scratch space of [`batch_norm_statistics`] for `channels` channels.
pub fn batch_norm_statistics_scratch_len(channels: usize) -> usize {
    2 * ACCUMULATORS * channels
}

/// Computes the mean and the biased variance of each channel of `input`, `[rows, channels]`.
///
/// Each channel is summed in f32 with four accumulators that take the rows in turn. This is the
/// order of TensorFlow's CPU kernel, and therefore its rounding, for any number of threads and any
/// instruction set. `scratch` has [`batch_norm_statistics_scratch_len`] elements and is
/// overwritten.
///
/// # Panics
/// If the lengths do not match or `input` is empty.
pub fn batch_norm_statistics(
    instructions: InstructionSet,
    input: &[f32],
    mean: &mut [f32],
    variance: &mut [f32],
    scratch: &mut [f32],
) {
    let channels = mean.len();
    row_count(input, channels);
    check_len("variance", variance.len(), channels);
    check_len(
        "batch norm scratch space",
        scratch.len(),
        batch_norm_statistics_scratch_len(channels),
    );
    let (sums, means) = scratch.split_at_mut(ACCUMULATORS * channels);
    average(instructions, input, None, sums, mean);
    for copy in means.chunks_exact_mut(channels) {
        copy.copy_from_slice(mean);
    }
    average(instructions, input, Some(means), sums, variance);
}

/// Average of each channel, or of its squared deviations from `means`, which repeats the channel
/// means once per accumulator.
fn average(
    instructions: InstructionSet,
    input: &[f32],
    means: Option<&[f32]>,
    sums: &mut [f32],
    result: &mut [f32],
) {
    let (channels, group_len) = (result.len(), sums.len());
    let (whole, rest) = input.split_at(input.len() / group_len * group_len);
    // Each accumulator is written by a single task, so the number of threads may determine the
    // tasks.
    let grain = group_len.div_ceil(rayon::current_num_threads());
    let parts = RowsMut::new(&mut *sums, 1);
    parallel_for(
        0..group_len,
        grain.next_multiple_of(16),
        parts,
        &|range, sums| {
            instructions.run(Accumulators {
                input: whole,
                group_len,
                first: range.start,
                means: means.map(|means| &means[range]),
                sums: sums.values,
            });
        },
    );
    let (first, others) = sums.split_at_mut(channels);
    for row in rest.chunks_exact(channels) {
        for (c, (sum, &value)) in first.iter_mut().zip(row).enumerate() {
            *sum += match means {
                Some(means) => (value - means[c]) * (value - means[c]),
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

/// A range of the accumulators. Each element of a group of [`ACCUMULATORS`] rows has one.
struct Accumulators<'a> {
    /// Whole groups of rows.
    input: &'a [f32],
    /// Elements per group.
    group_len: usize,
    /// Position of the first accumulator in a group.
    first: usize,
    /// Means from which squared deviations are summed. If `None`, the values are summed.
    means: Option<&'a [f32]>,
    sums: &'a mut [f32],
}

impl WithSimd for Accumulators<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let len = self.sums.len();
        let mut start = 0;
        while len - start >= 8 * S::F32_LANES {
            self.sum_vectors::<S, 8>(simd, start);
            start += 8 * S::F32_LANES;
        }
        while len - start >= 4 * S::F32_LANES {
            self.sum_vectors::<S, 4>(simd, start);
            start += 4 * S::F32_LANES;
        }
        while start < len {
            self.sum_vectors::<S, 1>(simd, start);
            start += S::F32_LANES;
        }
    }
}

impl Accumulators<'_> {
    /// Sums `VECTORS` vectors in parallel, to hide the latency of the additions.
    #[inline(always)]
    fn sum_vectors<S: Simd, const VECTORS: usize>(&mut self, simd: S, start: usize) {
        let range = start..(start + VECTORS * S::F32_LANES).min(self.sums.len());
        let mut sums = [simd.splat_f32s(0.0); VECTORS];
        let groups = self.input.chunks_exact(self.group_len);
        match self.means {
            None => {
                for group in groups {
                    let values = &group[self.first..][range.clone()];
                    let values = load_some::<S, VECTORS>(simd, values);
                    for v in 0..VECTORS {
                        sums[v] = simd.add_f32s(sums[v], values[v]);
                    }
                }
            }
            Some(means) => {
                let means = load_some::<S, VECTORS>(simd, &means[range.clone()]);
                for group in groups {
                    let values = &group[self.first..][range.clone()];
                    let values = load_some::<S, VECTORS>(simd, values);
                    for v in 0..VECTORS {
                        let deviation = simd.sub_f32s(values[v], means[v]);
                        let square = simd.mul_f32s(deviation, deviation);
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

/// Loads `VECTORS` full vectors, or a single one that may be partial.
#[inline(always)]
fn load_some<S: Simd, const VECTORS: usize>(simd: S, values: &[f32]) -> [S::f32s; VECTORS] {
    if VECTORS == 1 {
        [load(simd, values); VECTORS]
    } else {
        load_vectors::<S, VECTORS>(values)
    }
}
