//! Convolutions of both kinds, which fuse with their neighbors in the same way.

use modiste_kernels::{
    Conv2d, Conv2dGradients, Conv2dOutput, ConvInput, DepthwiseConv2d, Epilogue, FusedGradient,
    InstructionSet, Workspace, WorkspaceLen,
};

/// Kernel of a convolution.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ConvKernel {
    Plain(Conv2d),
    Depthwise(DepthwiseConv2d),
}

impl ConvKernel {
    /// The convolution for a smaller batch.
    pub(crate) fn with_batch(mut self, size: usize) -> Self {
        match &mut self {
            Self::Plain(conv) => conv.shape.batch = size,
            Self::Depthwise(conv) => conv.shape.batch = size,
        }
        self
    }

    pub(crate) fn instructions(&self) -> InstructionSet {
        match self {
            Self::Plain(conv) => conv.instructions,
            Self::Depthwise(conv) => conv.instructions,
        }
    }

    /// Height, width and channels of the output, before pooling.
    pub(crate) fn output(&self) -> [usize; 3] {
        match self {
            Self::Plain(conv) => {
                let shape = &conv.shape;
                [shape.rows.output, shape.columns.output, shape.out_channels]
            }
            Self::Depthwise(conv) => {
                let shape = &conv.shape;
                [shape.rows.output, shape.columns.output, shape.channels]
            }
        }
    }

    pub(crate) fn weight_len(&self) -> usize {
        match self {
            Self::Plain(conv) => conv.shape.weight_len(),
            Self::Depthwise(conv) => conv.shape.weight_len(),
        }
    }

    /// Length of the packed weight. A depthwise convolution reads the weight itself.
    pub(crate) fn packed_len(&self) -> usize {
        match self {
            Self::Plain(conv) => conv.packed_len(),
            Self::Depthwise(_) => 0,
        }
    }

    pub(crate) fn workspace_len(&self) -> WorkspaceLen {
        match self {
            Self::Plain(conv) => conv.workspace_len(),
            Self::Depthwise(conv) => conv.shape.workspace_len(),
        }
    }

    pub(crate) fn statistics_len(&self) -> usize {
        match self {
            Self::Plain(conv) => conv.statistics_len(),
            Self::Depthwise(conv) => conv.statistics_len(),
        }
    }

    /// Mean and variance of each output channel, from the statistics of the forward pass.
    pub(crate) fn batch_statistics(
        &self,
        statistics: &[f32],
        mean: &mut [f32],
        variance: &mut [f32],
    ) {
        match self {
            Self::Plain(conv) => conv.batch_statistics(statistics, mean, variance),
            Self::Depthwise(conv) => conv.batch_statistics(statistics, mean, variance),
        }
    }

    pub(crate) fn pack_weight(&self, weight: &[f32], packed: &mut [f32]) {
        if let Self::Plain(conv) = self {
            conv.pack_weight(weight, packed);
        }
    }

    /// Forward pass with the weight and its packed form.
    pub(crate) fn forward(
        &self,
        input: &ConvInput<'_>,
        [weight, packed]: [&[f32]; 2],
        epilogue: &Epilogue<'_>,
        output: Conv2dOutput<'_>,
        workspace: &mut Workspace,
    ) {
        match self {
            Self::Plain(conv) => conv.forward(input, packed, epilogue, output, workspace),
            Self::Depthwise(conv) => conv.forward(input, weight, epilogue, output, workspace),
        }
    }

    pub(crate) fn backward(
        &self,
        input: &ConvInput<'_>,
        weight: &[f32],
        gradient: &FusedGradient<'_>,
        gradients: Conv2dGradients<'_>,
        workspace: &mut Workspace,
    ) {
        match self {
            Self::Plain(conv) => conv.backward(input, weight, gradient, gradients, workspace),
            Self::Depthwise(conv) => conv.backward(input, weight, gradient, gradients, workspace),
        }
    }
}
