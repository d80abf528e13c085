//! The kernel engine: training on the CPU in flat buffers.

use modiste_core::Rng;
use modiste_kernels::{adamw_update, in_pool, sgd_update, update_average};
use modiste_model::{
    FusedOpTime, Inference, KernelNetwork, KernelOptions, NetworkPlan, Parameters, StepMetrics,
    Targets,
};

use super::{Engine, require_state_len};
use crate::error::TrainError;
use crate::optimizer::{KernelStep, OptimizerStep, ParameterGroup};

pub(super) struct KernelEngine {
    /// Created in the first step, because an evaluation does not need its memory.
    network: Option<KernelNetwork>,
    batch_size: usize,
    options: KernelOptions,
    parameters: Parameters,
    /// State of the optimizer; empty before the first update.
    optimizer_state: Vec<f32>,
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
        Self {
            network: None,
            batch_size,
            options,
            inference: Inference::new(plan.clone(), inference_batch_size, &options),
            weights_changed: true,
            parameters: parameters.clone(),
            optimizer_state: Vec::new(),
            gradients: vec![0.0; plan.trainable_len()],
        }
    }
}

impl Engine for KernelEngine {
    fn name(&self) -> &'static str {
        "kernels"
    }

    fn plan(&self) -> &NetworkPlan {
        self.inference.plan()
    }

    fn gradients_of(
        &mut self,
        images: &[f32],
        targets: Targets<'_>,
        rng: &mut Rng,
    ) -> Result<StepMetrics, TrainError> {
        let network = self.network.get_or_insert_with(|| {
            let plan = self.inference.plan().clone();
            KernelNetwork::new(plan, self.batch_size, &self.options)
        });
        self.weights_changed = true;
        Ok(network.gradients(
            &mut self.parameters,
            images,
            targets,
            rng,
            &mut self.gradients,
        ))
    }

    fn gradient_buffer(&mut self) -> Result<&mut [f32], TrainError> {
        Ok(&mut self.gradients)
    }

    fn update_groups(
        &mut self,
        step: &OptimizerStep,
        groups: &[ParameterGroup],
    ) -> Result<(), TrainError> {
        let (weights, gradients) = (&mut self.parameters.trainable, &self.gradients);
        let count = weights.len();
        let state_len = step.optimizer.state_len(count);
        if self.optimizer_state.is_empty() {
            self.optimizer_state.resize(state_len, 0.0);
        }
        require_state_len(self.optimizer_state.len(), state_len);
        let (first, rest) = self.optimizer_state.split_at_mut(count);
        let (second, updates) = rest.split_at_mut(rest.len().min(count));
        let number = next_update(updates);
        in_pool(|| {
            for group in groups {
                let range = group.range.clone();
                let (weights, gradients) = (&mut weights[range.clone()], &gradients[range.clone()]);
                let first = &mut first[range.clone()];
                match step.kernel(group.rate_factor, number) {
                    KernelStep::Sgd(step) => sgd_update(&step, weights, first, gradients),
                    KernelStep::AdamW(step) => {
                        adamw_update(&step, weights, first, &mut second[range], gradients);
                    }
                }
            }
        });
        self.weights_changed = true;
        Ok(())
    }

    fn update_average(&self, average: &mut Parameters, decay: f64) -> Result<(), TrainError> {
        in_pool(|| {
            update_average(&mut average.trainable, &self.parameters.trainable, decay);
            let statistics = &self.parameters.running_stats;
            update_average(&mut average.running_stats, statistics, decay);
        });
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

    fn set_parameters(&mut self, parameters: &Parameters) -> Result<(), TrainError> {
        self.parameters.clone_from(parameters);
        self.weights_changed = true;
        Ok(())
    }

    fn optimizer_state(&self) -> Result<Vec<f32>, TrainError> {
        Ok(self.optimizer_state.clone())
    }

    fn set_optimizer_state(&mut self, state: &[f32]) -> Result<(), TrainError> {
        self.optimizer_state = state.to_vec();
        Ok(())
    }

    fn op_times(&self) -> Vec<FusedOpTime> {
        self.network
            .iter()
            .flat_map(KernelNetwork::op_times)
            .collect()
    }
}

/// Counts an update in the part of the state that counts them, if there is one, and returns its number. An f32
/// counts to 2^24 and stays there; the bias correction has long been 1 by then.
fn next_update(updates: &mut [f32]) -> u64 {
    updates.iter_mut().for_each(|updates| *updates += 1.0);
    updates.first().map_or(1, |updates| *updates as u64)
}
