//! The sizes of a convolution.

use crate::source::Size;
use crate::window::Window;

/// What a convolution works on. The kernel is `[height, width, in, out]`, as Keras stores it; what
/// is computed is, as in every framework, a cross-correlation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dShape {
    /// Images.
    pub batch: usize,
    /// How the kernel slides down.
    pub rows: Window,
    /// How it slides to the right.
    pub columns: Window,
    /// Channels of the input.
    pub in_channels: usize,
    /// Filters.
    pub out_channels: usize,
}

impl Conv2dShape {
    /// Elements of the input, `[batch, height, width, in]`.
    pub fn input_len(&self) -> usize {
        self.batch * self.input().image()
    }

    /// Elements of the kernel, `[height, width, in, out]`.
    pub fn weight_len(&self) -> usize {
        self.taps() * self.out_channels
    }

    /// Elements of the output, `[batch, height, width, out]`.
    pub fn output_len(&self) -> usize {
        self.batch * self.output().image()
    }

    /// Multiplications (each with an addition) of one forward pass over one image, by the direct
    /// method.
    pub fn multiply_adds(&self) -> usize {
        self.rows.output * self.columns.output * self.weight_len()
    }

    pub(crate) fn input(&self) -> Size {
        Size {
            height: self.rows.input,
            width: self.columns.input,
            channels: self.in_channels,
        }
    }

    pub(crate) fn output(&self) -> Size {
        Size {
            height: self.rows.output,
            width: self.columns.output,
            channels: self.out_channels,
        }
    }

    /// Input values that one output reads.
    pub(crate) fn taps(&self) -> usize {
        self.rows.kernel * self.columns.kernel * self.in_channels
    }
}
