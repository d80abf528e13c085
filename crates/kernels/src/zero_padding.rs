//! Zero padding of images.

use crate::parallel::{RowsMut, check_len, parallel_for};

/// Shape of a zero padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZeroPadding2dShape {
    /// Number of images.
    pub batch: usize,
    /// Height of the input.
    pub height: usize,
    /// Width of the input.
    pub width: usize,
    /// Number of channels.
    pub channels: usize,
    /// Rows of zeros above and below the image, then columns of zeros before and after it: `[[top,
    /// bottom], [left, right]]`, as in Keras.
    pub padding: [[usize; 2]; 2],
}

impl ZeroPadding2dShape {
    fn row_len(&self) -> usize {
        self.width * self.channels
    }

    fn padded_height(&self) -> usize {
        self.height + self.padding[0].iter().sum::<usize>()
    }

    fn padded_row_len(&self) -> usize {
        (self.width + self.padding[1].iter().sum::<usize>()) * self.channels
    }

    /// Index of the input row at row `row` of the padded batch; `None` in the padding.
    fn input_row(&self, row: usize) -> Option<usize> {
        let (image, y) = (row / self.padded_height(), row % self.padded_height());
        let y = y.checked_sub(self.padding[0][0])?;
        (y < self.height).then_some(image * self.height + y)
    }

    #[track_caller]
    fn check(&self, input: usize, output: usize) {
        let inputs = self.batch * self.height * self.row_len();
        check_len("padding input", input, inputs);
        let outputs = self.batch * self.padded_height() * self.padded_row_len();
        check_len("padding output", output, outputs);
    }
}

/// Copies each image of `input` into the middle of an image of `output` and sets the border to zero.
///
/// # Panics
/// If a buffer's length does not match `shape`.
pub fn zero_padding2d_forward(shape: &ZeroPadding2dShape, input: &[f32], output: &mut [f32]) {
    shape.check(input.len(), output.len());
    let (row_len, padded_len) = (shape.row_len(), shape.padded_row_len());
    let left = shape.padding[1][0] * shape.channels;
    let rows = RowsMut::new(output, padded_len);
    let grain = shape.padded_height();
    parallel_for(0..shape.batch * grain, grain, rows, &|rows, output| {
        for (index, row) in rows.enumerate() {
            let output = &mut output.values[index * padded_len..][..padded_len];
            match shape.input_row(row) {
                None => output.fill(0.0),
                Some(row) => {
                    output[..left].fill(0.0);
                    output[left..left + row_len]
                        .copy_from_slice(&input[row * row_len..][..row_len]);
                    output[left + row_len..].fill(0.0);
                }
            }
        }
    });
}

/// Computes the gradient of [`zero_padding2d_forward`]: the gradient at the output without its border.
///
/// # Panics
/// If a buffer's length does not match `shape`.
pub fn zero_padding2d_backward(
    shape: &ZeroPadding2dShape,
    output_gradient: &[f32],
    input_gradient: &mut [f32],
) {
    shape.check(input_gradient.len(), output_gradient.len());
    let (row_len, padded_len) = (shape.row_len(), shape.padded_row_len());
    let [[top, _], [left, _]] = shape.padding;
    let rows = RowsMut::new(input_gradient, row_len);
    let grain = shape.height;
    parallel_for(0..shape.batch * grain, grain, rows, &|rows, gradient| {
        for (index, row) in rows.enumerate() {
            let (image, y) = (row / shape.height, row % shape.height);
            let start = (image * shape.padded_height() + top + y) * padded_len;
            let values = &output_gradient[start + left * shape.channels..][..row_len];
            gradient.values[index * row_len..][..row_len].copy_from_slice(values);
        }
    });
}
