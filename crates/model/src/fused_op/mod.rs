//! Operator fusion: layers that one kernel computes in a single pass become one [`FusedOp`].

mod conv_kernel;
mod fuse;
mod select;

use std::ops::Range;

use modiste_kernels::{
    Activation, AveragePool2dShape, BatchNormPoolShape, ConvAlgorithm, DenseShape,
    GlobalAveragePoolShape, InstructionSet, MaxPool2dShape, WorkspaceLen, ZeroPadding2dShape,
    batch_norm_backward_scratch_len,
};

pub(crate) use conv_kernel::ConvKernel;
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

/// A convolution with its ReLU, batch norm, second ReLU and 2x2 max pooling, each of which is optional.
#[derive(Clone, Debug)]
pub(crate) struct FusedConv {
    pub(crate) kernel: ConvKernel,
    /// ReLU of the convolution's output, before batch norm.
    pub(crate) relu: bool,
    /// Weight, then bias if there is one.
    pub(crate) variables: Range<usize>,
    pub(crate) norm: Option<BatchNorm>,
    /// ReLU after batch norm.
    pub(crate) norm_relu: bool,
    /// `true` if inference folds batch norm into the weight and the bias.
    pub(crate) folded: bool,
    /// `true` if 2x2 max pooling follows, after batch norm if there is one.
    pub(crate) pool: bool,
    /// `true` if the next operation applies the normalization while it reads, so that the normalized
    /// values are never written.
    pub(crate) deferred: bool,
    /// `true` if, in inference, the convolution adds the shortcut to its output, which is that of the sum.
    pub(crate) accumulates: bool,
}

impl FusedConv {
    /// Shape of the pooling after batch norm.
    pub(crate) fn norm_pool(&self, batch: usize) -> BatchNormPoolShape {
        let [height, width, channels] = self.kernel.output();
        BatchNormPoolShape {
            batch,
            height,
            width,
            channels,
        }
    }

    /// Values of one image that the convolution writes, before pooling.
    pub(crate) fn convolved_len(&self) -> usize {
        self.kernel.output().iter().product()
    }

    /// `true` if the convolution itself gathers the statistics of batch norm. After a ReLU they have a pass
    /// of their own, in Keras's order of additions: there, rounding decides gradients that nearly cancel.
    pub(crate) fn gathers_statistics(&self) -> bool {
        self.norm.is_some() && !self.relu
    }
}

/// A residual block with the ReLU after its sum.
#[derive(Clone, Debug)]
pub(crate) struct FusedResidual {
    pub(crate) block: Vec<FusedOp>,
    /// Operations of the shortcut; none for the identity.
    pub(crate) shortcut: Vec<FusedOp>,
    /// ReLU of the sum.
    pub(crate) relu: bool,
    /// Length of the last axis.
    pub(crate) channels: usize,
}

impl FusedResidual {
    /// Both paths of the sum.
    pub(crate) fn paths(&self) -> [&[FusedOp]; 2] {
        [&self.block, &self.shortcut]
    }
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
    /// Levels of nested residual blocks.
    pub(crate) nesting: usize,
    /// Statistics that a convolution gathers in training.
    pub(crate) statistics: usize,
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
                    lens.prepared = lens.prepared.max(conv.kernel.packed_len());
                    lens.workspace = lens.workspace.max(conv.kernel.workspace_len());
                    if conv.gathers_statistics() {
                        lens.statistics = lens.statistics.max(conv.kernel.statistics_len());
                    }
                }
                Kind::Dense(dense) => {
                    lens.workspace = lens.workspace.max(dense.shape.workspace_len());
                }
                Kind::BatchNorm(norm) => {
                    lens.sums = lens
                        .sums
                        .max(batch_norm_backward_scratch_len(norm.channels));
                }
                Kind::Residual(residual) => {
                    for path in residual.paths() {
                        let inner = Self::of(path, batch);
                        lens = Self {
                            values: lens.values.max(inner.values),
                            prepared: lens.prepared.max(inner.prepared),
                            nesting: lens.nesting.max(1 + inner.nesting),
                            statistics: lens.statistics.max(inner.statistics),
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

/// Name of the convolution method of an operation, `winograd`, `direct` or `depthwise`; `None` if it does not
/// convolve.
pub(crate) fn method(op: &FusedOp) -> Option<&'static str> {
    match &op.kind {
        Kind::Conv(conv) => Some(match &conv.kernel {
            ConvKernel::Depthwise(_) => "depthwise",
            ConvKernel::Plain(conv) => match conv.algorithm {
                ConvAlgorithm::Winograd => "winograd",
                ConvAlgorithm::Direct => "direct",
            },
        }),
        _ => None,
    }
}
