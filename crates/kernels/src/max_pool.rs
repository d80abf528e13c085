//! Max-pooling.

use rayon::prelude::*;

use crate::parallel::check_len;
use crate::window::Window;

/// What a max-pool works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool2dShape {
    /// Images.
    pub batch: usize,
    /// How the window slides down; without padding.
    pub rows: Window,
    /// How it slides to the right; without padding.
    pub columns: Window,
    /// Channels, each pooled by itself.
    pub channels: usize,
}

impl MaxPool2dShape {
    fn input_image(&self) -> usize {
        self.rows.input * self.columns.input * self.channels
    }

    fn output_image(&self) -> usize {
        self.rows.output * self.columns.output * self.channels
    }

    #[track_caller]
    fn check(&self, input: usize, output: usize, winners: usize) {
        assert!(
            self.rows.kernel * self.columns.kernel <= 256,
            "a winner is one byte, so a window has at most 256 elements"
        );
        check_len("the pool's input", input, self.batch * self.input_image());
        check_len(
            "the pool's output",
            output,
            self.batch * self.output_image(),
        );
        check_len(
            "the pool's winners",
            winners,
            self.batch * self.output_image(),
        );
    }

    /// Calls `visit` with the first channel's index in the output and in the input for each
    /// element of each window, and the element's number in it.
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

/// The largest value of each window, and in `winners` which element of the window it was: the
/// first of equals, as TensorFlow's CPU kernel has it.
///
/// # Panics
/// Where a buffer has not the length of `shape`, or a window more than 256 elements.
pub fn max_pool2d_forward(
    shape: &MaxPool2dShape,
    input: &[f32],
    output: &mut [f32],
    winners: &mut [u8],
) {
    shape.check(input.len(), output.len(), winners.len());
    if output.is_empty() {
        return;
    }
    let channels = shape.channels;
    output
        .par_chunks_mut(shape.output_image())
        .zip(winners.par_chunks_mut(shape.output_image()))
        .zip(input.par_chunks(shape.input_image()))
        .for_each(|((output, winners), input)| {
            shape.for_each_cell(|to, from, element| {
                let best = &mut output[to..to + channels];
                let winners = &mut winners[to..to + channels];
                let values = &input[from..from + channels];
                for ((best, winner), &value) in best.iter_mut().zip(winners).zip(values) {
                    // Not `value > *best`: what is no number must win, and be seen.
                    if element == 0 || value > *best || value.is_nan() {
                        *best = value;
                        *winner = element;
                    }
                }
            });
        });
}

/// Sends each output's gradient to the input that won; the others get zero.
///
/// # Panics
/// Where a buffer has not the length of `shape`, or a window more than 256 elements.
pub fn max_pool2d_backward(
    shape: &MaxPool2dShape,
    output_gradient: &[f32],
    winners: &[u8],
    input_gradient: &mut [f32],
) {
    shape.check(input_gradient.len(), output_gradient.len(), winners.len());
    input_gradient.fill(0.0);
    if output_gradient.is_empty() {
        return;
    }
    let channels = shape.channels;
    input_gradient
        .par_chunks_mut(shape.input_image())
        .zip(output_gradient.par_chunks(shape.output_image()))
        .zip(winners.par_chunks(shape.output_image()))
        .for_each(|((input, output), winners)| {
            shape.for_each_cell(|from, to, element| {
                let sums = &mut input[to..to + channels];
                let gradients = &output[from..from + channels];
                let winners = &winners[from..from + channels];
                for ((sum, &gradient), &winner) in sums.iter_mut().zip(gradients).zip(winners) {
                    *sum += if winner == element { gradient } else { 0.0 };
                }
            });
        });
}
