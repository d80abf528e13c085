//! The layers as the kernels run them: what one kernel does in one go is one stage.

use std::ops::Range;

use modiste_kernels::{
    BatchNormPoolShape, Conv2d, ConvAlgorithm, DenseShape, InstructionSet, MaxPool2dShape,
    WorkspaceLen, batch_norm_backward_scratch_len,
};

use crate::architecture::Activation;
use crate::resolved::{Operation, ResolvedLayer};

/// How the kernels compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelOptions {
    /// Whether every convolution is computed by its definition and nothing is folded: agrees with
    /// a reference to f32's rounding, and is slower.
    pub exact: bool,
    /// The vector instructions.
    pub instructions: InstructionSet,
}

impl Default for KernelOptions {
    /// The fastest there is.
    fn default() -> Self {
        Self {
            exact: false,
            instructions: InstructionSet::best(),
        }
    }
}

/// What stages are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Batch norm's statistics are the batch's, known when all of it was convolved.
    Training,
    /// They are known before, and dropout does nothing.
    Inference,
    /// As inference, and every layer's output is written: nothing is folded but the rectifiers.
    Inspection,
}

/// One or more layers that run as one.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    /// The layers' names: `conv2d + max_pooling2d`.
    pub(crate) name: String,
    /// Numbers of one image that come in and go out.
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// Multiplications of one forward pass over one image, as the direct method counts them.
    pub(crate) multiply_adds: usize,
    pub(crate) kind: Kind,
}

/// What a stage computes. Shapes have the largest batch.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Conv(ConvStage),
    BatchNorm(Norm),
    MaxPool2d(MaxPool2dShape),
    Dropout(f32),
    Dense(DenseStage),
    Residual(Vec<Stage>),
}

/// A convolution with its rectifier, batch normalisation and 2x2 pool.
#[derive(Clone, Debug)]
pub(crate) struct ConvStage {
    pub(crate) conv: Conv2d,
    pub(crate) relu: bool,
    pub(crate) variables: Range<usize>,
    pub(crate) norm: Option<Norm>,
    /// Whether a 2x2 pool follows, behind the normalisation if there is one.
    pub(crate) pool: bool,
    /// Whether the next stage normalises as it reads: nobody writes the normalised values.
    pub(crate) deferred: bool,
}

impl ConvStage {
    /// The same for a smaller batch.
    pub(crate) fn conv(&self, batch: usize) -> Conv2d {
        let mut conv = self.conv;
        conv.shape.batch = batch;
        conv
    }

    /// What the pool behind batch normalisation works on.
    pub(crate) fn norm_pool(&self, batch: usize) -> BatchNormPoolShape {
        BatchNormPoolShape {
            batch,
            height: self.conv.shape.rows.output,
            width: self.conv.shape.columns.output,
            channels: self.conv.shape.out_channels,
        }
    }

    /// Numbers of the convolution's own output for one image.
    pub(crate) fn convolved(&self) -> usize {
        self.conv.shape.output_len() / self.conv.shape.batch.max(1)
    }
}

/// A batch normalisation.
#[derive(Clone, Debug)]
pub(crate) struct Norm {
    pub(crate) channels: usize,
    pub(crate) momentum: f32,
    pub(crate) epsilon: f32,
    pub(crate) variables: Range<usize>,
    pub(crate) statistics: Range<usize>,
}

/// A dense layer with its rectifier.
#[derive(Clone, Debug)]
pub(crate) struct DenseStage {
    pub(crate) shape: DenseShape,
    pub(crate) relu: bool,
    pub(crate) variables: Range<usize>,
}

impl DenseStage {
    /// The shape for a smaller batch.
    pub(crate) fn shape(&self, batch: usize) -> DenseShape {
        DenseShape {
            batch,
            ..self.shape
        }
    }
}

/// The stages of `layers`, for up to `batch` images.
pub(crate) fn stages(
    layers: &[ResolvedLayer],
    batch: usize,
    options: &KernelOptions,
    purpose: Purpose,
) -> Vec<Stage> {
    let mut stages = Vec::new();
    let mut rest = layers;
    while let Some((layer, mut following)) = rest.split_first() {
        let mut last = layer;
        let mut name = layer.name.clone();
        let kind = match &layer.operation {
            Operation::Flatten => None,
            Operation::Dropout { .. } if purpose != Purpose::Training => None,
            Operation::Dropout { rate } => Some(Kind::Dropout(*rate)),
            Operation::BatchNorm { .. } => norm(layer).map(Kind::BatchNorm),
            Operation::MaxPool2d { .. } => {
                layer.operation.max_pool2d_shape(batch).map(Kind::MaxPool2d)
            }
            Operation::Dense {
                activation,
                variables,
                ..
            } => layer.operation.dense_shape(batch).map(|shape| {
                Kind::Dense(DenseStage {
                    shape,
                    relu: *activation == Activation::Relu,
                    variables: variables.clone(),
                })
            }),
            Operation::Residual { layers } => Some(Kind::Residual(self::stages(
                layers, batch, options, purpose,
            ))),
            Operation::Conv2d {
                activation,
                variables,
                ..
            } => layer.operation.conv2d_shape(batch).map(|shape| {
                let mut take = |wanted: bool| match following.split_first() {
                    Some((next, others)) if wanted => {
                        name = format!("{name} + {}", next.name);
                        (last, following) = (next, others);
                    }
                    _ => {}
                };
                let folds = match purpose {
                    Purpose::Training => !options.exact,
                    Purpose::Inference => true,
                    Purpose::Inspection => false,
                };
                let norm = rest.get(1).and_then(norm).filter(|_| folds);
                take(norm.is_some());
                let next = rest.get(1 + usize::from(norm.is_some()));
                let pool = next.is_some_and(halves) && purpose != Purpose::Inspection;
                take(pool);
                let before_conv = following
                    .first()
                    .is_some_and(|next| matches!(next.operation, Operation::Conv2d { .. }));
                let training = purpose == Purpose::Training;
                Kind::Conv(ConvStage {
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
            stages.push(Stage {
                name,
                inputs: layer.input.size(),
                outputs: last.output.size(),
                multiply_adds: layer.multiply_adds,
                kind,
            });
        }
        rest = following;
    }
    stages
}

fn norm(layer: &ResolvedLayer) -> Option<Norm> {
    match &layer.operation {
        Operation::BatchNorm {
            channels,
            momentum,
            epsilon,
            variables,
            statistics,
        } => Some(Norm {
            channels: *channels,
            momentum: *momentum,
            epsilon: *epsilon,
            variables: variables.clone(),
            statistics: statistics.clone(),
        }),
        _ => None,
    }
}

/// Whether a layer is a 2x2 pool.
fn halves(layer: &ResolvedLayer) -> bool {
    match &layer.operation {
        Operation::MaxPool2d { rows, columns, .. } => {
            [rows.kernel, rows.stride, columns.kernel, columns.stride] == [2; 4]
        }
        _ => false,
    }
}

/// The largest of each shared buffer that any stage needs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Needs {
    /// Numbers between two stages, of the whole batch.
    pub(crate) values: usize,
    pub(crate) prepared: usize,
    pub(crate) sums: usize,
    pub(crate) workspace: WorkspaceLen,
}

impl Needs {
    pub(crate) fn of(stages: &[Stage], batch: usize) -> Self {
        let mut needs = Self::default();
        for stage in stages {
            needs.values = needs.values.max(batch * stage.inputs.max(stage.outputs));
            match &stage.kind {
                Kind::Conv(stage) => {
                    needs.prepared = needs.prepared.max(stage.conv.packed_len());
                    needs.workspace = needs.workspace.max(stage.conv.workspace_len());
                }
                Kind::Dense(dense) => {
                    needs.workspace = needs.workspace.max(dense.shape.workspace_len());
                }
                Kind::BatchNorm(norm) => {
                    needs.sums = needs
                        .sums
                        .max(batch_norm_backward_scratch_len(norm.channels));
                }
                Kind::Residual(block) => {
                    let inner = Self::of(block, batch);
                    needs = Self {
                        values: needs.values.max(inner.values),
                        prepared: needs.prepared.max(inner.prepared),
                        sums: needs.sums.max(inner.sums),
                        workspace: needs.workspace.max(inner.workspace),
                    };
                }
                Kind::MaxPool2d(_) | Kind::Dropout(_) => {}
            }
        }
        needs
    }
}

/// The methods that stages take, for those who report: `winograd`, `direct` or nothing.
pub(crate) fn method(stage: &Stage) -> Option<&'static str> {
    match &stage.kind {
        Kind::Conv(stage) => Some(match stage.conv.algorithm {
            ConvAlgorithm::Winograd => "winograd",
            ConvAlgorithm::Direct => "direct",
        }),
        _ => None,
    }
}
