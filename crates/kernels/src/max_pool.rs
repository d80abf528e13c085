//! Max pooling.

use rayon::prelude::*;

use crate::parallel::check_len;
use crate::window::Window;

/// Shape of a max pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool2dShape {
    /// Number of images.
    pub batch: usize,
    /// Window along the height, without padding.
    pub rows: Window,
    /// Window along the width, without padding.
    pub columns: Window,
    /// Number of channels, each pooled separately.
    pub channels: usize,
}

impl MaxPool2dShape {
    fn input_image_len(&self) -> usize {
        self.rows.input * self.columns.input * self.channels
    }

    fn output_image_len(&self) -> usize {
        self.rows.output * self.columns.output * self.channels
    }

    #[track_caller]
    fn check(&self, input: usize, output: usize, argmax: usize) {
        assert!(
            self.rows.kernel * self.columns.kernel <= 256,
            "argmax indices are bytes: a pooling window has at most 256 elements"
        );
        check_len("pool input", input, self.batch * self.input_image_len());
        check_len("pool output", output, self.batch * self.output_image_len());
        check_len(
            "pool argmax indices",
            argmax,
            self.batch * self.output_image_len(),
        );
    }

    /// Calls `visit` for each element of each window, with the offset of the first channel in the
    /// output and in the input, and the element's index in the window.
    fn for_each_cell(&self, mut visit: impl FnMut(usize, usize, u8)) {
        let (rows, columns, channels) = (&self.rows, &self.columns, self.channels);
        for y in 0..rows.output {
            for x in 0..columns.output {
                let output = (y * columns.output + x) * channels;
                for i in 0..rows.kernel {
                    for j in 0..columns.kernel {
                        let (row, column) = (y * rows.stride + i, x * columns.stride + j);
                        let input = (row * columns.input + column) * channels;
                        visit(output, input, (i * columns.kernel + j) as u8);
                    }
                }
            }
        }
    }
}

/// Writes the maximum of each window to `output` and its index in the window to `argmax`.
///
/// Of equal values the first wins, as in TensorFlow's CPU kernel. If a window contains NaN, its
/// maximum is NaN.
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
    let channels = shape.channels;
    output
        .par_chunks_mut(shape.output_image_len())
        .zip(argmax.par_chunks_mut(shape.output_image_len()))
        .zip(input.par_chunks(shape.input_image_len()))
        .for_each(|((output, argmax), input)| {
            shape.for_each_cell(|to, from, element| {
                let best = &mut output[to..to + channels];
                let argmax = &mut argmax[to..to + channels];
                let values = &input[from..from + channels];
                for ((best, best_index), &value) in best.iter_mut().zip(argmax).zip(values) {
                    // Not `value > *best` alone: NaN must propagate.
                    if element == 0 || value > *best || value.is_nan() {
                        *best = value;
                        *best_index = element;
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
    let channels = shape.channels;
    input_gradient
        .par_chunks_mut(shape.input_image_len())
        .zip(output_gradient.par_chunks(shape.output_image_len()))
        .zip(argmax.par_chunks(shape.output_image_len()))
        .for_each(|((input, output), argmax)| {
            shape.for_each_cell(|from, to, element| {
                let sums = &mut input[to..to + channels];
                let gradients = &output[from..from + channels];
                let argmax = &argmax[from..from + channels];
                for ((sum, &gradient), &best_index) in sums.iter_mut().zip(gradients).zip(argmax) {
                    *sum += if best_index == element { gradient } else { 0.0 };
                }
            });
        });
}
