//! Buffers of inference, and what it derives from the weights in advance.

use modiste_kernels::{Buffer, InstructionSet, batch_norm_affine, dense_pack_weight, inverse_std};

use crate::fused_op::{BatchNorm, FusedOp, FusedResidual, Kind};
use crate::inference::groups::Segment;
use crate::parameters::Parameters;

/// Buffers of one operation: its output, and what [`prepare`] derives from the weights.
#[derive(Debug, Default)]
pub(crate) struct OpBuffers {
    pub(crate) output: Buffer,
    pub(super) prepared: Buffer,
    pub(crate) norm: FusedBatchNorm,
    /// Argmax indices of a separate pooling, for Grad-CAM.
    pub(crate) argmax: Vec<u8>,
    pub(crate) block: Vec<OpBuffers>,
    pub(crate) shortcut: Vec<OpBuffers>,
}

/// Batch norm by its running statistics, one value per channel.
#[derive(Debug, Default)]
pub(crate) struct FusedBatchNorm {
    pub(super) mean: Vec<f32>,
    pub(super) inverse: Vec<f32>,
    pub(crate) scale: Vec<f32>,
    pub(super) shift: Vec<f32>,
}

/// Allocates the buffers of `ops` for up to `batch` images.
pub(super) fn allocate(
    ops: &[FusedOp],
    batch: usize,
    segments: &[Segment],
    instructions: InstructionSet,
) -> Vec<OpBuffers> {
    let segment_buffers = |segment: &Segment| {
        let indices = segment.ops.clone();
        let buffers = |index| allocate_op(&ops[index], segment.stored(index, batch), instructions);
        indices.map(buffers).collect::<Vec<_>>()
    };
    segments.iter().flat_map(segment_buffers).collect()
}

fn allocate_path(ops: &[FusedOp], batch: usize, instructions: InstructionSet) -> Vec<OpBuffers> {
    let buffers = |op| allocate_op(op, batch, instructions);
    ops.iter().map(buffers).collect()
}

fn allocate_op(op: &FusedOp, batch: usize, instructions: InstructionSet) -> OpBuffers {
    let mut buffers = OpBuffers {
        output: match &op.kind {
            Kind::Conv(conv) if conv.accumulates => Buffer::default(),
            _ => Buffer::zeros(batch * op.outputs),
        },
        ..OpBuffers::default()
    };
    match &op.kind {
        Kind::Conv(conv) => buffers.prepared = Buffer::zeros(conv.kernel.packed_len()),
        Kind::MaxPool2d(_) => buffers.argmax = vec![0; buffers.output.len()],
        Kind::Residual(residual) => {
            buffers.block = allocate_path(&residual.block, batch, instructions);
            buffers.shortcut = allocate_path(&residual.shortcut, batch, instructions);
        }
        Kind::Dense(dense) => {
            buffers.prepared = Buffer::zeros(dense.shape.packed_len(instructions));
        }
        Kind::BatchNorm(_)
        | Kind::Activation(_)
        | Kind::AveragePool2d(_)
        | Kind::GlobalAveragePool2d(_)
        | Kind::ZeroPadding2d(_)
        | Kind::Dropout(_) => {}
    }
    let norm = match &op.kind {
        Kind::Conv(conv) => conv.norm.as_ref(),
        Kind::BatchNorm(norm) => Some(norm),
        _ => None,
    };
    if let Some(norm) = norm {
        let zeros = vec![0.0; norm.channels];
        buffers.norm = FusedBatchNorm {
            mean: zeros.clone(),
            inverse: zeros.clone(),
            scale: zeros.clone(),
            shift: zeros,
        };
    }
    buffers
}

/// Derives everything that depends on the weights alone. `trainable` is a copy of the trainable
/// parameters, into which batch norm is folded.
pub(super) fn prepare(
    ops: &[FusedOp],
    buffers: &mut [OpBuffers],
    instructions: InstructionSet,
    parameters: &Parameters,
    trainable: &mut [f32],
) {
    for (op, buffers) in ops.iter().zip(buffers) {
        match &op.kind {
            Kind::Conv(conv) => {
                let weights = conv.kernel.weight_len();
                if let Some(norm) = &conv.norm {
                    fuse_batch_norm(norm, parameters, &mut buffers.norm);
                }
                let variables = &mut trainable[conv.variables.clone()];
                if conv.folded {
                    fold(variables, weights, &mut buffers.norm);
                }
                conv.kernel
                    .pack_weight(&variables[..weights], &mut buffers.prepared);
            }
            Kind::BatchNorm(norm) => fuse_batch_norm(norm, parameters, &mut buffers.norm),
            Kind::Residual(FusedResidual {
                block, shortcut, ..
            }) => {
                let OpBuffers {
                    block: block_buffers,
                    shortcut: shortcut_buffers,
                    ..
                } = buffers;
                prepare(block, block_buffers, instructions, parameters, trainable);
                prepare(
                    shortcut,
                    shortcut_buffers,
                    instructions,
                    parameters,
                    trainable,
                );
            }
            Kind::Dense(dense) => {
                let weights = dense.shape.inputs * dense.shape.outputs;
                let weight = &parameters.trainable[dense.variables.clone()][..weights];
                dense_pack_weight(&dense.shape, instructions, weight, &mut buffers.prepared);
            }
            Kind::Activation(_)
            | Kind::MaxPool2d(_)
            | Kind::AveragePool2d(_)
            | Kind::GlobalAveragePool2d(_)
            | Kind::ZeroPadding2d(_)
            | Kind::Dropout(_) => {}
        }
    }
}

fn fuse_batch_norm(norm: &BatchNorm, parameters: &Parameters, fused: &mut FusedBatchNorm) {
    let running_stats = &parameters.running_stats[norm.running_stats.clone()];
    let (mean, variance) = running_stats.split_at(norm.channels);
    let (gamma, beta) = parameters.trainable[norm.variables.clone()].split_at(norm.channels);
    let FusedBatchNorm {
        mean: fused_mean,
        inverse,
        scale,
        shift,
    } = fused;
    fused_mean.copy_from_slice(mean);
    inverse_std(variance, norm.epsilon, inverse);
    batch_norm_affine(mean, inverse, gamma, beta, scale, shift);
}

/// Folds the scale of a batch norm into the weight before it, `[..., channels]`, and the bias, if there is
/// one, into the shift, which thus becomes the bias of the folded convolution.
fn fold(variables: &mut [f32], weights: usize, norm: &mut FusedBatchNorm) {
    let (weight, bias) = variables.split_at_mut(weights);
    for row in weight.chunks_exact_mut(norm.scale.len()) {
        for (weight, scale) in row.iter_mut().zip(&norm.scale) {
            *weight *= scale;
        }
    }
    for ((shift, bias), scale) in norm.shift.iter_mut().zip(bias).zip(&norm.scale) {
        *shift += *bias * scale;
    }
}
