//! Engines: implementations of gradients, updates and inference.

#[cfg(feature = "candle")]
mod candle;
mod kernels;

use modiste_core::Rng;
use modiste_dataset::Batch;
use modiste_kernels::update_average;
use modiste_model::{FusedOpTime, KernelOptions, NetworkPlan, Parameters, StepMetrics, Targets};

use crate::error::TrainError;
use crate::optimizer::{OptimizerStep, ParameterGroup};

/// Images per inference call, in evaluation and validation alike. The batch size selects the convolution
/// algorithm, so it affects the last bits of the loss.
pub(crate) const INFERENCE_BATCH_SIZE: usize = 100;

/// A network being trained: its parameters, gradients and optimizer state.
///
/// [`gradients`](Self::gradients) and [`update`](Self::update) are separate, so that a custom loop can
/// modify the [`gradient_buffer`](Self::gradient_buffer) in between: clip gradients, or average those of
/// several processes. [`engine()`] creates an engine.
///
/// Images are `[batch, height, width, channels]`, scaled to `[0, 1]`; logits are `[batch, classes]`.
/// Flat buffers have the layout of the trainable variables in
/// [`NetworkPlan::variables`](modiste_model::NetworkPlan::variables).
///
/// # Examples
/// Two steps of a custom training loop, with the gradients halved:
///
/// ```
/// use modiste_core::Rng;
/// use modiste_dataset::Batches;
/// use modiste_model::{Parameters, zoo};
/// use modiste_train::{Compute, Optimizer, OptimizerStep, engine};
///
/// let images = modiste_dataset::fashion_mnist_mini().train.first(16);
/// let plan = zoo::compact().plan()?;
/// let mut engine = engine(&Compute::default(), &plan, &Parameters::initialize(&plan, 1), 8)?;
/// let step = OptimizerStep { optimizer: Optimizer::default(), learning_rate: 0.01 };
/// let mut rng = Rng::new(1);
/// let mut batches = Batches::shuffled(&images, 8, 1, 0);
/// while let Some(batch) = batches.next_batch()? {
///     let metrics = engine.gradients(&batch, &mut rng)?;
///     for gradient in engine.gradient_buffer()? {
///         *gradient *= 0.5;
///     }
///     engine.update(&step)?;
///     assert!(metrics.loss.is_finite());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Engine {
    /// Name of the engine: `kernels` or `candle`.
    fn name(&self) -> &'static str;

    /// Execution plan of the network.
    fn plan(&self) -> &NetworkPlan;

    /// Computes the gradients of the mean cross-entropy of a batch and returns its metrics with the current
    /// weights. Updates the running statistics of batch norm; dropout draws from `rng`.
    ///
    /// # Errors
    /// Returns [`TrainError`] if the device fails.
    ///
    /// # Panics
    /// If the batch has the wrong shape or a label is out of range.
    fn gradients(&mut self, batch: &Batch<'_>, rng: &mut Rng) -> Result<StepMetrics, TrainError> {
        self.gradients_of(batch.images, batch.labels.into(), rng)
    }

    /// As [`gradients`](Self::gradients), with targets that may be soft.
    ///
    /// # Errors
    /// Returns [`TrainError`] if the device fails.
    ///
    /// # Panics
    /// If the images or targets have the wrong shape or a label is out of range.
    fn gradients_of(
        &mut self,
        images: &[f32],
        targets: Targets<'_>,
        rng: &mut Rng,
    ) -> Result<StepMetrics, TrainError>;

    /// Gradients of the last batch. [`update`](Self::update) applies changes that a caller makes to them.
    ///
    /// # Errors
    /// Returns [`TrainError`] if the device fails.
    fn gradient_buffer(&mut self) -> Result<&mut [f32], TrainError>;

    /// Updates the weights and the optimizer state with the last gradients.
    ///
    /// # Errors
    /// Returns [`TrainError`] if the device fails.
    ///
    /// # Panics
    /// If the optimizer state belongs to another optimizer.
    fn update(&mut self, step: &OptimizerStep) -> Result<(), TrainError> {
        let everything = ParameterGroup {
            range: 0..self.plan().trainable_len(),
            rate_factor: 1.0,
        };
        self.update_groups(step, &[everything])
    }

    /// As [`update`](Self::update), for groups with learning rates of their own. Parameters outside of all groups
    /// are frozen: neither they nor their state changes.
    ///
    /// # Errors
    /// Returns [`TrainError`] if the device fails.
    ///
    /// # Panics
    /// If the optimizer state belongs to another optimizer, or a range is out of bounds.
    fn update_groups(
        &mut self,
        step: &OptimizerStep,
        groups: &[ParameterGroup],
    ) -> Result<(), TrainError>;

    /// Moves `average` towards the current weights and running statistics:
    /// `average += (1 - decay) * (current - average)`.
    ///
    /// # Errors
    /// Returns [`TrainError`] if the device fails.
    ///
    /// # Panics
    /// If `average` belongs to another network.
    fn update_average(&self, average: &mut Parameters, decay: f64) -> Result<(), TrainError> {
        let current = self.parameters()?;
        update_average(&mut average.trainable, &current.trainable, decay);
        update_average(&mut average.running_stats, &current.running_stats, decay);
        Ok(())
    }

    /// Logits, `[batch, classes]`, in inference mode: without dropout, with running statistics.
    ///
    /// # Errors
    /// Returns [`TrainError`] if the device fails.
    ///
    /// # Panics
    /// If `images` is not a whole number of images, or more than the engine's batch size.
    fn logits(&mut self, images: &[f32]) -> Result<Vec<f32>, TrainError>;

    /// Current weights and running statistics.
    ///
    /// # Errors
    /// Returns [`TrainError`] if the device fails.
    fn parameters(&self) -> Result<Parameters, TrainError>;

    /// Replaces the weights and running statistics.
    ///
    /// # Errors
    /// Returns [`TrainError`] if the device fails.
    ///
    /// # Panics
    /// If `parameters` belong to another network.
    fn set_parameters(&mut self, parameters: &Parameters) -> Result<(), TrainError>;

    /// State of the optimizer, such as the velocities of SGD, in the layout of
    /// [`Optimizer::state_len`](crate::Optimizer::state_len); empty before the first update.
    ///
    /// # Errors
    /// Returns [`TrainError`] if the device fails.
    fn optimizer_state(&self) -> Result<Vec<f32>, TrainError>;

    /// Restores a state that [`optimizer_state`](Self::optimizer_state) returned. An empty one starts with zeros.
    ///
    /// # Errors
    /// Returns [`TrainError`] if the device fails.
    fn set_optimizer_state(&mut self, state: &[f32]) -> Result<(), TrainError>;

    /// Duration of each fused operation in the last step; empty if the engine does not measure them.
    fn op_times(&self) -> Vec<FusedOpTime>;
}

/// Kind of engine, with the device that it runs on.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum EngineKind {
    /// CPU engine: the kernels of `modiste-kernels`.
    #[default]
    Kernels,
    /// candle with autograd, on this device.
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

/// Engine and kernel options of training or evaluation.
#[derive(Clone, Debug, Default)]
pub struct Compute {
    /// Engine.
    pub engine: EngineKind,
    /// Options of the kernels.
    pub kernels: KernelOptions,
}

impl Compute {
    /// Returns these settings with `engine`.
    #[must_use]
    pub fn with(self, engine: EngineKind) -> Self {
        Self { engine, ..self }
    }
}

/// Creates an engine for batches of up to `batch_size` images. The optimizer state starts with zeros.
///
/// # Errors
/// Returns [`TrainError`] if the device fails.
///
/// ```
/// use modiste_model::{Parameters, zoo};
/// use modiste_train::{Compute, engine};
///
/// let plan = zoo::compact().plan()?;
/// let parameters = Parameters::initialize(&plan, 1);
/// let engine = engine(&Compute::default(), &plan, &parameters, 8)?;
/// assert_eq!(engine.name(), "kernels");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn engine(
    compute: &Compute,
    plan: &NetworkPlan,
    parameters: &Parameters,
    batch_size: usize,
) -> Result<Box<dyn Engine>, TrainError> {
    engine_with_inference(compute, plan, parameters, batch_size, batch_size)
}

/// Creates an engine for training batches of up to `batch_size` and inference batches of up to
/// `inference_batch_size` images. The latter selects the convolution algorithm, so it affects the
/// last bits of the logits.
pub(crate) fn engine_with_inference(
    compute: &Compute,
    plan: &NetworkPlan,
    parameters: &Parameters,
    batch_size: usize,
    inference_batch_size: usize,
) -> Result<Box<dyn Engine>, TrainError> {
    match &compute.engine {
        EngineKind::Kernels => Ok(Box::new(kernels::KernelEngine::new(
            plan,
            parameters,
            [batch_size, inference_batch_size],
            compute.kernels,
        ))),
        #[cfg(feature = "candle")]
        EngineKind::Candle(device) => Ok(Box::new(candle::CandleEngine::new(
            plan, parameters, device,
        )?)),
    }
}

/// Panics if the state of an optimizer has another length than that of the optimizer in use.
#[track_caller]
fn require_state_len(found: usize, expected: usize) {
    assert!(
        found == expected,
        "optimizer state: found {found} elements, expected {expected}"
    );
}
