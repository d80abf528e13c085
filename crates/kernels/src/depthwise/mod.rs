//! Depthwise convolution: each channel is convolved with a kernel of its own.

mod backward;
mod correlation;
mod forward;
mod input_gradient;
mod padded_band;
mod weight_gradient;
mod window3x3;

use crate::band_statistics::{BAND, combine_statistics, statistics_len};
use crate::buffer::{Workspace, WorkspaceLen};
use crate::conv2d::epilogue::Epilogue;
use crate::conv2d::{Conv2dGradients, Conv2dOutput};
use crate::depthwise::padded_band::PaddedBand;
use crate::fused_gradient::FusedGradient;
use crate::instruction_set::InstructionSet;
use crate::operand::{ConvInput, ImageSize};
use crate::parallel::check_len;
use crate::window::Window;

/// Rows that a task computes from one set of padded rows: two bands.
const ROWS: usize = 2 * BAND;

/// Maximum number of groups of images with partial sums of the weight gradient.
const GROUPS: usize = 8;

/// Shape of a depthwise convolution with weight `[height, width, channels]`: Keras's
/// `DepthwiseConv2D` with a depth multiplier of 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthwiseConv2dShape {
    /// Number of images.
    pub batch: usize,
    /// Window along the height.
    pub rows: Window,
    /// Window along the width.
    pub columns: Window,
    /// Channels of input and output.
    pub channels: usize,
}

impl DepthwiseConv2dShape {
    /// Length of the input, `[batch, height, width, channels]`.
    pub fn input_len(&self) -> usize {
        self.batch * self.input().image_len()
    }

    /// Length of the weight, `[height, width, channels]`.
    pub fn weight_len(&self) -> usize {
        self.taps() * self.channels
    }

    /// Length of the output, `[batch, height, width, channels]`.
    pub fn output_len(&self) -> usize {
        self.batch * self.output().image_len()
    }

    /// Multiply-adds of one forward pass over one image.
    pub fn multiply_adds(&self) -> usize {
        self.rows.output * self.columns.output * self.weight_len()
    }

    /// Workspace for the forward and backward passes of this batch size and every smaller one.
    pub fn workspace_len(&self) -> WorkspaceLen {
        let (input, output) = (PaddedBand::input(self), PaddedBand::output_gradient(self));
        let forward = input.rows * input.row_len();
        let backward = output.rows * output.row_len();
        WorkspaceLen {
            thread: backward.max(forward + self.output().row_len()) + 32,
            shared: GROUPS.min(self.batch) * self.partial_len(),
        }
    }

    fn taps(&self) -> usize {
        self.rows.kernel * self.columns.kernel
    }

    /// Length of a group's partial sums of the weight and bias gradients.
    fn partial_len(&self) -> usize {
        (self.taps() + 1) * self.channels
    }

    fn input(&self) -> ImageSize {
        ImageSize {
            height: self.rows.input,
            width: self.columns.input,
            channels: self.channels,
        }
    }

    fn output(&self) -> ImageSize {
        ImageSize {
            height: self.rows.output,
            width: self.columns.output,
            channels: self.channels,
        }
    }
}

/// Depthwise convolution for one shape and instruction set.
///
/// ```
/// use modiste_kernels::{
///     Conv2dOutput, ConvInput, DepthwiseConv2d, DepthwiseConv2dShape, Epilogue, InstructionSet, Window, Workspace,
/// };
///
/// // One image of 1x3 pixels with two channels, and a 1x2 kernel.
/// let rows = Window::valid(1, 1, 1).expect("the kernel fits");
/// let columns = Window::valid(3, 2, 1).expect("the kernel fits");
/// let shape = DepthwiseConv2dShape { batch: 1, rows, columns, channels: 2 };
/// let conv = DepthwiseConv2d { shape, instructions: InstructionSet::best() };
/// let mut output = [0.0; 4];
/// conv.forward(
///     &ConvInput::plain(&[1.0, 10.0, 2.0, 20.0, 3.0, 30.0]),
///     &[1.0, 0.0, 1.0, 2.0], // [height, width, channels]
///     &Epilogue::default(),
///     Conv2dOutput::plain(&mut output),
///     &mut Workspace::new(shape.workspace_len()),
/// );
/// assert_eq!(output, [3.0, 40.0, 5.0, 60.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthwiseConv2d {
    /// Shape of the convolution.
    pub shape: DepthwiseConv2dShape,
    /// Instruction set of all passes.
    pub instructions: InstructionSet,
}

impl DepthwiseConv2d {
    /// Computes `sum[b, y, x, c] = sum over i, j of input[b, y*s + i - p, x*s + j - p, c] * weight[i,
    /// j, c]`, followed by the epilogue.
    ///
    /// # Panics
    /// If a buffer's length does not match the shape, or if argmax indices or a summand are given.
    pub fn forward(
        &self,
        input: &ConvInput<'_>,
        weight: &[f32],
        epilogue: &Epilogue<'_>,
        output: Conv2dOutput<'_>,
        workspace: &mut Workspace,
    ) {
        self.check(input, output.values.len());
        workspace.check(self.shape.workspace_len());
        let len = self.shape.weight_len();
        check_len("depthwise convolution weight", weight.len(), len);
        epilogue.check(self.shape.channels, output.values.len());
        assert!(
            output.argmax.is_none() && epilogue.summand.is_none(),
            "a depthwise convolution has neither a fused pool nor a summand"
        );
        if let Some(statistics) = &output.statistics {
            let len = statistics.len();
            check_len("convolution statistics", len, self.statistics_len());
        }
        if !output.values.is_empty() {
            forward::forward(self, input, weight, epilogue, output, workspace);
        }
    }

    /// Length of the statistics in [`Conv2dOutput`].
    pub fn statistics_len(&self) -> usize {
        statistics_len(self.shape.batch, &self.shape.output())
    }

    /// Computes the mean and the biased variance of each channel of the output, as
    /// [`Conv2d::batch_statistics`](crate::Conv2d::batch_statistics) does.
    ///
    /// # Panics
    /// If a buffer's length does not match the shape.
    pub fn batch_statistics(&self, statistics: &[f32], mean: &mut [f32], variance: &mut [f32]) {
        let size = self.shape.output();
        combine_statistics(self.shape.batch, &size, statistics, mean, variance);
    }

    /// Computes the gradients of [`DepthwiseConv2d::forward`].
    ///
    /// # Panics
    /// If a buffer's length does not match the shape, or if the gradient is that of a pool.
    pub fn backward(
        &self,
        input: &ConvInput<'_>,
        weight: &[f32],
        gradient: &FusedGradient<'_>,
        gradients: Conv2dGradients<'_>,
        workspace: &mut Workspace,
    ) {
        self.check(input, gradient.values.len());
        let shape = &self.shape;
        workspace.check(shape.workspace_len());
        assert!(
            gradient.argmax.is_none(),
            "a depthwise convolution has no fused pool"
        );
        let len = shape.weight_len();
        check_len("depthwise convolution weight", weight.len(), len);
        gradients.check(shape.input_len(), len, shape.channels);
        if gradient.values.is_empty() {
            gradients.fill_zeros();
            return;
        }
        backward::backward(self, input, weight, gradient, gradients, workspace);
    }

    #[track_caller]
    fn check(&self, input: &ConvInput<'_>, output: usize) {
        let (inputs, outputs) = (self.shape.input_len(), self.shape.output_len());
        check_len("depthwise convolution input", input.values.len(), inputs);
        check_len("depthwise convolution output", output, outputs);
    }
}
