//! The kernel engine: training on the CPU in flat buffers.

use modiste_core::Rng;
use modiste_dataset::Batch;
use modiste_kernels::{in_pool, sgd_update};
use modiste_model::{
    FusedOpTime, Inference, KernelNetwork, KernelOptions, NetworkPlan, Parameters, StepMetrics,
};

use super::Engine;
use crate::error::TrainError;
use crate::optimizer::OptimizerStep;

pub(super) struct KernelEngine {
    /// Created in the first step, because an evaluation does not need its memory.
    network: Option<KernelNetwork>,
    batch_size: usize,
    options: KernelOptions,
    parameters: Parameters,
    velocities: Vec<f32>,
    gradients: Vec<f32>,
    inference: Inference,
    /// `true` if the weights have changed since `inference` loaded them.
    weights_changed: bool,
}

impl KernelEngine {
    pub(super) fn new(
        plan: &NetworkPlan,
        parameters: &Parameters,
        [batch_size, inference_batch_size]: [usize; 2],
        options: KernelOptions,
    ) -> Self {
        let zeros = vec![0.0; plan.trainable_len()];
        Self {
            network: None,
            batch_size,
            options,
            inference: Inference::new(plan.clone(), inference_batch_size, &options),
            weights_changed: true,
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

    fn gradients(&mut self, batch: &Batch<'_>, rng: &mut Rng) -> Result<StepMetrics, TrainError> {
        let network = self.network.get_or_insert_with(|| {
            let plan = self.inference.plan().clone();
            KernelNetwork::new(plan, self.batch_size, &self.options)
        });
        self.weights_changed = true;
        Ok(network.gradients(
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
        self.weights_changed = true;
        Ok(())
    }

    fn logits(&mut self, images: &[f32]) -> Result<Vec<f32>, TrainError> {
        if std::mem::take(&mut self.weights_changed) {
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

    fn op_times(&self) -> Vec<FusedOpTime> {
        self.network
            .iter()
            .flat_map(KernelNetwork::op_times)
            .collect()
    }
}
