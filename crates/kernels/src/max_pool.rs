//! Max pooling.

use rayon::prelude::*;

use crate::parallel::check_len;
use crate::pool_windows::PoolWindows;
use crate::window::Window;

/// Shape of a max pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool2dShape {
    /// Number of images.
    pub batch: usize,
    /// Window along the height.
    pub rows: Window,
    /// Window along the width.
    pub columns: Window,
    /// Number of channels, each pooled separately.
    pub channels: usize,
}

impl MaxPool2dShape {
    fn windows(&self) -> PoolWindows {
        PoolWindows {
            rows: self.rows,
            columns: self.columns,
            channels: self.channels,
        }
    }

    #[track_caller]
    fn check(&self, input: usize, output: usize, argmax: usize) {
        assert!(
            self.rows.kernel * self.columns.kernel <= 256,
            "argmax indices are bytes: a pooling window has at most 256 elements"
        );
        let windows = self.windows();
        check_len("pool input", input, self.batch * windows.input_image_len());
        let outputs = self.batch * windows.output_image_len();
        check_len("pool output", output, outputs);
        check_len("pool argmax indices", argmax, outputs);
    }
}

/// Writes the maximum of each window to `output` and its index in the window to `argmax`.
///
/// Windows may overlap. Padding is ignored: it is never the maximum. Of equal values the first wins, as
/// in TensorFlow's CPU kernel. If a window contains NaN, its maximum is NaN.
///
/// # Panics
/// If a buffer's length does not match `shape`, or a window has more than 256 elements.
pub fn max_pool2d_forward(
    shape: &MaxPool2dShape,
    input: &[f32],
    output: &mut [f32],
    argmax: &mut [u8],
) {
    shape.check(input.len(), output.len(), argmax.len());
    if output.is_empty() {
        return;
    }
    let windows = shape.windows();
    output
        .par_chunks_mut(windows.output_image_len())
        .zip(argmax.par_chunks_mut(windows.output_image_len()))
        .zip(input.par_chunks(windows.input_image_len()))
        .for_each(|((output, argmax), input)| {
            windows.for_each_cell(|cell| {
                let best = &mut output[cell.output..][..windows.channels];
                let argmax = &mut argmax[cell.output..][..windows.channels];
                let values = &input[cell.input..][..windows.channels];
                for ((best, best_index), &value) in best.iter_mut().zip(argmax).zip(values) {
                    // Not `value > *best` alone: NaN must propagate.
                    if cell.is_first || value > *best || value.is_nan() {
                        *best = value;
                        *best_index = cell.index as u8;
                    }
                }
            });
        });
}

/// Computes the gradient of [`max_pool2d_forward`]: adds each output's gradient to the input at its
/// argmax index. All other inputs have gradient zero.
///
/// # Panics
/// If a buffer's length does not match `shape`, or a window has more than 256 elements.
pub fn max_pool2d_backward(
    shape: &MaxPool2dShape,
    output_gradient: &[f32],
    argmax: &[u8],
    input_gradient: &mut [f32],
) {
    shape.check(input_gradient.len(), output_gradient.len(), argmax.len());
    input_gradient.fill(0.0);
    if output_gradient.is_empty() {
        return;
    }
    let windows = shape.windows();
    input_gradient
        .par_chunks_mut(windows.input_image_len())
        .zip(output_gradient.par_chunks(windows.output_image_len()))
        .zip(argmax.par_chunks(windows.output_image_len()))
        .for_each(|((input, output), argmax)| {
            windows.for_each_cell(|cell| {
                let sums = &mut input[cell.input..][..windows.channels];
                let gradients = &output[cell.output..][..windows.channels];
                let argmax = &argmax[cell.output..][..windows.channels];
                let index = cell.index as u8;
                for ((sum, &gradient), &best_index) in sums.iter_mut().zip(gradients).zip(argmax) {
                    *sum += if best_index == index { gradient } else { 0.0 };
                }
            });
        });
}
