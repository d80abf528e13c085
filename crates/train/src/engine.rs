//! The two ways to take a step: the kernels on a CPU, the candle graph anywhere.

use std::fmt;
use std::str::FromStr;

use candle_core::{Device, Tensor};
use modiste_core::Rng;
use modiste_dataset::Batch;
use modiste_kernels::{SgdStep, cross_entropy, in_pool, sgd_update};
use modiste_metrics::count_correct;
use modiste_model::{
    Graph, Inference, KernelOptions, Parameters, Resolved, StageTime, StepOutcome, Walk,
};

use crate::error::TrainError;

/// Which code computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// The kernels on a CPU, candle on a GPU.
    #[default]
    Auto,
    /// candle's graph and autograd.
    Candle,
    /// The walk over `modiste-kernels`, on the CPU.
    Kernels,
}

impl EngineChoice {
    /// What computes on `device`: [`EngineChoice::Auto`] becomes one of the others.
    pub fn on(self, device: &Device) -> Self {
        match self {
            Self::Auto if device.is_cpu() => Self::Kernels,
            Self::Auto => Self::Candle,
            chosen => chosen,
        }
    }
}

impl FromStr for EngineChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "candle" => Ok(Self::Candle),
            "kernels" => Ok(Self::Kernels),
            _ => Err(format!("`{text}` is none of auto, candle, kernels")),
        }
    }
}

impl fmt::Display for EngineChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Candle => "candle",
            Self::Kernels => "kernels",
        })
    }
}

/// What computes, and how.
#[derive(Clone, Debug)]
pub struct Compute {
    /// Which code.
    pub engine: EngineChoice,
    /// Where.
    pub device: Device,
    /// How the kernels do it, where it is they.
    pub kernels: KernelOptions,
}

impl Default for Compute {
    /// The fastest kernels on the CPU.
    fn default() -> Self {
        Self {
            engine: EngineChoice::Auto,
            device: Device::Cpu,
            kernels: KernelOptions::default(),
        }
    }
}

impl Compute {
    /// The same with another engine.
    #[must_use]
    pub fn with(self, engine: EngineChoice) -> Self {
        Self { engine, ..self }
    }
}

/// A network with all that a step needs.
pub enum Engine {
    /// On the CPU, in flat buffers.
    Kernels(Box<KernelsEngine>),
    /// On candle's device, in variables.
    Candle(Box<CandleEngine>),
}

/// The flat buffers of training on the CPU.
pub struct KernelsEngine {
    /// Made for the first step: who only evaluates needs none of its memory.
    walk: Option<Walk>,
    batch_size: usize,
    options: KernelOptions,
    parameters: Parameters,
    velocities: Vec<f32>,
    gradients: Vec<f32>,
    inference: Inference,
    /// Whether the weights changed since `inference` took them over.
    changed: bool,
}

/// The variables of training with candle.
pub struct CandleEngine {
    graph: Graph,
    /// One per trainable variable.
    velocities: Vec<Tensor>,
    /// The last step's gradients in Keras's order, for those who compare.
    gradients: Vec<Tensor>,
}

impl Engine {
    /// An engine at rest, velocities zero, for batches of up to `batch_size` images.
    ///
    /// # Errors
    /// [`TrainError::Config`] where the kernels are asked to run on a GPU;
    /// [`TrainError::Candle`] where the device refuses.
    pub fn new(
        compute: &Compute,
        resolved: &Resolved,
        parameters: &Parameters,
        batch_size: usize,
    ) -> Result<Self, TrainError> {
        Self::with_inference(compute, resolved, parameters, batch_size, batch_size)
    }

    /// An engine that trains on up to `batch_size` images and evaluates up to `inference_batch_size`.
    /// The latter decides how convolutions are computed, and so how logits are rounded.
    pub(crate) fn with_inference(
        compute: &Compute,
        resolved: &Resolved,
        parameters: &Parameters,
        batch_size: usize,
        inference_batch_size: usize,
    ) -> Result<Self, TrainError> {
        let Compute {
            engine,
            device,
            kernels,
        } = compute;
        if engine.on(device) == EngineChoice::Kernels {
            if !device.is_cpu() {
                return Err(TrainError::Config {
                    problem: "the kernels run on the CPU only: take the CPU as device, or candle as engine"
                        .into(),
                });
            }
            let zeros = vec![0.0; resolved.trainable_len()];
            return Ok(Self::Kernels(Box::new(KernelsEngine {
                walk: None,
                batch_size,
                options: *kernels,
                inference: Inference::new(resolved.clone(), inference_batch_size, kernels),
                changed: true,
                parameters: parameters.clone(),
                velocities: zeros.clone(),
                gradients: zeros,
            })));
        }
        let graph = Graph::new(resolved, parameters, device)?;
        let velocities = graph.trainable().map(|(_, var)| var.zeros_like());
        Ok(Self::Candle(Box::new(CandleEngine {
            velocities: velocities.collect::<Result<_, _>>()?,
            gradients: Vec::new(),
            graph,
        })))
    }

    /// `kernels` or `candle`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Kernels(_) => "kernels",
            Self::Candle(_) => "candle",
        }
    }

    /// How long each stage of the last step took; empty where candle took it.
    pub fn stage_times(&self) -> Vec<StageTime> {
        match self {
            Self::Kernels(engine) => engine.walk.iter().flat_map(Walk::times).collect(),
            Self::Candle(_) => Vec::new(),
        }
    }

    /// Takes one step of SGD and says what the batch came to before it.
    ///
    /// # Errors
    /// [`TrainError::Candle`] where the device refuses.
    pub fn step(
        &mut self,
        batch: &Batch<'_>,
        step: &SgdStep,
        rng: &mut Rng,
    ) -> Result<StepOutcome, TrainError> {
        match self {
            Self::Kernels(engine) => Ok(in_pool(|| engine.step(batch, step, rng))),
            Self::Candle(engine) => Ok(engine.step(batch, step, rng)?),
        }
    }

    /// Logits of a batch as inference computes them, `[batch, classes]`.
    ///
    /// # Errors
    /// [`TrainError::Candle`] where the device refuses.
    pub fn logits(&mut self, images: &[f32]) -> Result<Vec<f32>, TrainError> {
        match self {
            Self::Kernels(engine) => Ok(engine.logits(images).to_vec()),
            Self::Candle(engine) => {
                let logits = engine.graph.forward(&engine.images(images)?)?;
                Ok(logits.flatten_all()?.to_vec1()?)
            }
        }
    }

    /// The network's numbers as they are now.
    ///
    /// # Errors
    /// [`TrainError::Candle`] where the device refuses.
    pub fn parameters(&self) -> Result<Parameters, TrainError> {
        match self {
            Self::Kernels(engine) => Ok(engine.parameters.clone()),
            Self::Candle(engine) => Ok(engine.graph.parameters()?),
        }
    }

    /// The optimiser's velocities, in the order of the trainable parameters.
    ///
    /// # Errors
    /// [`TrainError::Candle`] where the device refuses.
    pub fn velocities(&self) -> Result<Vec<f32>, TrainError> {
        match self {
            Self::Kernels(engine) => Ok(engine.velocities.clone()),
            Self::Candle(engine) => flat(&engine.velocities),
        }
    }

    /// Takes up velocities that [`Engine::velocities`] gave.
    ///
    /// # Errors
    /// [`TrainError::Candle`] where the device refuses.
    ///
    /// # Panics
    /// Where they are another network's.
    pub fn set_velocities(&mut self, velocities: &[f32]) -> Result<(), TrainError> {
        match self {
            Self::Kernels(engine) => engine.velocities.copy_from_slice(velocities),
            Self::Candle(engine) => {
                let variables = engine.graph.trainable().zip(&mut engine.velocities);
                for ((variable, _), velocity) in variables {
                    let values = &velocities[variable.range.clone()];
                    *velocity =
                        Tensor::from_slice(values, &*variable.shape, engine.graph.device())?;
                }
            }
        }
        Ok(())
    }

    /// The last step's gradients in Keras's order, one after the other.
    ///
    /// # Errors
    /// [`TrainError::Candle`] where the device refuses.
    pub fn gradients(&self) -> Result<Vec<f32>, TrainError> {
        match self {
            Self::Kernels(engine) => Ok(engine.gradients.clone()),
            Self::Candle(engine) => flat(&engine.gradients),
        }
    }
}

/// All values, one tensor after the other.
fn flat(tensors: &[Tensor]) -> Result<Vec<f32>, TrainError> {
    let mut values = Vec::new();
    for tensor in tensors {
        values.extend(tensor.flatten_all()?.to_vec1::<f32>()?);
    }
    Ok(values)
}

impl KernelsEngine {
    fn step(&mut self, batch: &Batch<'_>, step: &SgdStep, rng: &mut Rng) -> StepOutcome {
        let walk = self.walk.get_or_insert_with(|| {
            let resolved = self.inference.resolved().clone();
            Walk::new(resolved, self.batch_size, &self.options)
        });
        let outcome = walk.gradients(
            &mut self.parameters,
            batch.images,
            batch.labels,
            rng,
            &mut self.gradients,
        );
        sgd_update(
            step,
            &mut self.parameters.trainable,
            &mut self.velocities,
            &self.gradients,
        );
        self.changed = true;
        outcome
    }

    fn logits(&mut self, images: &[f32]) -> &[f32] {
        if std::mem::take(&mut self.changed) {
            self.inference.load(&self.parameters);
        }
        self.inference.logits(images)
    }
}

impl CandleEngine {
    fn images(&self, images: &[f32]) -> candle_core::Result<Tensor> {
        let shape = self.graph.resolved().input;
        let batch = images.len() / shape.size();
        let dimensions = (batch, shape.height, shape.width, shape.channels);
        Tensor::from_slice(images, dimensions, self.graph.device())
    }

    fn step(
        &mut self,
        batch: &Batch<'_>,
        step: &SgdStep,
        rng: &mut Rng,
    ) -> candle_core::Result<StepOutcome> {
        let labels: Vec<u32> = batch.labels.iter().map(|&label| label.into()).collect();
        let labels = Tensor::new(labels, self.graph.device())?;
        let logits = self.graph.forward_train(&self.images(batch.images)?, rng)?;
        let loss = candle_nn::loss::cross_entropy(&logits, &labels)?;
        let mut store = loss.backward()?;
        self.gradients.clear();
        let trainable = self.graph.trainable().zip(&mut self.velocities);
        for ((variable, var), velocity) in trainable {
            let Some(gradient) = store.remove(var) else {
                candle_core::bail!("no gradient reached {}", variable.name);
            };
            let descent = (&gradient * f64::from(step.learning_rate))?;
            let momentum = f64::from(step.momentum);
            *velocity = ((&*velocity * momentum)? - &descent)?.detach();
            let change = if step.nesterov {
                ((&*velocity * momentum)? - &descent)?
            } else {
                velocity.clone()
            };
            let weight = var.as_detached_tensor();
            let shrink = f64::from(step.learning_rate * step.weight_decay);
            let shrunk = (&weight * (1.0 - shrink))?;
            var.set(&(shrunk + change.detach())?)?;
            self.gradients.push(gradient.detach());
        }
        let classes = self.graph.resolved().classes();
        let logits = logits.detach().flatten_all()?.to_vec1::<f32>()?;
        Ok(StepOutcome {
            loss: cross_entropy(&logits, batch.labels, classes) / batch.labels.len() as f64,
            correct: count_correct(&logits, batch.labels, classes),
        })
    }
}
