//! Shape of a convolution.

use crate::operand::ImageSize;
use crate::window::Window;

/// Shape of a convolution with weight `[height, width, in, out]`, as in Keras. As in every
/// framework, the operation is a cross-correlation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dShape {
    /// Number of images.
    pub batch: usize,
    /// Window along the height.
    pub rows: Window,
    /// Window along the width.
    pub columns: Window,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output (filters).
    pub out_channels: usize,
}

impl Conv2dShape {
    /// Length of the input, `[batch, height, width, in]`.
    pub fn input_len(&self) -> usize {
        self.batch * self.input().image_len()
    }

    /// Length of the weight, `[height, width, in, out]`.
    pub fn weight_len(&self) -> usize {
        self.taps() * self.out_channels
    }

    /// Length of the output, `[batch, height, width, out]`, before pooling.
    pub fn output_len(&self) -> usize {
        self.batch * self.output().image_len()
    }

    /// Multiply-adds of one forward pass over one image by the direct algorithm.
    pub fn multiply_adds(&self) -> usize {
        self.rows.output * self.columns.output * self.weight_len()
    }

    pub(crate) fn input(&self) -> ImageSize {
        ImageSize {
            height: self.rows.input,
            width: self.columns.input,
            channels: self.in_channels,
        }
    }

    pub(crate) fn output(&self) -> ImageSize {
        ImageSize {
            height: self.rows.output,
            width: self.columns.output,
            channels: self.out_channels,
        }
    }

    /// Input values per output value.
    pub(crate) fn taps(&self) -> usize {
        self.rows.kernel * self.columns.kernel * self.in_channels
    }
}
