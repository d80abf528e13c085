//! Whether there is memory to train, before any is taken.

use modiste_core::require_memory;
use modiste_model::{KernelOptions, Resolved, inference_bytes, training_bytes};

use crate::engine::{Compute, EngineKind, INFERENCE_BATCH_SIZE};
use crate::error::TrainError;

/// Copies of the trainable numbers in an engine: its weights, velocities and gradients, and those prepared
/// for inference.
const ENGINE_COPIES: u64 = 4;

/// Those in all of a training: also the network's, a checkpoint's with its bytes, and those of the evaluation
/// that follows, which must not fail when all is trained.
const TRAINING_COPIES: u64 = 20;

/// What candle keeps of a step, in terms of what the kernels keep: its graph holds every operation's
/// output and gradient. Measured with `compact` (7.5) and `vgg` (9.4).
#[cfg(feature = "candle")]
const CANDLE: u64 = 11;

/// Checks that a network can be trained in batches of `batch_size` images, and evaluated afterwards, with
/// the memory that this process may have. [`fit`](crate::fit()) checks that there is enough for its steps
/// alone; a caller wants to know of the rest before it begins.
///
/// # Errors
/// [`TrainError::Memory`].
///
/// ```
/// use modiste_train::{Compute, TrainError, require_training_memory};
///
/// let network = modiste_model::zoo::vgg().resolve()?;
/// assert!(require_training_memory(&network, 8, &Compute::default()).is_ok());
/// # #[cfg(target_os = "linux")]
/// assert!(matches!(
///     require_training_memory(&network, 1 << 40, &Compute::default()),
///     Err(TrainError::Memory { .. })
/// ));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn require_training_memory(
    resolved: &Resolved,
    batch_size: usize,
    compute: &Compute,
) -> Result<(), TrainError> {
    let after = inference_bytes(resolved, INFERENCE_BATCH_SIZE, &compute.kernels)
        .saturating_add(copies(resolved, TRAINING_COPIES - ENGINE_COPIES));
    let bytes = step_bytes(resolved, batch_size, compute).saturating_add(after);
    require_memory(bytes).map_err(|memory| TrainError::Memory { batch_size, memory })
}

/// Checks that there is memory for an engine and its steps.
///
/// # Errors
/// [`TrainError::Memory`].
pub(crate) fn require_step_memory(
    resolved: &Resolved,
    batch_size: usize,
    compute: &Compute,
) -> Result<(), TrainError> {
    let bytes = step_bytes(resolved, batch_size, compute);
    require_memory(bytes).map_err(|memory| TrainError::Memory { batch_size, memory })
}

fn step_bytes(resolved: &Resolved, batch_size: usize, compute: &Compute) -> u64 {
    let options = &compute.kernels;
    let factor = match &compute.engine {
        EngineKind::Kernels => 1,
        #[cfg(feature = "candle")]
        EngineKind::Candle(device) if device.is_cpu() => CANDLE,
        // A GPU has memory of its own.
        #[cfg(feature = "candle")]
        EngineKind::Candle(_) => 0,
    };
    let inference = inference_bytes(resolved, batch_size.max(INFERENCE_BATCH_SIZE), options);
    training_bytes(resolved, batch_size, options)
        .saturating_mul(factor)
        .saturating_add(batch_bytes(resolved, batch_size))
        .saturating_add(inference)
        .saturating_add(copies(resolved, ENGINE_COPIES))
}

/// Bytes of a batch's images and logits, and a copy of them.
fn batch_bytes(resolved: &Resolved, images: usize) -> u64 {
    let numbers = (resolved.input.size() + resolved.classes()) as u64;
    numbers.saturating_mul(images as u64).saturating_mul(8)
}

fn copies(resolved: &Resolved, count: u64) -> u64 {
    4 * count * resolved.trainable_len() as u64
}

/// Checks that a network can answer for `images` images at a time with the memory that this process may
/// have.
///
/// # Errors
/// [`TrainError::InferenceMemory`].
pub(crate) fn require_inference_memory(
    resolved: &Resolved,
    images: usize,
    compute: &Compute,
) -> Result<(), TrainError> {
    let bytes = inference_bytes(resolved, images, &compute.kernels)
        .saturating_add(batch_bytes(resolved, images))
        .saturating_add(copies(resolved, ENGINE_COPIES));
    require_memory(bytes).map_err(|memory| TrainError::InferenceMemory { images, memory })
}

/// Checks that every layer's output, or a step's gradients, can be kept for `images` images.
///
/// # Errors
/// [`TrainError::InferenceMemory`].
pub(crate) fn require_inspection_memory(
    resolved: &Resolved,
    images: usize,
    options: &KernelOptions,
) -> Result<(), TrainError> {
    let bytes = training_bytes(resolved, images, options)
        .saturating_add(inference_bytes(resolved, images, options));
    require_memory(bytes).map_err(|memory| TrainError::InferenceMemory { images, memory })
}
