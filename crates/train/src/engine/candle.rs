//! The candle engine: training with autograd on CPU or GPU.

use candle_core::{Device, Tensor};
use modiste_core::Rng;
use modiste_dataset::Batch;
use modiste_kernels::cross_entropy;
use modiste_metrics::count_correct;
use modiste_model::{CandleNetwork, FusedOpTime, NetworkPlan, Parameters, StepMetrics};

use super::Engine;
use crate::error::TrainError;
use crate::optimizer::OptimizerStep;

pub(super) struct CandleEngine {
    network: CandleNetwork,
    /// One per trainable variable.
    velocities: Vec<Tensor>,
    /// Gradients of the last step, one per trainable variable.
    gradients: Vec<Tensor>,
    /// Flat copy of the gradients on the host, once a caller has requested it.
    buffer: Option<Vec<f32>>,
}

impl CandleEngine {
    pub(super) fn new(
        plan: &NetworkPlan,
        parameters: &Parameters,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let network = CandleNetwork::new(plan, parameters, device)?;
        let velocities = network.trainable().map(|(_, var)| var.zeros_like());
        Ok(Self {
            velocities: velocities.collect::<Result<_, _>>()?,
            gradients: Vec::new(),
            buffer: None,
            network,
        })
    }

    fn images(&self, images: &[f32]) -> candle_core::Result<Tensor> {
        let shape = self.network.plan().input;
        let batch = images.len() / shape.size();
        let dimensions = (batch, shape.height, shape.width, shape.channels);
        Tensor::from_slice(images, dimensions, self.network.device())
    }

    /// Splits flat values into one tensor per trainable variable.
    fn tensors(&self, values: &[f32]) -> candle_core::Result<Vec<Tensor>> {
        let tensor = |(variable, _): (&modiste_model::Variable, _)| {
            let values = &values[variable.range.clone()];
            Tensor::from_slice(values, &*variable.shape, self.network.device())
        };
        self.network.trainable().map(tensor).collect()
    }
}

impl Engine for CandleEngine {
    fn name(&self) -> &'static str {
        "candle"
    }

    fn gradients(&mut self, batch: &Batch<'_>, rng: &mut Rng) -> Result<StepMetrics, TrainError> {
        let labels: Vec<u32> = batch.labels.iter().map(|&label| label.into()).collect();
        let labels = Tensor::new(labels, self.network.device())?;
        let logits = self
            .network
            .forward_train(&self.images(batch.images)?, rng)?;
        let loss = candle_nn::loss::cross_entropy(&logits, &labels)?;
        let mut store = loss.backward()?;
        self.buffer = None;
        self.gradients.clear();
        for (variable, var) in self.network.trainable() {
            let Some(gradient) = store.remove(var) else {
                let missing = format!("no gradient reached {}", variable.name);
                return Err(candle_core::Error::Msg(missing).into());
            };
            self.gradients.push(gradient.detach());
        }
        let classes = self.network.plan().classes();
        let logits = logits.detach().flatten_all()?.to_vec1::<f32>()?;
        Ok(StepMetrics {
            loss: cross_entropy(&logits, batch.labels, classes) / batch.labels.len() as f64,
            correct: count_correct(&logits, batch.labels, classes),
        })
    }

    fn gradient_buffer(&mut self) -> Result<&mut [f32], TrainError> {
        let values = match self.buffer.take() {
            Some(values) => values,
            None => flat(&self.gradients)?,
        };
        Ok(self.buffer.insert(values))
    }

    fn update(&mut self, step: &OptimizerStep) -> Result<(), TrainError> {
        if let Some(values) = &self.buffer {
            self.gradients = self.tensors(values)?;
        }
        let step = step.sgd();
        let momentum = f64::from(step.momentum);
        let decay = f64::from(step.learning_rate * step.weight_decay);
        let variables = self.network.trainable().zip(&mut self.velocities);
        for (((_, var), velocity), gradient) in variables.zip(&self.gradients) {
            let descent = (gradient * f64::from(step.learning_rate))?;
            *velocity = ((&*velocity * momentum)? - &descent)?.detach();
            let change = match step.nesterov {
                true => ((&*velocity * momentum)? - &descent)?,
                false => velocity.clone(),
            };
            let decayed = (&var.as_detached_tensor() * (1.0 - decay))?;
            var.set(&(decayed + change.detach())?)?;
        }
        Ok(())
    }

    fn logits(&mut self, images: &[f32]) -> Result<Vec<f32>, TrainError> {
        let logits = self.network.forward(&self.images(images)?)?;
        Ok(logits.flatten_all()?.to_vec1()?)
    }

    fn parameters(&self) -> Result<Parameters, TrainError> {
        Ok(self.network.parameters()?)
    }

    fn optimizer_state(&self) -> Result<Vec<f32>, TrainError> {
        flat(&self.velocities)
    }

    fn set_optimizer_state(&mut self, state: &[f32]) -> Result<(), TrainError> {
        self.velocities = self.tensors(state)?;
        Ok(())
    }

    fn op_times(&self) -> Vec<FusedOpTime> {
        Vec::new()
    }
}

/// Concatenates the values of all tensors.
fn flat(tensors: &[Tensor]) -> Result<Vec<f32>, TrainError> {
    let mut values = Vec::new();
    for tensor in tensors {
        values.extend(tensor.flatten_all()?.to_vec1::<f32>()?);
    }
    Ok(values)
}
