//! Operator fusion: layers that one kernel computes in a single pass become one [`FusedOp`].

use std::ops::Range;

use modiste_kernels::{
    BatchNormPoolShape, Conv2d, ConvAlgorithm, DenseShape, InstructionSet, MaxPool2dShape,
    WorkspaceLen, batch_norm_backward_scratch_len,
};

use crate::architecture::Activation;
use crate::network_plan::{Operation, PlannedLayer};

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
    MaxPool2d(MaxPool2dShape),
    Dropout(f32),
    Dense(FusedDense),
    Residual(Vec<FusedOp>),
}

/// A convolution with its ReLU, batch norm and 2x2 max pooling.
#[derive(Clone, Debug)]
pub(crate) struct FusedConv {
    pub(crate) conv: Conv2d,
    pub(crate) relu: bool,
    pub(crate) variables: Range<usize>,
    pub(crate) norm: Option<BatchNorm>,
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

/// Fuses `layers` into operations, for up to `batch` images.
pub(crate) fn fuse(
    layers: &[PlannedLayer],
    batch: usize,
    options: &KernelOptions,
    purpose: Purpose,
) -> Vec<FusedOp> {
    let mut ops = Vec::new();
    let mut rest = layers;
    while let Some((layer, mut following)) = rest.split_first() {
        let mut last = layer;
        let mut name = layer.name.clone();
        let kind = match &layer.operation {
            Operation::Flatten => None,
            Operation::Dropout { .. } if purpose != Purpose::Training => None,
            Operation::Dropout { rate } => Some(Kind::Dropout(*rate)),
            Operation::BatchNorm { .. } => batch_norm(layer).map(Kind::BatchNorm),
            Operation::MaxPool2d { .. } => {
                layer.operation.max_pool2d_shape(batch).map(Kind::MaxPool2d)
            }
            Operation::Dense {
                activation,
                variables,
                ..
            } => layer.operation.dense_shape(batch).map(|shape| {
                Kind::Dense(FusedDense {
                    shape,
                    relu: *activation == Activation::Relu,
                    variables: variables.clone(),
                })
            }),
            Operation::Residual { layers } => {
                Some(Kind::Residual(fuse(layers, batch, options, purpose)))
            }
            Operation::Conv2d {
                activation,
                variables,
                ..
            } => layer.operation.conv2d_shape(batch).map(|shape| {
                let mut fuse_next = |fuses: bool| match following.split_first() {
                    Some((next, others)) if fuses => {
                        name = format!("{name} + {}", next.name);
                        (last, following) = (next, others);
                    }
                    _ => {}
                };
                let fuses_norm = match purpose {
                    Purpose::Training => !options.exact,
                    Purpose::Inference => true,
                    Purpose::Inspection => false,
                };
                let norm = rest.get(1).and_then(batch_norm).filter(|_| fuses_norm);
                fuse_next(norm.is_some());
                let next = rest.get(1 + usize::from(norm.is_some()));
                let pool = next.is_some_and(is_2x2_pool) && purpose != Purpose::Inspection;
                fuse_next(pool);
                let before_conv = following
                    .first()
                    .is_some_and(|next| matches!(next.operation, Operation::Conv2d { .. }));
                let training = purpose == Purpose::Training;
                Kind::Conv(FusedConv {
                    conv: Conv2d {
                        shape,
                        pool: pool && !(training && norm.is_some()),
                        algorithm: Conv2d::algorithm_for(&shape, options.exact),
                        instructions: options.instructions,
                    },
                    relu: *activation == Activation::Relu,
                    variables: variables.clone(),
                    deferred: training && norm.is_some() && !pool && before_conv,
                    norm,
                    pool,
                })
            }),
        };
        if let Some(kind) = kind {
            ops.push(FusedOp {
                name,
                inputs: layer.input.size(),
                outputs: last.output.size(),
                multiply_adds: layer.multiply_adds,
                kind,
            });
        }
        rest = following;
    }
    ops
}

fn batch_norm(layer: &PlannedLayer) -> Option<BatchNorm> {
    match &layer.operation {
        Operation::BatchNorm {
            channels,
            momentum,
            epsilon,
            variables,
            running_stats,
        } => Some(BatchNorm {
            channels: *channels,
            momentum: *momentum,
            epsilon: *epsilon,
            variables: variables.clone(),
            running_stats: running_stats.clone(),
        }),
        _ => None,
    }
}

/// Returns `true` for 2x2 max pooling.
fn is_2x2_pool(layer: &PlannedLayer) -> bool {
    match &layer.operation {
        Operation::MaxPool2d { rows, columns, .. } => {
            [rows.kernel, rows.stride, columns.kernel, columns.stride] == [2; 4]
        }
        _ => false,
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
                Kind::Residual(block) => {
                    let inner = Self::of(block, batch);
                    lens = Self {
                        values: lens.values.max(inner.values),
                        prepared: lens.prepared.max(inner.prepared),
                        sums: lens.sums.max(inner.sums),
                        workspace: lens.workspace.max(inner.workspace),
                    };
                }
                Kind::MaxPool2d(_) | Kind::Dropout(_) => {}
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
