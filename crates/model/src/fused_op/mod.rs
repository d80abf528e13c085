//! Operator fusion: layers that one kernel computes in a single pass become one [`FusedOp`].

mod fuse;

use std::ops::Range;

use modiste_kernels::{
    Activation, AveragePool2dShape, BatchNormPoolShape, Conv2d, ConvAlgorithm, DenseShape,
    DepthwiseConv2d, GlobalAveragePoolShape, InstructionSet, MaxPool2dShape, WorkspaceLen,
    ZeroPadding2dShape, batch_norm_backward_scratch_len,
};

pub(crate) use fuse::fuse;

/// Options of the kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelOptions {
    /// Computes every convolution by its definition and, in training, fuses no batch norm: agrees
    /// with a reference implementation up to f32 rounding, and is slower.
    pub exact: bool,
    /// Vector instructions.
    pub instructions: InstructionSet,
}

impl Default for KernelOptions {
    /// The fastest options that the CPU supports.
    fn default() -> Self {
        Self {
            exact: false,
            instructions: InstructionSet::best(),
        }
    }
}

/// Purpose of a forward pass; it decides which layers can be fused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Batch norm normalizes by the statistics of the batch, which are known only after the
    /// convolution of the whole batch.
    Training,
    /// Batch norm normalizes by its running statistics; dropout is the identity.
    Inference,
    /// Inference that stores the output of every layer: only ReLUs are fused.
    Inspection,
}

/// One or more layers that run as one operation.
#[derive(Clone, Debug)]
pub(crate) struct FusedOp {
    /// Names of the layers: `conv2d + max_pooling2d`.
    pub(crate) name: String,
    /// Input values of one image.
    pub(crate) inputs: usize,
    /// Output values of one image.
    pub(crate) outputs: usize,
    /// Multiply-adds of one forward pass over one image by the direct method.
    pub(crate) multiply_adds: usize,
    pub(crate) kind: Kind,
}

/// Operation of a [`FusedOp`]. Shapes have the largest batch.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Conv(FusedConv),
    Depthwise(FusedDepthwise),
    BatchNorm(BatchNorm),
    Activation(Activation),
    MaxPool2d(MaxPool2dShape),
    AveragePool2d(AveragePool2dShape),
    GlobalAveragePool2d(GlobalAveragePoolShape),
    ZeroPadding2d(ZeroPadding2dShape),
    Dropout(f32),
    Dense(FusedDense),
    Residual(FusedResidual),
}

/// A convolution with its ReLU, batch norm and 2x2 max pooling.
#[derive(Clone, Debug)]
pub(crate) struct FusedConv {
    pub(crate) conv: Conv2d,
    /// ReLU of the convolution's output; of the folded batch norm's output if there is one.
    pub(crate) relu: bool,
    /// Weight, then bias if there is one.
    pub(crate) variables: Range<usize>,
    pub(crate) norm: Option<BatchNorm>,
    /// `true` if inference folds batch norm into the weight and the bias.
    pub(crate) folded: bool,
    /// `true` if 2x2 max pooling follows, after batch norm if there is one.
    pub(crate) pool: bool,
    /// `true` if the next operation applies the normalization while it reads, so that the normalized
    /// values are never written.
    pub(crate) deferred: bool,
}

impl FusedConv {
    /// The convolution for a smaller batch.
    pub(crate) fn conv(&self, batch: usize) -> Conv2d {
        let mut conv = self.conv;
        conv.shape.batch = batch;
        conv
    }

    /// Shape of the pooling after batch norm.
    pub(crate) fn norm_pool(&self, batch: usize) -> BatchNormPoolShape {
        BatchNormPoolShape {
            batch,
            height: self.conv.shape.rows.output,
            width: self.conv.shape.columns.output,
            channels: self.conv.shape.out_channels,
        }
    }

    /// Values of one image that the convolution writes, before pooling.
    pub(crate) fn convolved_len(&self) -> usize {
        self.conv.shape.output_len() / self.conv.shape.batch.max(1)
    }
}

/// A depthwise convolution with its ReLU.
#[derive(Clone, Debug)]
pub(crate) struct FusedDepthwise {
    pub(crate) conv: DepthwiseConv2d,
    pub(crate) relu: bool,
    /// Weight, then bias if there is one.
    pub(crate) variables: Range<usize>,
    /// Batch norm that inference folds into the weight and the bias, before the ReLU.
    pub(crate) norm: Option<BatchNorm>,
}

impl FusedDepthwise {
    /// The convolution for a smaller batch.
    pub(crate) fn conv(&self, batch: usize) -> DepthwiseConv2d {
        let mut conv = self.conv;
        conv.shape.batch = batch;
        conv
    }
}

/// A residual block: the sum of the outputs of two sequences of operations.
#[derive(Clone, Debug)]
pub(crate) struct FusedResidual {
    pub(crate) block: Vec<FusedOp>,
    /// Operations of the shortcut; none for the identity.
    pub(crate) shortcut: Vec<FusedOp>,
}

/// Batch normalization.
#[derive(Clone, Debug)]
pub(crate) struct BatchNorm {
    pub(crate) channels: usize,
    pub(crate) momentum: f32,
    pub(crate) epsilon: f32,
    pub(crate) variables: Range<usize>,
    pub(crate) running_stats: Range<usize>,
}

/// A dense layer with its ReLU.
#[derive(Clone, Debug)]
pub(crate) struct FusedDense {
    pub(crate) shape: DenseShape,
    pub(crate) relu: bool,
    pub(crate) variables: Range<usize>,
}

impl FusedDense {
    /// The shape for a smaller batch.
    pub(crate) fn shape(&self, batch: usize) -> DenseShape {
        DenseShape {
            batch,
            ..self.shape
        }
    }
}

/// Lengths of the buffers that all operations share, in numbers: the maximum over the operations.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SharedLens {
    /// Values between two operations, of the whole batch.
    pub(crate) values: usize,
    pub(crate) prepared: usize,
    pub(crate) sums: usize,
    pub(crate) workspace: WorkspaceLen,
}

impl SharedLens {
    pub(crate) fn of(ops: &[FusedOp], batch: usize) -> Self {
        let mut lens = Self::default();
        for op in ops {
            lens.values = lens.values.max(batch * op.inputs.max(op.outputs));
            match &op.kind {
                Kind::Conv(conv) => {
                    lens.prepared = lens.prepared.max(conv.conv.packed_len());
                    lens.workspace = lens.workspace.max(conv.conv.workspace_len());
                }
                Kind::Dense(dense) => {
                    lens.workspace = lens.workspace.max(dense.shape.workspace_len());
                }
                Kind::BatchNorm(norm) => {
                    lens.sums = lens
                        .sums
                        .max(batch_norm_backward_scratch_len(norm.channels));
                }
                Kind::Depthwise(depthwise) => {
                    let workspace = depthwise.conv.shape.workspace_len();
                    lens.workspace = lens.workspace.max(workspace);
                }
                Kind::Residual(residual) => {
                    for path in [&residual.block, &residual.shortcut] {
                        let inner = Self::of(path, batch);
                        lens = Self {
                            values: lens.values.max(inner.values),
                            prepared: lens.prepared.max(inner.prepared),
                            sums: lens.sums.max(inner.sums),
                            workspace: lens.workspace.max(inner.workspace),
                        };
                    }
                }
                Kind::Activation(_)
                | Kind::MaxPool2d(_)
                | Kind::AveragePool2d(_)
                | Kind::GlobalAveragePool2d(_)
                | Kind::ZeroPadding2d(_)
                | Kind::Dropout(_) => {}
            }
        }
        lens
    }
}

/// Name of the convolution method of an operation, `winograd` or `direct`; `None` if it does not
/// convolve.
pub(crate) fn method(op: &FusedOp) -> Option<&'static str> {
    match &op.kind {
        Kind::Conv(conv) => Some(match conv.conv.algorithm {
            ConvAlgorithm::Winograd => "winograd",
            ConvAlgorithm::Direct => "direct",
        }),
        _ => None,
    }
}
