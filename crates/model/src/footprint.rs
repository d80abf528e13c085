//! Memory estimates for training and inference, made before anything is allocated.

use modiste_kernels::WorkspaceLen;

use crate::fused_op::{BatchNorm, FusedOp, KernelOptions, Kind, Purpose, SharedLens, fuse};
use crate::inference::segments;
use crate::network_plan::NetworkPlan;

/// Largest batch whose buffers are summed exactly; the estimate of a larger one is a multiple.
const LARGEST: usize = 128;

/// Bytes that a [`KernelNetwork`](crate::KernelNetwork) allocates for batches of `batch_size` images
/// and the threads of the current rayon pool. Saturates at [`u64::MAX`].
///
/// ```
/// use modiste_model::{KernelOptions, training_bytes, zoo};
///
/// let vgg = zoo::vgg().plan()?;
/// let options = KernelOptions::default();
/// assert!(training_bytes(&vgg, 200, &options) > training_bytes(&vgg, 100, &options));
/// # Ok::<(), modiste_model::ArchitectureError>(())
/// ```
pub fn training_bytes(plan: &NetworkPlan, batch_size: usize, options: &KernelOptions) -> u64 {
    let trained = scaled(batch_size, |batch| {
        let (trained, _) = plan.trained_and_frozen();
        let ops = fuse(trained, batch, options, Purpose::Training);
        let lens = SharedLens::of(&ops, batch);
        activation_len(&ops, batch)
            + (2 + lens.nesting) * lens.values.max(batch * plan.classes())
            + workspace(lens.workspace)
            + lens.prepared
            + lens.statistics
            + 2 * lens.sums
    });
    let frozen = plan.frozen_part();
    trained.saturating_add(frozen.map_or(0, |plan| inference_bytes(&plan, batch_size, options)))
}

/// Bytes that an [`Inference`](crate::Inference) allocates for batches of `batch_size` images and the
/// threads of the current rayon pool. Saturates at [`u64::MAX`].
pub fn inference_bytes(plan: &NetworkPlan, batch_size: usize, options: &KernelOptions) -> u64 {
    inference_bytes_for(plan, batch_size, options, Purpose::Inference)
}

/// Bytes that [`Inference::layer_by_layer`](crate::Inference::layer_by_layer) allocates.
pub(crate) fn inspection_bytes(
    plan: &NetworkPlan,
    batch_size: usize,
    options: &KernelOptions,
) -> u64 {
    inference_bytes_for(plan, batch_size, options, Purpose::Inspection)
}

fn inference_bytes_for(
    plan: &NetworkPlan,
    batch_size: usize,
    options: &KernelOptions,
    purpose: Purpose,
) -> u64 {
    let per_batch = scaled(batch_size, |batch| {
        let ops = fuse(&plan.layers, batch, options, purpose);
        let segments = segments(&ops, batch, purpose);
        let outputs = segments.iter().flat_map(|segment| {
            let indices = segment.ops.clone();
            indices.map(|index| output_len(&ops[index], segment.stored(index, batch)))
        });
        let outputs: usize = outputs.sum();
        outputs + workspace(SharedLens::of(&ops, batch).workspace)
    });
    let ops = fuse(&plan.layers, 1, options, purpose);
    let fixed = packed_len(&ops, options) + plan.trainable_len();
    per_batch.saturating_add(bytes(fixed))
}

fn scaled(batch_size: usize, numbers: impl Fn(usize) -> usize) -> u64 {
    let batch = batch_size.clamp(1, LARGEST);
    let times = batch_size.div_ceil(batch) as u64;
    bytes(numbers(batch)).saturating_mul(times)
}

fn bytes(numbers: usize) -> u64 {
    (numbers * size_of::<f32>()) as u64
}

fn workspace(len: WorkspaceLen) -> usize {
    rayon::current_num_threads() * len.thread + len.shared
}

/// Length of all activations of training, in numbers.
fn activation_len(ops: &[FusedOp], batch: usize) -> usize {
    let len = |op: &FusedOp| {
        let output = batch * op.outputs;
        let norm_len = |norm: &BatchNorm| 2 * batch * norm.channels;
        output
            + match &op.kind {
                Kind::Conv(conv) => {
                    let written = match &conv.norm {
                        Some(_) if !conv.deferred => batch * conv.convolved_len(),
                        _ => 0,
                    };
                    let argmax = if conv.pool { output } else { 0 };
                    argmax + written + conv.norm.as_ref().map_or(0, norm_len)
                }
                Kind::BatchNorm(norm) => norm_len(norm),
                Kind::MaxPool2d(_) | Kind::Dropout(_) => output.div_ceil(4),
                Kind::Residual(residual) => {
                    let paths = residual.paths().map(|path| activation_len(path, batch));
                    paths.iter().sum()
                }
                Kind::Activation(_)
                | Kind::AveragePool2d(_)
                | Kind::GlobalAveragePool2d(_)
                | Kind::ZeroPadding2d(_)
                | Kind::Dense(_) => 0,
            }
    };
    ops.iter().map(len).sum()
}

/// Length of the outputs of an operation of inference, in numbers.
fn output_len(op: &FusedOp, batch: usize) -> usize {
    let output = match &op.kind {
        Kind::Conv(conv) if conv.accumulates => 0,
        _ => batch * op.outputs,
    };
    output
        + match &op.kind {
            Kind::MaxPool2d(_) => output.div_ceil(4),
            Kind::Residual(residual) => {
                let paths = residual.paths().into_iter().flatten();
                paths.map(|op| output_len(op, batch)).sum()
            }
            _ => 0,
        }
}

/// Length of all prepared kernels of inference, in numbers.
fn packed_len(ops: &[FusedOp], options: &KernelOptions) -> usize {
    let len = |op: &FusedOp| match &op.kind {
        Kind::Conv(conv) => conv.kernel.packed_len(),
        Kind::Dense(dense) => dense.shape.packed_len(options.instructions),
        Kind::Residual(residual) => {
            let paths = residual.paths().map(|path| packed_len(path, options));
            paths.iter().sum()
        }
        _ => 0,
    };
    ops.iter().map(len).sum()
}
