//! Buffers that the forward pass of an operation fills for its backward pass.

use modiste_kernels::{
    Affine, BatchNormGradientSums, Buffer, ConvInput, batch_norm_statistics_scratch_len,
};

use crate::fused_op::{FusedOp, FusedResidual, Kind};

/// Buffers of one operation; those that its kind does not need are empty.
#[derive(Debug, Default)]
pub(super) struct Activations {
    /// Output, `[batch, ...]`; before the normalization if that is deferred to the next operation.
    pub(super) output: Buffer,
    /// Output of the convolution itself, if batch norm or pooling follows in the same operation.
    pub(super) convolved: Buffer,
    /// Argmax indices of a fused pooling.
    pub(super) argmax: Buffer,
    /// Argmax indices of a separate pooling, or the mask of dropout.
    pub(super) bytes: Vec<u8>,
    pub(super) norm: BatchNormState,
    /// Buffers of a residual block's operations.
    pub(super) block: Vec<Activations>,
    /// Buffers of the operations of a residual block's shortcut.
    pub(super) shortcut: Vec<Activations>,
}

/// Statistics of batch norm in the current step, one value per channel.
#[derive(Debug, Default)]
pub(super) struct BatchNormState {
    pub(super) mean: Vec<f32>,
    pub(super) variance: Vec<f32>,
    pub(super) inverse: Vec<f32>,
    pub(super) scale: Vec<f32>,
    pub(super) shift: Vec<f32>,
    /// Scratch space for the sums behind mean and variance.
    pub(super) statistics_sums: Vec<f32>,
    /// Sums over the gradient, image by image.
    pub(super) sums: Vec<f32>,
    /// Coefficients of the gradient at the input, derived from `sums`.
    pub(super) coefficients: Vec<f32>,
}

impl BatchNormState {
    fn new(channels: usize) -> Self {
        let zeros = vec![0.0; channels];
        Self {
            mean: zeros.clone(),
            variance: zeros.clone(),
            inverse: zeros.clone(),
            scale: zeros.clone(),
            shift: zeros,
            statistics_sums: vec![0.0; batch_norm_statistics_scratch_len(channels)],
            ..Self::default()
        }
    }

    pub(super) fn affine(&self) -> Affine<'_> {
        Affine {
            scale: &self.scale,
            shift: &self.shift,
        }
    }
}

impl Activations {
    pub(super) fn new(op: &FusedOp, batch: usize) -> Self {
        let output = batch * op.outputs;
        let mut activations = Self {
            output: Buffer::zeros(output),
            ..Self::default()
        };
        match &op.kind {
            Kind::Conv(conv) => {
                if conv.pool {
                    activations.argmax = Buffer::zeros(output);
                }
                if let Some(norm) = &conv.norm {
                    activations.norm = BatchNormState {
                        sums: vec![0.0; 2 * batch * norm.channels],
                        coefficients: vec![0.0; 3 * norm.channels],
                        ..BatchNormState::new(norm.channels)
                    };
                    if !conv.deferred {
                        activations.convolved = Buffer::zeros(batch * conv.convolved_len());
                    }
                }
            }
            Kind::BatchNorm(norm) => activations.norm = BatchNormState::new(norm.channels),
            Kind::MaxPool2d(_) | Kind::Dropout(_) => activations.bytes = vec![0; output],
            Kind::Activation(_)
            | Kind::AveragePool2d(_)
            | Kind::GlobalAveragePool2d(_)
            | Kind::ZeroPadding2d(_)
            | Kind::Dense(_) => {}
            Kind::Residual(FusedResidual {
                block, shortcut, ..
            }) => {
                activations.block = block.iter().map(|op| Self::new(op, batch)).collect();
                activations.shortcut = shortcut.iter().map(|op| Self::new(op, batch)).collect();
            }
        }
        activations
    }

    /// Input of the next operation.
    pub(super) fn next_input(&self, op: &FusedOp, batch: usize) -> LayerInput<'_> {
        let (deferred, relu) = deferred_norm(op);
        LayerInput {
            values: &self.output[..batch * op.outputs],
            affine: deferred.then(|| self.norm.affine()),
            relu,
        }
    }

    /// Input of the next operation, and the sums that its backward pass computes for a deferred batch norm.
    pub(super) fn next_input_and_sums(
        &mut self,
        op: &FusedOp,
        batch: usize,
    ) -> (LayerInput<'_>, Option<BatchNormGradientSums<'_>>) {
        let (deferred, relu) = deferred_norm(op);
        let values = &self.output[..batch * op.outputs];
        let BatchNormState {
            mean,
            scale,
            shift,
            sums,
            ..
        } = &mut self.norm;
        let input = LayerInput {
            values,
            affine: deferred.then_some(Affine { scale, shift }),
            relu,
        };
        let sums = deferred.then(|| BatchNormGradientSums {
            input: values,
            mean,
            sums: &mut sums[..2 * batch * mean.len()],
        });
        (input, sums)
    }
}

/// Returns `true` twice if the operation leaves its batch norm, and the ReLU after it, to the next one.
fn deferred_norm(op: &FusedOp) -> (bool, bool) {
    match &op.kind {
        Kind::Conv(conv) => (conv.deferred, conv.deferred && conv.norm_relu),
        _ => (false, false),
    }
}

/// Values between two operations, with the normalization and the ReLU to apply while reading them.
pub(super) type LayerInput<'a> = ConvInput<'a>;
