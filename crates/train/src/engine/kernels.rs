//! Training on the CPU with the kernels, in flat buffers.

use modiste_core::Rng;
use modiste_dataset::Batch;
use modiste_kernels::{in_pool, sgd_update};
use modiste_model::{Inference, KernelOptions, Parameters, Resolved, StageTime, StepOutcome, Walk};

use super::Engine;
use crate::error::TrainError;
use crate::optimizer::OptimizerStep;

pub(super) struct KernelEngine {
    /// Created for the first step: an evaluation needs none of its memory.
    walk: Option<Walk>,
    batch_size: usize,
    options: KernelOptions,
    parameters: Parameters,
    velocities: Vec<f32>,
    gradients: Vec<f32>,
    inference: Inference,
    /// Whether the weights changed since `inference` loaded them.
    changed: bool,
}

impl KernelEngine {
    pub(super) fn new(
        resolved: &Resolved,
        parameters: &Parameters,
        [batch_size, inference_batch_size]: [usize; 2],
        options: KernelOptions,
    ) -> Self {
        let zeros = vec![0.0; resolved.trainable_len()];
        Self {
            walk: None,
            batch_size,
            options,
            inference: Inference::new(resolved.clone(), inference_batch_size, &options),
            changed: true,
            parameters: parameters.clone(),
            velocities: zeros.clone(),
            gradients: zeros,
        }
    }
}

impl Engine for KernelEngine {
    fn name(&self) -> &'static str {
        "kernels"
    }

    fn gradients(&mut self, batch: &Batch<'_>, rng: &mut Rng) -> Result<StepOutcome, TrainError> {
        let walk = self.walk.get_or_insert_with(|| {
            let resolved = self.inference.resolved().clone();
            Walk::new(resolved, self.batch_size, &self.options)
        });
        self.changed = true;
        Ok(walk.gradients(
            &mut self.parameters,
            batch.images,
            batch.labels,
            rng,
            &mut self.gradients,
        ))
    }

    fn gradient_buffer(&mut self) -> Result<&mut [f32], TrainError> {
        Ok(&mut self.gradients)
    }

    fn update(&mut self, step: &OptimizerStep) -> Result<(), TrainError> {
        let (weights, velocities) = (&mut self.parameters.trainable, &mut self.velocities);
        let (step, gradients) = (step.sgd(), &self.gradients);
        in_pool(|| sgd_update(&step, weights, velocities, gradients));
        self.changed = true;
        Ok(())
    }

    fn logits(&mut self, images: &[f32]) -> Result<Vec<f32>, TrainError> {
        if std::mem::take(&mut self.changed) {
            self.inference.load(&self.parameters);
        }
        Ok(self.inference.logits(images).to_vec())
    }

    fn parameters(&self) -> Result<Parameters, TrainError> {
        Ok(self.parameters.clone())
    }

    fn optimizer_state(&self) -> Result<Vec<f32>, TrainError> {
        Ok(self.velocities.clone())
    }

    fn set_optimizer_state(&mut self, state: &[f32]) -> Result<(), TrainError> {
        self.velocities.copy_from_slice(state);
        Ok(())
    }

    fn stage_times(&self) -> Vec<StageTime> {
        self.walk.iter().flat_map(Walk::times).collect()
    }
}
