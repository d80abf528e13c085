//! Memory checks before training and inference.

use modiste_core::require_memory;
use modiste_dataset::Images;
use modiste_model::{KernelOptions, NetworkPlan, inference_bytes, training_bytes};

use crate::engine::{Compute, EngineKind, INFERENCE_BATCH_SIZE};
use crate::error::TrainError;
use crate::prefetch::BATCHES_AHEAD;

/// Copies of the trainable parameters in an engine: weights, gradients, kernels prepared for inference, up to two
/// of the optimizer's state, averages, and the best epoch.
const ENGINE_COPIES: u64 = 7;

/// Copies of the trainable parameters in a whole run: an engine's, the network's, a checkpoint's with its
/// bytes, and those of the evaluation at the end, which must not fail after a long training.
const TRAINING_COPIES: u64 = 26;

/// Memory of a step in candle relative to the kernels: candle's graph contains the output and gradient of
/// every operation. Measured with `resnet` (6.7), `vgg` (9.4), `compact` (10.0) and `mobile` (16.1).
#[cfg(feature = "candle")]
const CANDLE_FACTOR: u64 = 17;

/// Checks that this process may use enough memory to train a network in batches of `batch_size` images and
/// to evaluate it afterwards. [`fit`](crate::fit()) itself checks the memory of its steps only.
///
/// # Errors
/// Returns [`TrainError::Memory`] if there is not enough memory.
///
/// ```
/// use modiste_train::{Compute, TrainError, require_training_memory};
///
/// let network = modiste_model::zoo::vgg().plan()?;
/// assert!(require_training_memory(&network, 8, &Compute::default()).is_ok());
/// # #[cfg(target_os = "linux")]
/// assert!(matches!(
///     require_training_memory(&network, 1 << 40, &Compute::default()),
///     Err(TrainError::Memory { .. })
/// ));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn require_training_memory(
    plan: &NetworkPlan,
    batch_size: usize,
    compute: &Compute,
) -> Result<(), TrainError> {
    let after = inference_bytes(plan, INFERENCE_BATCH_SIZE, &compute.kernels)
        .saturating_add(copies(plan, TRAINING_COPIES - ENGINE_COPIES));
    let bytes = step_bytes(plan, batch_size, compute).saturating_add(after);
    require_memory(bytes).map_err(|memory| TrainError::Memory { batch_size, memory })
}

/// Checks that there is enough memory for an engine and its steps.
///
/// # Errors
/// Returns [`TrainError::Memory`] if there is not enough memory.
pub(crate) fn require_step_memory(
    plan: &NetworkPlan,
    batch_size: usize,
    compute: &Compute,
) -> Result<(), TrainError> {
    let bytes = step_bytes(plan, batch_size, compute);
    require_memory(bytes).map_err(|memory| TrainError::Memory { batch_size, memory })
}

fn step_bytes(plan: &NetworkPlan, batch_size: usize, compute: &Compute) -> u64 {
    let options = &compute.kernels;
    let factor = match &compute.engine {
        EngineKind::Kernels => 1,
        #[cfg(feature = "candle")]
        EngineKind::Candle(device) if device.is_cpu() => CANDLE_FACTOR,
        // A GPU has its own memory.
        #[cfg(feature = "candle")]
        EngineKind::Candle(_) => 0,
    };
    let inference = inference_bytes(plan, batch_size.max(INFERENCE_BATCH_SIZE), options);
    training_bytes(plan, batch_size, options)
        .saturating_mul(factor)
        .saturating_add(batch_bytes(plan, batch_size).saturating_mul(BATCHES_AHEAD as u64))
        .saturating_add(inference)
        .saturating_add(copies(plan, ENGINE_COPIES))
}

/// Checks that there is enough memory to read cut-outs and backgrounds, as far as they are not in memory yet.
///
/// # Errors
/// Returns [`TrainError::PictureMemory`] if there is not enough memory.
pub(crate) fn require_picture_memory<'a>(
    pictures: impl Iterator<Item = &'a Images>,
) -> Result<(), TrainError> {
    let read = pictures.filter(|images| !images.is_in_memory());
    let bytes = read.map(|images| images.len() * images.shape().size());
    match bytes.sum::<usize>() as u64 {
        0 => Ok(()),
        bytes => require_memory(bytes).map_err(|memory| TrainError::PictureMemory { memory }),
    }
}

/// Bytes of the images and logits of a batch, and of one copy of these.
fn batch_bytes(plan: &NetworkPlan, images: usize) -> u64 {
    let numbers = (plan.input.size() + plan.classes()) as u64;
    numbers.saturating_mul(images as u64).saturating_mul(8)
}

fn copies(plan: &NetworkPlan, count: u64) -> u64 {
    4 * count * plan.trainable_len() as u64
}

/// Checks that there is enough memory for inference on `images` images at a time.
///
/// # Errors
/// Returns [`TrainError::InferenceMemory`] if there is not enough memory.
pub(crate) fn require_inference_memory(
    plan: &NetworkPlan,
    images: usize,
    compute: &Compute,
) -> Result<(), TrainError> {
    let bytes = inference_bytes(plan, images, &compute.kernels)
        .saturating_add(batch_bytes(plan, images))
        .saturating_add(copies(plan, ENGINE_COPIES));
    require_memory(bytes).map_err(|memory| TrainError::InferenceMemory { images, memory })
}

/// Checks that there is enough memory for the outputs of all layers, or the gradients of a step, of `images`
/// images.
///
/// # Errors
/// Returns [`TrainError::InferenceMemory`] if there is not enough memory.
pub(crate) fn require_inspection_memory(
    plan: &NetworkPlan,
    images: usize,
    options: &KernelOptions,
) -> Result<(), TrainError> {
    let bytes = training_bytes(plan, images, options)
        .saturating_add(inference_bytes(plan, images, options));
    require_memory(bytes).map_err(|memory| TrainError::InferenceMemory { images, memory })
}
