//! The kernel engine: forward and backward pass of training on the CPU.

mod activations;
mod backward;
mod forward;
mod residual_backward;

use std::ops::Range;
use std::time::Duration;

use modiste_core::Rng;
use modiste_kernels::{
    Buffer, InstructionSet, Workspace, in_pool, softmax_cross_entropy, softmax_soft_cross_entropy,
};
use modiste_metrics::count_correct;

use crate::fused_op::{FusedOp, KernelOptions, Purpose, SharedLens, fuse, method};
use crate::inference::Inference;
use crate::kernel_network::activations::{Activations, LayerInput};
use crate::network_plan::NetworkPlan;
use crate::parameters::Parameters;
use crate::step_metrics::StepMetrics;
use crate::targets::Targets;

/// A network that computes losses and gradients with the CPU kernels.
///
/// It owns buffers for all activations and gradients, allocated once and reused in every step. Loss
/// and gradients agree with those of the `CandleNetwork` of the same architecture.
///
/// ```
/// use modiste_core::Rng;
/// use modiste_model::{KernelNetwork, KernelOptions, Parameters, zoo};
///
/// let plan = zoo::compact().plan()?;
/// let mut parameters = Parameters::initialize(&plan, 1);
/// let mut gradients = vec![0.0; plan.trainable_len()];
/// let mut network = KernelNetwork::new(plan, 2, &KernelOptions::default());
/// let images = vec![0.5; 2 * 28 * 28];
/// let mut rng = Rng::new(1);
/// let metrics = network.gradients(&mut parameters, &images, &[3, 7], &mut rng, &mut gradients);
/// assert!(metrics.loss.is_finite() && gradients.iter().any(|&g| g != 0.0));
/// # Ok::<(), modiste_model::ArchitectureError>(())
/// ```
#[derive(Debug)]
pub struct KernelNetwork {
    plan: NetworkPlan,
    batch_size: usize,
    /// The frozen layers, which run before the operations; `None` if they change no value.
    frozen: Option<Inference>,
    /// Trainable parameters of the frozen layers.
    frozen_range: Range<usize>,
    ops: Vec<FusedOp>,
    activations: Vec<Activations>,
    gradient_buffers: GradientBuffers,
    scratch: Scratch,
    times: Vec<[Duration; 2]>,
}

/// Double buffer of the backward pass: an operation reads the gradient at its output from `current`
/// and writes the gradient at its input to `next`.
#[derive(Debug)]
struct GradientBuffers {
    current: Buffer,
    next: Buffer,
    /// One for each level of nested residual blocks: the gradient that waits for the other path.
    spare: Vec<Buffer>,
    /// Gradient of a residual block's shortcut, if the operation before the block adds it to `current`.
    summand: Option<Buffer>,
}

/// Buffers that every operation may overwrite.
#[derive(Debug)]
struct Scratch {
    instructions: InstructionSet,
    workspace: Workspace,
    /// Prepared kernel of the current convolution.
    prepared: Buffer,
    /// Statistics that the current convolution gathers.
    statistics: Buffer,
    sums: Vec<f64>,
}

/// Duration of one fused operation in the last step.
#[derive(Clone, Debug, PartialEq)]
pub struct FusedOpTime {
    /// Names of the layers, such as `conv2d + max_pooling2d`.
    pub name: String,
    /// Method of a convolution, `winograd` or `direct`; `None` for other operations.
    pub method: Option<&'static str>,
    /// Multiply-adds of a forward pass over one image by the direct method.
    pub multiply_adds: usize,
    /// Duration of the forward pass.
    pub forward: Duration,
    /// Duration of the backward pass.
    pub backward: Duration,
}

impl KernelNetwork {
    /// Allocates a network for batches of up to `batch_size` images and for the threads of the
    /// current rayon pool.
    pub fn new(plan: NetworkPlan, batch_size: usize, options: &KernelOptions) -> Self {
        let (trained, _) = plan.trained_and_frozen();
        let ops = fuse(trained, batch_size, options, Purpose::Training);
        let lens = SharedLens::of(&ops, batch_size);
        // The loss writes the gradient at the logits even if all layers are frozen.
        let values = lens.values.max(batch_size * plan.classes());
        let frozen = plan.frozen_part();
        Self {
            frozen: frozen
                .map(|plan| Inference::new(plan, batch_size, options))
                .filter(|inference| !inference.ops.is_empty()),
            frozen_range: plan.frozen_range(),
            activations: ops
                .iter()
                .map(|op| Activations::new(op, batch_size))
                .collect(),
            gradient_buffers: GradientBuffers {
                current: Buffer::zeros(values),
                next: Buffer::zeros(values),
                spare: (0..lens.nesting).map(|_| Buffer::zeros(values)).collect(),
                summand: None,
            },
            scratch: Scratch {
                instructions: options.instructions,
                workspace: Workspace::new(lens.workspace),
                prepared: Buffer::zeros(lens.prepared),
                statistics: Buffer::zeros(lens.statistics),
                sums: vec![0.0; lens.sums],
            },
            times: vec![[Duration::ZERO; 2]; ops.len()],
            batch_size,
            ops,
            plan,
        }
    }

    /// Execution plan of the network.
    pub fn plan(&self) -> &NetworkPlan {
        &self.plan
    }

    /// Durations of the operations in the last step, first to last.
    pub fn op_times(&self) -> impl Iterator<Item = FusedOpTime> {
        self.ops
            .iter()
            .zip(&self.times)
            .map(|(op, &[forward, backward])| FusedOpTime {
                name: op.name.clone(),
                method: method(op),
                multiply_adds: op.multiply_adds,
                forward,
                backward,
            })
    }

    /// Computes the metrics of one batch and writes the gradient of every trainable parameter to
    /// `gradients`.
    ///
    /// `images` is `[batch, height, width, channels]`, scaled to `[0, 1]`; `targets` are one label per image, or
    /// [`Targets`] with soft targets. `gradients` has the layout of [`Parameters::trainable`]. The running statistics in
    /// `parameters` are updated; dropout draws from `rng`. [Frozen layers](NetworkPlan::with_frozen_layers) run in
    /// inference mode, and their gradients are zero.
    ///
    /// # Panics
    /// If the batch has the wrong shape or is larger than the network's, or a label is out of range.
    pub fn gradients<'a>(
        &mut self,
        parameters: &mut Parameters,
        images: &[f32],
        targets: impl Into<Targets<'a>>,
        rng: &mut Rng,
        gradients: &mut [f32],
    ) -> StepMetrics {
        let batch = self.plan.batch_len(images, self.batch_size);
        let targets = targets.into();
        assert_eq!(targets.labels.len(), batch, "one label per image");
        let mut frozen = self.frozen.take();
        let images = match &mut frozen {
            Some(frozen) => {
                frozen.load(parameters);
                frozen.logits(images)
            }
            None => images,
        };
        let metrics = in_pool(|| self.step(batch, parameters, images, targets, rng, gradients));
        self.frozen = frozen;
        gradients[self.frozen_range.clone()].fill(0.0);
        metrics
    }

    fn step(
        &mut self,
        batch: usize,
        parameters: &mut Parameters,
        images: &[f32],
        targets: Targets<'_>,
        rng: &mut Rng,
        gradients: &mut [f32],
    ) -> StepMetrics {
        let classes = self.plan.classes();
        let images = LayerInput::plain(images);
        let mut forward = forward::Forward {
            batch,
            trainable: &parameters.trainable,
            running_stats: &mut parameters.running_stats,
            rng,
            scratch: &mut self.scratch,
        };
        let times = Some(&mut *self.times);
        let logits = forward
            .run(&self.ops, &mut self.activations, images, times)
            .values;
        let correct = count_correct(logits, targets.labels, classes);
        let gradient = &mut self.gradient_buffers.current[..batch * classes];
        // The gradient at the adjusted logits is that at the logits.
        let adjusted = targets.adjusted(logits);
        let loss = match targets.soft {
            None => softmax_cross_entropy(&adjusted, targets.labels, classes, gradient),
            Some(soft) => softmax_soft_cross_entropy(&adjusted, soft, classes, gradient),
        };
        let mut backward = backward::Backward {
            batch,
            trainable: &parameters.trainable,
            gradients,
            buffers: &mut self.gradient_buffers,
            scratch: &mut self.scratch,
        };
        let times = Some(&mut *self.times);
        backward.run(&self.ops, &mut self.activations, images, false, None, times);
        StepMetrics { loss, correct }
    }
}
