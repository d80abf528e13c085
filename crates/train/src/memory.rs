//! Whether there is memory to train, before any is taken.

use modiste_dataset::require_memory;
use modiste_model::{KernelOptions, Resolved, inference_bytes, training_bytes};

use crate::engine::{Compute, EngineChoice};
use crate::error::TrainError;
use crate::evaluate::INFERENCE_BATCH_SIZE;

/// Copies of the trainable numbers while a network trains: the network's, the engine's, velocities,
/// gradients, those prepared for inference, a checkpoint with its bytes, and those of the evaluation that
/// follows, which must not fail when all is trained.
const COPIES: u64 = 14;

/// What candle keeps of a step, in terms of what the kernels keep: its graph holds every operation's
/// output and gradient.
const CANDLE: u64 = 3;

/// Checks that a network can be trained in batches of `batch_size` images with the memory that this
/// process may have. [`fit`](crate::fit()) does so too; a caller may want to know before it begins.
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
    let options = &compute.kernels;
    let step = training_bytes(resolved, batch_size, options);
    let factor = match compute.engine.on(&compute.device) {
        EngineChoice::Candle => CANDLE,
        _ => 1,
    };
    // The batch itself, and what validation and the last evaluation take.
    let numbers = (resolved.input.size() + resolved.classes()) as u64;
    let batch = numbers.saturating_mul(batch_size as u64).saturating_mul(8);
    let inference = inference_bytes(resolved, batch_size.max(INFERENCE_BATCH_SIZE), options);
    let copies = COPIES * 4 * resolved.trainable_len() as u64;
    let bytes = step
        .saturating_mul(factor)
        .saturating_add(batch)
        .saturating_add(inference.saturating_mul(2))
        .saturating_add(copies);
    require_memory(bytes).map_err(|memory| TrainError::Memory { batch_size, memory })
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
    let numbers = (resolved.input.size() + resolved.classes()) as u64;
    let batch = numbers.saturating_mul(images as u64).saturating_mul(8);
    let bytes = inference_bytes(resolved, images, &compute.kernels).saturating_add(batch);
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
