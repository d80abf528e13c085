//! Sum of a residual block and its shortcut with the neighboring batch norms and ReLU: one pass over the
//! values forward, one backward.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::channels::{add_gradient_sums, load, store};
use crate::conv2d::BatchNormGradientSums;
use crate::input_gradient::mask_by_input;
use crate::instruction_set::InstructionSet;
use crate::operand::{ConvInput, relu};
use crate::parallel::{CHUNK, RowsMut, check_len, parallel_for};

/// Writes `block + shortcut`, followed by ReLU if `relu` is true, to `output`, `[rows, channels]`.
///
/// Each operand is read with the affine map and the ReLU of its [`ConvInput`]: batch norm with known
/// statistics. Without a shortcut, this is a batch norm followed by ReLU.
///
/// ```
/// use modiste_kernels::{Affine, ConvInput, InstructionSet, residual_forward};
///
/// let norm = Affine { scale: &[2.0], shift: &[1.0] };
/// let block = ConvInput { affine: Some(norm), ..ConvInput::plain(&[1.0, -3.0]) };
/// let shortcut = ConvInput::plain(&[0.5, 0.5]);
/// let mut output = [0.0; 2];
/// residual_forward(1, InstructionSet::best(), &block, Some(&shortcut), true, &mut output);
/// assert_eq!(output, [3.5, 0.0]);
/// ```
///
/// # Panics
/// If the lengths do not match.
pub fn residual_forward(
    channels: usize,
    instructions: InstructionSet,
    block: &ConvInput<'_>,
    shortcut: Option<&ConvInput<'_>>,
    relu: bool,
    output: &mut [f32],
) {
    check_len("residual block", block.values.len(), output.len());
    check_rows(output.len(), channels);
    if let Some(shortcut) = shortcut {
        check_len("shortcut", shortcut.values.len(), output.len());
    }
    let rows = output.len() / channels;
    let parts = RowsMut::new(output, channels);
    parallel_for(0..rows, CHUNK.div_ceil(channels), parts, &|rows, output| {
        instructions.run(Sum {
            channels,
            block,
            shortcut,
            relu,
            rows,
            output: output.values,
        });
    });
}

#[track_caller]
fn check_rows(len: usize, channels: usize) {
    assert!(
        channels > 0 && len.is_multiple_of(channels),
        "{len} values are not a whole number of rows of {channels} channels"
    );
}

struct Sum<'a> {
    channels: usize,
    block: &'a ConvInput<'a>,
    shortcut: Option<&'a ConvInput<'a>>,
    relu: bool,
    rows: Range<usize>,
    output: &'a mut [f32],
}

impl WithSimd for Sum<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            channels,
            block,
            shortcut,
            rows,
            output,
            ..
        } = self;
        let values = rows.start * channels..rows.end * channels;
        for start in (0..channels).step_by(S::F32_LANES) {
            let range = start..(start + S::F32_LANES).min(channels);
            let block_map = block.map(simd, range.clone());
            let pixels = output
                .chunks_exact_mut(channels)
                .zip(block.values[values.clone()].chunks_exact(channels));
            match shortcut {
                None => {
                    for (output, block) in pixels {
                        let sum = block_map.apply(simd, load(simd, &block[range.clone()]));
                        let sum = if self.relu { relu(simd, sum) } else { sum };
                        store(simd, &mut output[range.clone()], sum);
                    }
                }
                Some(shortcut) => {
                    let shortcut_map = shortcut.map(simd, range.clone());
                    let shortcuts = shortcut.values[values.clone()].chunks_exact(channels);
                    for ((output, block), shortcut) in pixels.zip(shortcuts) {
                        let block = block_map.apply(simd, load(simd, &block[range.clone()]));
                        let shortcut =
                            shortcut_map.apply(simd, load(simd, &shortcut[range.clone()]));
                        let sum = simd.add_f32s(block, shortcut);
                        let sum = if self.relu { relu(simd, sum) } else { sum };
                        store(simd, &mut output[range.clone()], sum);
                    }
                }
            }
        }
    }
}

/// Computes the gradient at the sum of [`residual_forward`] in place, and the sums for the backward
/// passes of the batch norms of its operands.
///
/// `gradient` is the gradient at the output and becomes the gradient at the sum, which is that of both
/// operands after their affine maps. `summand` is added to it first: the gradient of another reader of
/// the output. `relu` is the value that the ReLU followed, or its output, which has the same sign; without
/// ReLU it is `None`. `targets` are those of [`batch_norm_backward_reduce`], for up to two batch norms.
///
/// [`batch_norm_backward_reduce`]: crate::batch_norm_backward_reduce
///
/// # Panics
/// If the lengths do not match.
#[allow(clippy::too_many_arguments, reason = "the operation's own buffers")]
pub fn residual_backward(
    batch: usize,
    channels: usize,
    instructions: InstructionSet,
    gradient: &mut [f32],
    summand: Option<&[f32]>,
    relu: Option<&ConvInput<'_>>,
    targets: [Option<BatchNormGradientSums<'_>>; 2],
) {
    let len = gradient.len();
    check_rows(len, batch * channels);
    let [first, second] = targets.map(|target| {
        target.map(|BatchNormGradientSums { input, mean, sums }| {
            check_len("batch norm input", input.len(), len);
            check_len("batch norm mean", mean.len(), channels);
            check_len("batch norm gradient sums", sums.len(), 2 * batch * channels);
            ((input, mean), RowsMut::new(sums, 2 * channels))
        })
    });
    let (first_norm, first_sums) = first.unzip();
    let (second_norm, second_sums) = second.unzip();
    if let Some(summand) = summand {
        check_len("gradient to add", summand.len(), len);
    }
    if let Some(output) = relu {
        check_len("ReLU output", output.values.len(), len);
    }
    let image_len = len / batch.max(1);
    let images = RowsMut::new(gradient, image_len);
    let parts = (images, (first_sums, second_sums));
    parallel_for(0..batch, 1, parts, &|image, (gradient, sums)| {
        let [first_sums, second_sums] = [sums.0, sums.1].map(|sums| sums.map(|sums| sums.values));
        instructions.run(BackwardImage {
            channels,
            start: image.start * image_len,
            gradient: gradient.values,
            summand,
            relu,
            targets: [first_norm.zip(first_sums), second_norm.zip(second_sums)],
        });
    });
}

/// Input and mean of a batch norm, and its sums for one image, `[2, channels]`.
type Target<'a> = Option<((&'a [f32], &'a [f32]), &'a mut [f32])>;

struct BackwardImage<'a> {
    channels: usize,
    /// Offset of the image.
    start: usize,
    gradient: &'a mut [f32],
    summand: Option<&'a [f32]>,
    relu: Option<&'a ConvInput<'a>>,
    targets: [Target<'a>; 2],
}

/// Elements that stay in the first-level cache while the steps run over them.
const BLOCK: usize = 2048;

impl WithSimd for BackwardImage<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let channels = self.channels;
        for (_, sums) in self.targets.iter_mut().flatten() {
            sums.fill(0.0);
        }
        let block_len = BLOCK.div_ceil(channels) * channels;
        for (index, gradient) in self.gradient.chunks_mut(block_len).enumerate() {
            let start = self.start + index * block_len;
            if let Some(summand) = self.summand {
                for (gradient, summand) in gradient.iter_mut().zip(&summand[start..]) {
                    *gradient += summand;
                }
            }
            if let Some(output) = self.relu {
                mask_by_input(simd, output, channels, start, gradient);
            }
            for ((input, mean), sums) in self.targets.iter_mut().flatten() {
                let input = &input[start..][..gradient.len()];
                add_gradient_sums(simd, mean, gradient, input, sums);
            }
        }
    }
}
