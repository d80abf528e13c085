//! Average pooling.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::instruction_set::InstructionSet;
use crate::parallel::{CHUNK, RowsMut, check_len, parallel_for};
use crate::pool_windows::PoolWindows;
use crate::window::Window;

/// Shape of an average pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AveragePool2dShape {
    /// Number of images.
    pub batch: usize,
    /// Window along the height.
    pub rows: Window,
    /// Window along the width.
    pub columns: Window,
    /// Number of channels, each pooled separately.
    pub channels: usize,
}

impl AveragePool2dShape {
    fn windows(&self) -> PoolWindows {
        PoolWindows {
            rows: self.rows,
            columns: self.columns,
            channels: self.channels,
        }
    }

    #[track_caller]
    fn check(&self, input: usize, output: usize) {
        let windows = self.windows();
        check_len("pool input", input, self.batch * windows.input_image_len());
        let outputs = self.batch * windows.output_image_len();
        check_len("pool output", output, outputs);
    }
}

/// Writes the mean of each window to `output`.
///
/// Windows may overlap. Padding is ignored: the sum is divided by the number of pixels inside the
/// image, as in Keras.
///
/// ```
/// use modiste_kernels::{AveragePool2dShape, InstructionSet, Window, average_pool2d_forward};
///
/// let rows = Window::same(1, 2, 2).expect("non-zero sizes");
/// let columns = Window::same(3, 2, 2).expect("non-zero sizes");
/// let shape = AveragePool2dShape { batch: 1, rows, columns, channels: 1 };
/// let mut output = [0.0; 2];
/// average_pool2d_forward(&shape, InstructionSet::best(), &[1.0, 2.0, 5.0], &mut output);
/// assert_eq!(output, [1.5, 5.0]);
/// ```
///
/// # Panics
/// If a buffer's length does not match `shape`.
pub fn average_pool2d_forward(
    shape: &AveragePool2dShape,
    instructions: InstructionSet,
    input: &[f32],
    output: &mut [f32],
) {
    shape.check(input.len(), output.len());
    let windows = shape.windows();
    let row_len = windows.output_row_len();
    let rows = RowsMut::new(output, row_len);
    let grain = CHUNK.div_ceil(row_len.max(1));
    parallel_for(
        0..shape.batch * shape.rows.output,
        grain,
        rows,
        &|rows, output| {
            instructions.run(ForwardRows {
                windows,
                input,
                rows,
                output: output.values,
            });
        },
    );
}

struct ForwardRows<'a> {
    windows: PoolWindows,
    input: &'a [f32],
    rows: Range<usize>,
    output: &'a mut [f32],
}

impl WithSimd for ForwardRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self {
            windows,
            input,
            rows,
            output,
        } = self;
        let (height, channels, row_len) = (
            windows.rows.output,
            windows.channels,
            windows.output_row_len(),
        );
        for (index, row) in rows.enumerate() {
            let (image, y) = (row / height, row % height);
            let input = &input[image * windows.input_image_len()..][..windows.input_image_len()];
            let output = &mut output[index * row_len..][..row_len];
            output.fill(0.0);
            windows.for_each_cell_of_row(y, |cell| {
                let sums = &mut output[cell.output - y * row_len..][..channels];
                for (sum, value) in sums.iter_mut().zip(&input[cell.input..][..channels]) {
                    *sum += value;
                }
            });
            let taps = windows.rows.taps(y).0.len();
            for (x, pixel) in output.chunks_exact_mut(channels.max(1)).enumerate() {
                let count = (taps * windows.columns.taps(x).0.len()) as f32;
                for value in pixel {
                    *value /= count;
                }
            }
        }
    }
}

/// Computes the gradient of [`average_pool2d_forward`]: each output's gradient is divided evenly among
/// the pixels of its window.
///
/// # Panics
/// If a buffer's length does not match `shape`.
pub fn average_pool2d_backward(
    shape: &AveragePool2dShape,
    instructions: InstructionSet,
    output_gradient: &[f32],
    input_gradient: &mut [f32],
) {
    shape.check(input_gradient.len(), output_gradient.len());
    let windows = shape.windows();
    let images = RowsMut::new(input_gradient, windows.input_image_len());
    parallel_for(0..shape.batch, 1, images, &|image, gradient| {
        let len = windows.output_image_len();
        instructions.run(BackwardImage {
            windows,
            output_gradient: &output_gradient[image.start * len..][..len],
            input_gradient: gradient.values,
        });
    });
}

struct BackwardImage<'a> {
    windows: PoolWindows,
    output_gradient: &'a [f32],
    input_gradient: &'a mut [f32],
}

impl WithSimd for BackwardImage<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let channels = self.windows.channels;
        self.input_gradient.fill(0.0);
        self.windows.for_each_cell(|cell| {
            let sums = &mut self.input_gradient[cell.input..][..channels];
            let gradients = &self.output_gradient[cell.output..][..channels];
            let factor = 1.0 / cell.count as f32;
            for (sum, gradient) in sums.iter_mut().zip(gradients) {
                *sum += gradient * factor;
            }
        });
    }
}
