//! Engines: code that computes gradients and updates weights.

#[cfg(feature = "candle")]
mod candle;
mod kernels;

use modiste_core::Rng;
use modiste_dataset::Batch;
use modiste_model::{KernelOptions, Parameters, Resolved, StageTime, StepOutcome};

use crate::error::TrainError;
use crate::optimizer::OptimizerStep;

/// Images that are evaluated at a time, in validation too: it decides how convolutions are computed,
/// and so the last bits of a loss.
pub(crate) const INFERENCE_BATCH_SIZE: usize = 100;

/// A network with the buffers of training. Gradients and update are apart, so that gradients of several
/// processes can be added between the two.
pub trait Engine {
    /// Name of the engine: `kernels` or `candle`.
    fn name(&self) -> &'static str;

    /// Computes the gradients of a batch and returns its metrics, before any update. Running statistics of
    /// batch norm are updated; dropout draws from `rng`.
    ///
    /// # Errors
    /// [`TrainError`] if the device refuses.
    fn gradients(&mut self, batch: &Batch<'_>, rng: &mut Rng) -> Result<StepOutcome, TrainError>;

    /// The last gradients, in the order of the trainable parameters. What is written there is what
    /// [`update`](Self::update) applies.
    ///
    /// # Errors
    /// [`TrainError`] if the device refuses.
    fn gradient_buffer(&mut self) -> Result<&mut [f32], TrainError>;

    /// Updates the weights with the last gradients.
    ///
    /// # Errors
    /// [`TrainError`] if the device refuses.
    fn update(&mut self, step: &OptimizerStep) -> Result<(), TrainError>;

    /// Logits of a batch as inference computes them, `[batch, classes]`.
    ///
    /// # Errors
    /// [`TrainError`] if the device refuses.
    fn logits(&mut self, images: &[f32]) -> Result<Vec<f32>, TrainError>;

    /// Current parameters of the network.
    ///
    /// # Errors
    /// [`TrainError`] if the device refuses.
    fn parameters(&self) -> Result<Parameters, TrainError>;

    /// State of the optimizer, such as SGD's velocities, in the order of the trainable parameters.
    ///
    /// # Errors
    /// [`TrainError`] if the device refuses.
    fn optimizer_state(&self) -> Result<Vec<f32>, TrainError>;

    /// Restores a state that [`optimizer_state`](Self::optimizer_state) returned.
    ///
    /// # Errors
    /// [`TrainError`] if the device refuses.
    ///
    /// # Panics
    /// If it is of another length.
    fn set_optimizer_state(&mut self, state: &[f32]) -> Result<(), TrainError>;

    /// Duration of each stage of the last step; empty if the engine does not measure them.
    fn stage_times(&self) -> Vec<StageTime>;
}

/// Kind of engine, with the device that it runs on.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum EngineKind {
    /// The kernels of `modiste-kernels`, on the CPU.
    #[default]
    Kernels,
    /// candle's graph and autograd, on this device.
    #[cfg(feature = "candle")]
    Candle(candle_core::Device),
}

impl EngineKind {
    /// Name of the engine: `kernels` or `candle`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Kernels => "kernels",
            #[cfg(feature = "candle")]
            Self::Candle(_) => "candle",
        }
    }
}

/// Engine and kernel options of a training or an evaluation.
#[derive(Clone, Debug, Default)]
pub struct Compute {
    /// Which engine computes.
    pub engine: EngineKind,
    /// How the kernels compute, if they do.
    pub kernels: KernelOptions,
}

impl Compute {
    /// The same options with another engine.
    #[must_use]
    pub fn with(self, engine: EngineKind) -> Self {
        Self { engine, ..self }
    }
}

/// Creates an engine for batches of up to `batch_size` images, with an optimizer at rest.
///
/// # Errors
/// [`TrainError`] if the device refuses.
///
/// ```
/// use modiste_model::{Parameters, zoo};
/// use modiste_train::{Compute, engine};
///
/// let network = zoo::compact().resolve()?;
/// let parameters = Parameters::initialize(&network, 1);
/// let engine = engine(&Compute::default(), &network, &parameters, 8)?;
/// assert_eq!(engine.name(), "kernels");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn engine(
    compute: &Compute,
    resolved: &Resolved,
    parameters: &Parameters,
    batch_size: usize,
) -> Result<Box<dyn Engine>, TrainError> {
    engine_with_inference(compute, resolved, parameters, batch_size, batch_size)
}

/// Creates an engine that trains on up to `batch_size` images and evaluates up to `inference_batch_size`.
/// The latter decides how convolutions are computed, and so how logits are rounded.
pub(crate) fn engine_with_inference(
    compute: &Compute,
    resolved: &Resolved,
    parameters: &Parameters,
    batch_size: usize,
    inference_batch_size: usize,
) -> Result<Box<dyn Engine>, TrainError> {
    match &compute.engine {
        EngineKind::Kernels => Ok(Box::new(kernels::KernelEngine::new(
            resolved,
            parameters,
            [batch_size, inference_batch_size],
            compute.kernels,
        ))),
        #[cfg(feature = "candle")]
        EngineKind::Candle(device) => Ok(Box::new(candle::CandleEngine::new(
            resolved, parameters, device,
        )?)),
    }
}
