//! Training on the CPU: forwards through the stages, then backwards, on the kernels.

mod backward;
mod forward;
mod slot;

use std::time::Duration;

use modiste_core::Rng;
use modiste_kernels::{Buffer, InstructionSet, Workspace, in_pool, softmax_cross_entropy};

use modiste_metrics::count_correct;

use crate::outcome::StepOutcome;
use crate::parameters::Parameters;
use crate::resolved::Resolved;
use crate::stage::{KernelOptions, Needs, Purpose, Stage, method, stages};
use crate::walk::slot::{Slot, Value};

/// A network with the buffers of its activations and gradients, made once for a batch and used
/// again in every step.
///
/// It agrees with the [`Graph`](crate::Graph) of the same architecture: loss, every gradient.
///
/// ```
/// use modiste_core::Rng;
/// use modiste_model::{KernelOptions, Parameters, Walk, zoo};
///
/// let resolved = zoo::compact().resolve()?;
/// let mut parameters = Parameters::initialize(&resolved, 1);
/// let mut gradients = vec![0.0; resolved.trainable_len()];
/// let mut walk = Walk::new(resolved, 2, &KernelOptions::default());
/// let images = vec![0.5; 2 * 28 * 28];
/// let step = walk.gradients(&mut parameters, &images, &[3, 7], &mut Rng::new(1), &mut gradients);
/// assert!(step.loss.is_finite() && gradients.iter().any(|&g| g != 0.0));
/// # Ok::<(), modiste_model::ArchitectureError>(())
/// ```
#[derive(Debug)]
pub struct Walk {
    resolved: Resolved,
    batch_size: usize,
    stages: Vec<Stage>,
    slots: Vec<Slot>,
    gradient: Flow,
    space: Space,
    times: Vec<[Duration; 2]>,
}

/// The gradient on its way back: where it is, and where the next stage writes it.
#[derive(Debug)]
struct Flow {
    current: Buffer,
    next: Buffer,
}

/// Space that every stage may overwrite.
#[derive(Debug)]
struct Space {
    instructions: InstructionSet,
    workspace: Workspace,
    /// The kernel of the convolution at hand, prepared.
    prepared: Buffer,
    sums: Vec<f64>,
}

/// How long one stage took in the last step.
#[derive(Clone, Debug, PartialEq)]
pub struct StageTime {
    /// Its layers: `conv2d + max_pooling2d`.
    pub name: String,
    /// `winograd` or `direct`, where it is a convolution.
    pub method: Option<&'static str>,
    /// Multiplications of a forward pass over one image, as the direct method counts them.
    pub multiply_adds: usize,
    /// Forwards.
    pub forward: Duration,
    /// Backwards.
    pub backward: Duration,
}

impl Walk {
    /// Buffers for up to `batch_size` images at a time, and threads of the current pool.
    pub fn new(resolved: Resolved, batch_size: usize, options: &KernelOptions) -> Self {
        let stages = stages(&resolved.layers, batch_size, options, Purpose::Training);
        let needs = Needs::of(&stages, batch_size);
        Self {
            slots: stages.iter().map(|s| Slot::new(s, batch_size)).collect(),
            gradient: Flow {
                current: Buffer::zeros(needs.values),
                next: Buffer::zeros(needs.values),
            },
            space: Space {
                instructions: options.instructions,
                workspace: Workspace::new(needs.workspace),
                prepared: Buffer::zeros(needs.prepared),
                sums: vec![0.0; needs.sums],
            },
            times: vec![[Duration::ZERO; 2]; stages.len()],
            batch_size,
            stages,
            resolved,
        }
    }

    /// The architecture that is walked.
    pub fn resolved(&self) -> &Resolved {
        &self.resolved
    }

    /// How long each stage of the last step took, first to last.
    pub fn times(&self) -> impl Iterator<Item = StageTime> {
        self.stages
            .iter()
            .zip(&self.times)
            .map(|(stage, &[forward, backward])| StageTime {
                name: stage.name.clone(),
                method: method(stage),
                multiply_adds: stage.multiply_adds,
                forward,
                backward,
            })
    }

    /// One step's loss and hits, and the gradient of every trainable number, which
    /// overwrites `gradients`. Batch norm's moving statistics in `parameters` are brought forward;
    /// dropout draws from `rng`.
    ///
    /// # Panics
    /// Where the lengths do not agree, or a label is no class.
    pub fn gradients(
        &mut self,
        parameters: &mut Parameters,
        images: &[f32],
        labels: &[u16],
        rng: &mut Rng,
        gradients: &mut [f32],
    ) -> StepOutcome {
        let batch = self.resolved.batch_of(images, self.batch_size);
        assert_eq!(labels.len(), batch, "a label per image");
        in_pool(|| self.step(batch, parameters, images, labels, rng, gradients))
    }

    fn step(
        &mut self,
        batch: usize,
        parameters: &mut Parameters,
        images: &[f32],
        labels: &[u16],
        rng: &mut Rng,
        gradients: &mut [f32],
    ) -> StepOutcome {
        let classes = self.resolved.classes();
        let images = Value::plain(images);
        let mut forward = forward::Forward {
            batch,
            trainable: &parameters.trainable,
            statistics: &mut parameters.statistics,
            rng,
            space: &mut self.space,
        };
        let times = Some(&mut *self.times);
        let logits = forward
            .run(&self.stages, &mut self.slots, images, times)
            .values;
        let correct = count_correct(logits, labels, classes);
        let gradient = &mut self.gradient.current[..batch * classes];
        let loss = softmax_cross_entropy(logits, labels, classes, gradient);
        let mut backward = backward::Backward {
            batch,
            trainable: &parameters.trainable,
            gradients,
            flow: &mut self.gradient,
            space: &mut self.space,
        };
        let times = Some(&mut *self.times);
        backward.run(&self.stages, &mut self.slots, images, false, times);
        StepOutcome { loss, correct }
    }
}
