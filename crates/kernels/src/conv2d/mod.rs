//! Convolution, direct or by Winograd's algorithm.

pub(crate) mod direct;
pub(crate) mod epilogue;
mod patches;
pub(crate) mod shape;
pub(crate) mod winograd;

use crate::band_statistics::{combine_statistics, statistics_len};
use crate::buffer::{Workspace, WorkspaceLen};
use crate::conv2d::epilogue::Epilogue;
use crate::conv2d::shape::Conv2dShape;
use crate::fused_gradient::FusedGradient;
use crate::input_gradient::InputGradientEpilogue;
use crate::instruction_set::InstructionSet;
use crate::operand::ConvInput;
use crate::parallel::check_len;

/// Algorithm of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConvAlgorithm {
    /// Direct convolution: every product of the definition, summed in order, for any kernel size
    /// and stride. Agrees with a naive loop up to f32 rounding.
    Direct,
    /// Winograd's F(4x4, 3x3), with a quarter of the multiplications, for 3x3 kernels with stride
    /// 1.
    ///
    /// Largest error on layers of the architectures `vgg`, `compact` and `bnvgg`, relative to the
    /// largest value, with the root mean square error in parentheses. The example `winograd_error`
    /// measures them (here with AVX-512); the tests require at most 2e-5 for every instruction set.
    ///
    /// | layer | outputs | input gradient | weight gradient |
    /// |---|---|---|---|
    /// | 28x28, 64 to 64 | 3.7e-6 (2.4e-7) | 4.3e-6 (3.4e-7) | 2.0e-6 (2.5e-7) |
    /// | 14x14, 64 to 128 | 4.2e-6 (2.1e-7) | 5.5e-6 (5.0e-7) | 1.3e-6 (1.5e-7) |
    /// | 12x12, 128 to 256 | 5.5e-6 (2.5e-7) | 6.9e-6 (6.3e-7) | 3.2e-6 (2.3e-7) |
    /// | 24x24, 32 to 32 | 3.0e-6 (1.8e-7) | 3.8e-6 (2.8e-7) | 2.0e-6 (2.7e-7) |
    /// | 28x28, 32 to 32 | 3.0e-6 (1.7e-7) | 3.1e-6 (2.6e-7) | 2.2e-6 (2.9e-7) |
    /// | 12x12, 32 to 64 | 2.6e-6 (1.7e-7) | 3.1e-6 (3.3e-7) | 1.4e-6 (1.8e-7) |
    /// | 10x10, 64 to 64 | 3.5e-6 (2.2e-7) | 3.3e-6 (3.0e-7) | 1.1e-6 (1.4e-7) |
    Winograd,
}

/// Convolution with fused 2x2 max pooling, for one shape and instruction set.
///
/// ```
/// use modiste_kernels::{
///     Conv2d, Conv2dOutput, Conv2dShape, ConvAlgorithm, ConvInput, Epilogue, InstructionSet, Window,
///     Workspace,
/// };
///
/// // A 5x5 image and a 3x3 kernel without padding.
/// let window = Window::valid(5, 3, 1).expect("3 fits into 5");
/// let shape = Conv2dShape { batch: 1, rows: window, columns: window, in_channels: 1, out_channels: 1 };
/// let image = [
///     3., 3., 2., 1., 0., 0., 0., 1., 3., 1., 3., 1., 2., 2., 3., 2., 0., 0., 2., 2., 2., 0., 0., 0., 1.,
/// ];
/// let weight = [0., 1., 2., 2., 2., 0., 0., 1., 2.];
/// let conv = Conv2d {
///     shape,
///     pool: false,
///     algorithm: ConvAlgorithm::Direct,
///     instructions: InstructionSet::best(),
/// };
/// let mut packed = vec![0.0; conv.packed_len()];
/// conv.pack_weight(&weight, &mut packed);
/// let epilogue = Epilogue { bias: &[0.0], ..Epilogue::default() };
/// let mut output = [0.0; 9];
/// conv.forward(
///     &ConvInput::plain(&image),
///     &packed,
///     &epilogue,
///     Conv2dOutput::plain(&mut output),
///     &mut Workspace::new(conv.workspace_len()),
/// );
/// assert_eq!(output, [12., 12., 17., 10., 17., 19., 9., 6., 14.]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// Shape of the convolution.
    pub shape: Conv2dShape,
    /// Fused 2x2 max pooling with stride 2. The unpooled output is not stored.
    pub pool: bool,
    /// Algorithm of all passes.
    pub algorithm: ConvAlgorithm,
    /// Instruction set of all passes.
    pub instructions: InstructionSet,
}

/// Output buffers of [`Conv2d::forward`].
#[derive(Debug)]
pub struct Conv2dOutput<'a> {
    /// Output, `[batch, height, width, out]`, of the pooled size if pooling is fused.
    pub values: &'a mut [f32],
    /// Argmax index of each pooling window, 0 to 3, for the backward pass; as long as `values`.
    pub argmax: Option<&'a mut [f32]>,
    /// Statistics of the output, for [`Conv2d::batch_statistics`]; they have the length
    /// [`Conv2d::statistics_len`]. Cannot be combined with fused pooling.
    pub statistics: Option<&'a mut [f32]>,
}

impl<'a> Conv2dOutput<'a> {
    /// Output without argmax indices and statistics.
    pub fn plain(values: &'a mut [f32]) -> Self {
        Self {
            values,
            argmax: None,
            statistics: None,
        }
    }
}

/// Gradient buffers of [`Conv2d::backward`]. All are overwritten.
#[derive(Debug)]
pub struct Conv2dGradients<'a> {
    /// Weight gradient, `[height, width, in, out]`.
    pub weight: &'a mut [f32],
    /// Bias gradient, one per output channel; empty without bias.
    pub bias: &'a mut [f32],
    /// Input gradient, if it is needed. The first layer of a network does not need it.
    pub input: Option<InputGradient<'a>>,
}

impl<'a> Conv2dGradients<'a> {
    /// Panics if a buffer does not have the given length. The bias may be empty.
    #[track_caller]
    pub(crate) fn check(&self, input: usize, weight: usize, bias: usize) {
        let len = self.weight.len();
        check_len("convolution weight gradient", len, weight);
        if !self.bias.is_empty() {
            check_len("convolution bias gradient", self.bias.len(), bias);
        }
        if let Some(gradient) = &self.input {
            let len = gradient.values.len();
            check_len("convolution input gradient", len, input);
        }
    }

    /// Last step of the input gradient.
    pub(crate) fn epilogue<'i>(
        &self,
        input: &'i ConvInput<'i>,
        channels: usize,
    ) -> InputGradientEpilogue<'i>
    where
        'a: 'i,
    {
        InputGradientEpilogue {
            input,
            batch_norm: self
                .input
                .as_ref()
                .and_then(|gradient| gradient.batch_norm_sums.as_ref())
                .map(|sums| (sums.input, sums.mean)),
            channels,
        }
    }

    /// Sets all gradients to zero.
    pub(crate) fn fill_zeros(self) {
        self.weight.fill(0.0);
        self.bias.fill(0.0);
        if let Some(input) = self.input {
            input.values.fill(0.0);
        }
    }
}

/// Input gradient of [`Conv2d::backward`], with the sums that a preceding batch norm needs.
#[derive(Debug)]
pub struct InputGradient<'a> {
    /// Gradient at the convolution's input, after the affine map of [`ConvInput`] and before its ReLU.
    pub values: &'a mut [f32],
    /// Sums for the backward pass of the batch norm that produces the input, if there is one.
    pub batch_norm_sums: Option<BatchNormGradientSums<'a>>,
}

/// Per-image reductions for the backward pass of a batch norm, as
/// [`batch_norm_backward_coefficients`](crate::batch_norm_backward_coefficients) reads them.
#[derive(Debug)]
pub struct BatchNormGradientSums<'a> {
    /// Input of the batch norm.
    pub input: &'a [f32],
    /// Batch mean, one per channel.
    pub mean: &'a [f32],
    /// Output, `[batch, 2, channels]`: the sum of the gradients and the sum of `gradient * (input -
    /// mean)` of each channel.
    pub sums: &'a mut [f32],
}

impl Conv2d {
    /// Fastest algorithm for `shape`, or [`ConvAlgorithm::Direct`] if `exact` is true.
    pub fn algorithm_for(shape: &Conv2dShape, exact: bool) -> ConvAlgorithm {
        let (rows, columns) = (&shape.rows, &shape.columns);
        let fits =
            [rows.kernel, columns.kernel] == [3, 3] && [rows.stride, columns.stride] == [1, 1];
        // With few channels the transforms cost more than the products they save.
        if fits && !exact && shape.in_channels > 4 {
            ConvAlgorithm::Winograd
        } else {
            ConvAlgorithm::Direct
        }
    }

    /// Length of the packed weight.
    pub fn packed_len(&self) -> usize {
        match self.algorithm {
            ConvAlgorithm::Direct => direct::packed_len(self),
            ConvAlgorithm::Winograd => winograd::geometry(self).packed_weight_len(),
        }
    }

    /// Packs the weight, `[height, width, in, out]`, into the layout that [`Conv2d::forward`]
    /// reads. For Winograd this includes the weight transform.
    ///
    /// # Panics
    /// If a buffer's length does not match the shape.
    pub fn pack_weight(&self, weight: &[f32], packed: &mut [f32]) {
        check_len("convolution weight", weight.len(), self.shape.weight_len());
        check_len("packed convolution weight", packed.len(), self.packed_len());
        match self.algorithm {
            ConvAlgorithm::Direct => direct::pack_weight(self, weight, packed),
            ConvAlgorithm::Winograd => {
                let geometry = winograd::geometry(self);
                winograd::weight_transform::transform_weight(
                    &geometry,
                    self.instructions,
                    weight,
                    false,
                    packed,
                );
            }
        }
    }

    /// Workspace for the forward and backward passes of this batch size and every smaller one.
    pub fn workspace_len(&self) -> WorkspaceLen {
        match self.algorithm {
            ConvAlgorithm::Direct if patches::fits(&self.shape) => {
                direct::workspace_len(self).max(patches::workspace_len(self))
            }
            ConvAlgorithm::Direct => direct::workspace_len(self),
            ConvAlgorithm::Winograd => winograd::workspace_len(self),
        }
    }

    /// Computes `sum[b, y, x, o] = sum over i, j, c of input[b, y*s + i - p, x*s + j - p, c] *
    /// weight[i, j, c, o]`, followed by the epilogue and the pool.
    ///
    /// # Panics
    /// If a buffer's length does not match the shape.
    pub fn forward(
        &self,
        input: &ConvInput<'_>,
        packed: &[f32],
        epilogue: &Epilogue<'_>,
        output: Conv2dOutput<'_>,
        workspace: &mut Workspace,
    ) {
        self.check(input, output.values.len(), self.pool);
        workspace.check(self.workspace_len());
        check_len("packed convolution weight", packed.len(), self.packed_len());
        epilogue.check(self.shape.out_channels, output.values.len());
        if let Some(argmax) = &output.argmax {
            check_len("argmax indices", argmax.len(), output.values.len());
        }
        if let Some(statistics) = &output.statistics {
            let len = statistics.len();
            check_len("convolution statistics", len, self.statistics_len());
        }
        assert!(
            !(self.pool && (epilogue.summand.is_some() || output.statistics.is_some())),
            "a convolution with fused pooling neither adds a summand nor computes statistics"
        );
        if output.values.is_empty() {
            return;
        }
        match self.algorithm {
            ConvAlgorithm::Direct if patches::fits(&self.shape) && !self.pool => {
                patches::forward::forward(self, input, packed, epilogue, output, workspace);
            }
            ConvAlgorithm::Direct => {
                direct::forward::forward(self, input, packed, epilogue, output, workspace);
            }
            ConvAlgorithm::Winograd => {
                winograd::forward::forward(self, input, packed, epilogue, output, workspace);
            }
        }
    }

    /// Length of the statistics in [`Conv2dOutput`].
    pub fn statistics_len(&self) -> usize {
        statistics_len(self.shape.batch, &self.shape.output())
    }

    /// Computes the mean and the biased variance of each channel of the output from the statistics that
    /// [`Conv2d::forward`] has written: batch norm's statistics without another pass over the output.
    ///
    /// The result has a smaller rounding error than that of
    /// [`batch_norm_statistics`](crate::batch_norm_statistics), but not TensorFlow's rounding.
    ///
    /// # Panics
    /// If a buffer's length does not match the shape.
    pub fn batch_statistics(&self, statistics: &[f32], mean: &mut [f32], variance: &mut [f32]) {
        let size = self.shape.output();
        combine_statistics(self.shape.batch, &size, statistics, mean, variance);
    }

    /// Computes the gradients of [`Conv2d::forward`].
    ///
    /// # Panics
    /// If a buffer's length does not match the shape.
    pub fn backward(
        &self,
        input: &ConvInput<'_>,
        weight: &[f32],
        gradient: &FusedGradient<'_>,
        gradients: Conv2dGradients<'_>,
        workspace: &mut Workspace,
    ) {
        let pooled = gradient.argmax.is_some();
        self.check(input, gradient.values.len(), pooled);
        workspace.check(self.workspace_len());
        let shape = &self.shape;
        check_len("convolution weight", weight.len(), shape.weight_len());
        gradients.check(shape.input_len(), weight.len(), shape.out_channels);
        if gradient.values.is_empty() {
            gradients.fill_zeros();
            return;
        }
        let backward = match self.algorithm {
            ConvAlgorithm::Direct if patches::fits(shape) && !pooled => patches::backward::backward,
            ConvAlgorithm::Direct => direct::backward::backward,
            ConvAlgorithm::Winograd => winograd::backward::backward,
        };
        backward(self, input, weight, gradient, gradients, workspace);
    }

    #[track_caller]
    fn check(&self, input: &ConvInput<'_>, output: usize, pooled: bool) {
        let size = self.shape.output();
        let size = if pooled { size.pooled() } else { size };
        check_len(
            "convolution input",
            input.values.len(),
            self.shape.input_len(),
        );
        check_len(
            "convolution output",
            output,
            self.shape.batch * size.image_len(),
        );
    }
}
