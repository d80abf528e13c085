//! How much memory a network takes, before it takes any.

use modiste_kernels::WorkspaceLen;

use crate::resolved::Resolved;
use crate::stage::{KernelOptions, Kind, Needs, Norm, Purpose, Stage, stages};

/// Largest batch whose buffers are added up one by one; those of a larger one grow with it.
const LARGEST: usize = 128;

/// Bytes that a [`Walk`](crate::Walk) of a network takes for batches of `batch_size` images, with the
/// threads of the current pool. No overflow: what no machine has is [`u64::MAX`] at most.
///
/// ```
/// use modiste_model::{KernelOptions, training_bytes, zoo};
///
/// let vgg = zoo::vgg().resolve()?;
/// let options = KernelOptions::default();
/// assert!(training_bytes(&vgg, 200, &options) > training_bytes(&vgg, 100, &options));
/// # Ok::<(), modiste_model::ArchitectureError>(())
/// ```
pub fn training_bytes(resolved: &Resolved, batch_size: usize, options: &KernelOptions) -> u64 {
    scaled(batch_size, |batch| {
        let stages = stages(&resolved.layers, batch, options, Purpose::Training);
        let needs = Needs::of(&stages, batch);
        training_slots(&stages, batch)
            + 2 * needs.values
            + workspace(needs.workspace)
            + needs.prepared
            + 2 * needs.sums
    })
}

/// Bytes that an [`Inference`](crate::Inference) takes, as [`training_bytes`] counts them.
pub fn inference_bytes(resolved: &Resolved, batch_size: usize, options: &KernelOptions) -> u64 {
    inference_bytes_for(resolved, batch_size, options, Purpose::Inference)
}

/// Bytes that an [`Inference::layer_by_layer`](crate::Inference::layer_by_layer) takes.
pub(crate) fn inspection_bytes(
    resolved: &Resolved,
    batch_size: usize,
    options: &KernelOptions,
) -> u64 {
    inference_bytes_for(resolved, batch_size, options, Purpose::Inspection)
}

fn inference_bytes_for(
    resolved: &Resolved,
    batch_size: usize,
    options: &KernelOptions,
    purpose: Purpose,
) -> u64 {
    let per_batch = scaled(batch_size, |batch| {
        let stages = stages(&resolved.layers, batch, options, purpose);
        outputs(&stages, batch) + workspace(Needs::of(&stages, batch).workspace)
    });
    let stages = stages(&resolved.layers, 1, options, purpose);
    let fixed = prepared(&stages, options) + resolved.trainable_len();
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

/// Numbers of the slots of a walk.
fn training_slots(stages: &[Stage], batch: usize) -> usize {
    let slot = |stage: &Stage| {
        let output = batch * stage.outputs;
        let norm_len = |norm: &Norm| 2 * batch * norm.channels;
        output
            + match &stage.kind {
                Kind::Conv(conv) => {
                    let written = match &conv.norm {
                        Some(_) if !conv.deferred => batch * conv.convolved(),
                        _ => 0,
                    };
                    let winners = if conv.pool { output } else { 0 };
                    winners + written + conv.norm.as_ref().map_or(0, norm_len)
                }
                Kind::BatchNorm(norm) => norm_len(norm),
                Kind::MaxPool2d(_) | Kind::Dropout(_) => output.div_ceil(4),
                Kind::Dense(_) => 0,
                Kind::Residual(block) => output + training_slots(block, batch),
            }
    };
    stages.iter().map(slot).sum()
}

/// Numbers of the outputs that inference writes.
fn outputs(stages: &[Stage], batch: usize) -> usize {
    let output = |stage: &Stage| {
        let output = batch * stage.outputs;
        output
            + match &stage.kind {
                Kind::MaxPool2d(_) => output.div_ceil(4),
                Kind::Residual(block) => outputs(block, batch),
                _ => 0,
            }
    };
    stages.iter().map(output).sum()
}

/// Numbers of the kernels that inference prepares.
fn prepared(stages: &[Stage], options: &KernelOptions) -> usize {
    let prepared = |stage: &Stage| match &stage.kind {
        Kind::Conv(conv) => conv.conv.packed_len(),
        Kind::Dense(dense) => dense.shape.packed_len(options.instructions),
        Kind::Residual(block) => self::prepared(block, options),
        _ => 0,
    };
    stages.iter().map(prepared).sum()
}
