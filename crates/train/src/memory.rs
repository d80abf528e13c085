//! Whether there is memory to train, before any is taken.

use modiste_dataset::require_memory;
use modiste_model::{Resolved, inference_bytes, training_bytes};

use crate::engine::{Compute, EngineChoice};
use crate::error::TrainError;
use crate::evaluate::INFERENCE_BATCH_SIZE;

/// Copies of the trainable numbers while a network trains: the network's, the engine's, velocities,
/// gradients, those prepared for inference, and a checkpoint with its bytes.
const COPIES: u64 = 10;

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
        .saturating_add(inference)
        .saturating_add(copies);
    require_memory(bytes).map_err(|memory| TrainError::Memory { batch_size, memory })
}
