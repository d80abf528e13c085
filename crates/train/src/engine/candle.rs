//! The candle engine: training with autograd on CPU or GPU.

use candle_core::{Device, Tensor};
use modiste_core::Rng;
use modiste_kernels::{cross_entropy, soft_cross_entropy};
use modiste_metrics::count_correct;
use modiste_model::{CandleNetwork, FusedOpTime, NetworkPlan, Parameters, StepMetrics, Targets};

use super::{Engine, require_state_len};
use crate::error::TrainError;
use crate::optimizer::{KernelStep, OptimizerStep, ParameterGroup};

pub(super) struct CandleEngine {
    network: CandleNetwork,
    /// Velocities or moments of the optimizer, each with one tensor per trainable variable; empty before the
    /// first update.
    moments: Vec<Vec<Tensor>>,
    /// Number of updates, if the optimizer's state contains it.
    updates: Option<f32>,
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
        Ok(Self {
            moments: Vec::new(),
            updates: None,
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

    fn plan(&self) -> &NetworkPlan {
        self.network.plan()
    }

    fn gradients_of(
        &mut self,
        images: &[f32],
        targets: Targets<'_>,
        rng: &mut Rng,
    ) -> Result<StepMetrics, TrainError> {
        let device = self.network.device();
        let classes = self.network.plan().classes();
        let labels = targets.labels;
        let logits = self.network.forward_train(&self.images(images)?, rng)?;
        let adjusted = match targets.offsets {
            None => logits.clone(),
            Some(offsets) => {
                (&logits + Tensor::from_slice(offsets, (labels.len(), classes), device)?)?
            }
        };
        let loss = match targets.soft {
            None => {
                let labels: Vec<u32> = labels.iter().map(|&label| label.into()).collect();
                candle_nn::loss::cross_entropy(&adjusted, &Tensor::new(labels, device)?)?
            }
            Some(soft) => {
                let soft = Tensor::from_slice(soft, (labels.len(), classes), device)?;
                let log_probabilities = candle_nn::ops::log_softmax(&adjusted, 1)?;
                ((log_probabilities * soft)?.sum_all()? * (-1.0 / labels.len() as f64))?
            }
        };
        let mut store = loss.backward()?;
        let frozen = self.network.plan().frozen_range();
        self.buffer = None;
        self.gradients.clear();
        for (variable, var) in self.network.trainable() {
            let gradient = match store.remove(var) {
                Some(gradient) => gradient,
                None if frozen.contains(&variable.range.start) => var.zeros_like()?,
                None => {
                    let missing = format!("no gradient reached {}", variable.name);
                    return Err(candle_core::Error::Msg(missing).into());
                }
            };
            self.gradients.push(gradient.detach());
        }
        let logits = logits.detach().flatten_all()?.to_vec1::<f32>()?;
        let adjusted = targets.adjusted(&logits);
        let loss = match targets.soft {
            None => cross_entropy(&adjusted, labels, classes),
            Some(soft) => soft_cross_entropy(&adjusted, soft, classes),
        };
        Ok(StepMetrics {
            loss: loss / labels.len() as f64,
            correct: count_correct(&logits, labels, classes),
        })
    }

    fn gradient_buffer(&mut self) -> Result<&mut [f32], TrainError> {
        let values = match self.buffer.take() {
            Some(values) => values,
            None => flat(&self.gradients)?,
        };
        Ok(self.buffer.insert(values))
    }

    fn update_groups(
        &mut self,
        step: &OptimizerStep,
        groups: &[ParameterGroup],
    ) -> Result<(), TrainError> {
        if let Some(values) = &self.buffer {
            self.gradients = self.tensors(values)?;
        }
        let trainable_len = self.network.plan().trainable_len();
        let state_len = step.optimizer.state_len(trainable_len);
        if self.moments.is_empty() {
            self.set_optimizer_state(&vec![0.0; state_len])?;
        }
        let found = self.moments.len() * trainable_len + usize::from(self.updates.is_some());
        require_state_len(found, state_len);
        let number = self.updates.as_mut().map_or(1, |updates| {
            *updates += 1.0;
            *updates as u64
        });
        let group_of = |start: usize| groups.iter().find(|group| group.range.contains(&start));
        let variables = self.network.trainable().zip(&self.gradients).enumerate();
        for (index, ((variable, var), gradient)) in variables {
            let Some(group) = group_of(variable.range.start) else {
                continue;
            };
            let weight = var.as_detached_tensor();
            let updated = match step.kernel(group.rate_factor, number) {
                KernelStep::Sgd(step) => {
                    let [velocities] = &mut self.moments[..] else {
                        unreachable!("the length of the state has been checked");
                    };
                    let velocity = &mut velocities[index];
                    let momentum = f64::from(step.momentum);
                    let descent = (gradient * f64::from(step.learning_rate))?;
                    *velocity = ((&*velocity * momentum)? - &descent)?.detach();
                    let change = match step.nesterov {
                        true => ((&*velocity * momentum)? - &descent)?,
                        false => velocity.clone(),
                    };
                    let decay = f64::from(step.learning_rate * step.weight_decay);
                    ((weight * (1.0 - decay))? + change.detach())?
                }
                KernelStep::AdamW(step) => {
                    let [first, second] = &mut self.moments[..] else {
                        unreachable!("the length of the state has been checked");
                    };
                    let (first, second) = (&mut first[index], &mut second[index]);
                    let change = ((gradient - &*first)? * (1.0 - step.beta1))?;
                    *first = (&*first + change)?.detach();
                    let change = ((gradient.sqr()? - &*second)? * (1.0 - step.beta2))?;
                    *second = (&*second + change)?.detach();
                    let change = ((&*first * step.alpha())? / (second.sqrt()? + step.epsilon)?)?;
                    ((weight * (1.0 - step.learning_rate * step.weight_decay))? - change)?
                }
            };
            var.set(&updated)?;
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

    fn set_parameters(&mut self, parameters: &Parameters) -> Result<(), TrainError> {
        Ok(self.network.set_parameters(parameters)?)
    }

    fn optimizer_state(&self) -> Result<Vec<f32>, TrainError> {
        let mut state = Vec::new();
        for moments in &self.moments {
            state.extend(flat(moments)?);
        }
        state.extend(self.updates);
        Ok(state)
    }

    fn set_optimizer_state(&mut self, state: &[f32]) -> Result<(), TrainError> {
        let moments = state.chunks_exact(self.network.plan().trainable_len().max(1));
        self.updates = moments.remainder().first().copied();
        self.moments = moments
            .map(|values| self.tensors(values))
            .collect::<Result<_, _>>()?;
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
