//! Inference on the CPU, with prepared kernels and fused batch norm.

mod buffers;
mod groups;
mod pass;

use modiste_kernels::{InstructionSet, Workspace, in_pool};

use crate::fused_op::{FusedOp, KernelOptions, Purpose, SharedLens, fuse};
use crate::network_plan::NetworkPlan;
use crate::parameters::Parameters;
pub(crate) use buffers::OpBuffers;
use buffers::{allocate, prepare};
use groups::Segment;
pub(crate) use groups::segments;
use pass::Pass;

/// A network for inference alone: convolution and dense kernels are prepared once, and batch norm is
/// fused into the convolutions.
///
/// Its logits agree with those of the `CandleNetwork` of the same architecture.
///
/// ```
/// use modiste_model::{Inference, KernelOptions, Parameters, zoo};
///
/// let plan = zoo::compact().plan()?;
/// let parameters = Parameters::initialize(&plan, 1);
/// let mut inference = Inference::new(plan, 2, &KernelOptions::default());
/// inference.load(&parameters);
/// assert_eq!(inference.logits(&vec![0.5; 2 * 28 * 28]).len(), 2 * 10);
/// # Ok::<(), modiste_model::ArchitectureError>(())
/// ```
#[derive(Debug)]
pub struct Inference {
    plan: NetworkPlan,
    batch_size: usize,
    segments: Vec<Segment>,
    pub(crate) instructions: InstructionSet,
    pub(crate) ops: Vec<FusedOp>,
    pub(crate) buffers: Vec<OpBuffers>,
    pub(crate) trainable: Vec<f32>,
    workspace: Workspace,
}

impl Inference {
    /// Allocates a network for batches of up to `batch_size` images and for the threads of the
    /// current rayon pool. All weights are zero until [`Inference::load`].
    pub fn new(plan: NetworkPlan, batch_size: usize, options: &KernelOptions) -> Self {
        Self::for_purpose(plan, batch_size, options, Purpose::Inference)
    }

    /// Allocates a network that stores the output of every layer for [`Inference::activations`].
    /// Slower than [`Inference::new`], which fuses layers.
    pub fn layer_by_layer(plan: NetworkPlan, batch_size: usize, options: &KernelOptions) -> Self {
        Self::for_purpose(plan, batch_size, options, Purpose::Inspection)
    }

    fn for_purpose(
        plan: NetworkPlan,
        batch_size: usize,
        options: &KernelOptions,
        purpose: Purpose,
    ) -> Self {
        let ops = fuse(&plan.layers, batch_size, options, purpose);
        let lens = SharedLens::of(&ops, batch_size);
        let segments = segments(&ops, batch_size, purpose);
        Self {
            buffers: allocate(&ops, batch_size, &segments, options.instructions),
            workspace: Workspace::new(lens.workspace),
            segments,
            trainable: vec![0.0; plan.trainable_len()],
            instructions: options.instructions,
            batch_size,
            ops,
            plan,
        }
    }

    /// Execution plan of the network.
    pub fn plan(&self) -> &NetworkPlan {
        &self.plan
    }

    /// Loads the parameters of a network and prepares its kernels.
    ///
    /// # Panics
    /// If `parameters` belongs to another architecture.
    pub fn load(&mut self, parameters: &Parameters) {
        self.trainable.copy_from_slice(&parameters.trainable);
        let instructions = self.instructions;
        let trainable = &mut self.trainable;
        in_pool(|| {
            prepare(
                &self.ops,
                &mut self.buffers,
                instructions,
                parameters,
                trainable,
            )
        });
    }

    /// Computes logits, `[batch, classes]`, of `images`, `[batch, height, width, channels]` scaled to
    /// `[0, 1]`. Dropout is the identity; batch norm uses its running statistics.
    ///
    /// # Panics
    /// If `images` is not a whole number of images, or more than the batch size.
    pub fn logits(&mut self, images: &[f32]) -> &[f32] {
        let batch = self.plan.batch_len(images, self.batch_size);
        let mut pass = Pass {
            batch,
            instructions: self.instructions,
            trainable: &self.trainable,
            workspace: &mut self.workspace,
        };
        let (ops, buffers) = (&self.ops, &mut self.buffers);
        in_pool(|| pass.run_segments(&self.segments, ops, buffers, images));
        match (self.ops.last(), self.buffers.last()) {
            (Some(op), Some(buffers)) => &buffers.output[..batch * op.outputs],
            _ => &[],
        }
    }

    /// Names and outputs, `[batch, ...]`, of the outermost layers for the first `batch` images of the
    /// last call of [`Inference::logits`].
    ///
    /// [`Inference::layer_by_layer`] provides every layer except those that change no value
    /// (`Flatten`, `Dropout`); [`Inference::new`] only those whose outputs it stores: it fuses layers, and runs
    /// a large batch in groups of images.
    ///
    /// # Panics
    /// If `batch` exceeds the batch size.
    ///
    /// ```
    /// use modiste_model::{Inference, KernelOptions, Parameters, zoo};
    ///
    /// let plan = zoo::compact().plan()?;
    /// let parameters = Parameters::initialize(&plan, 1);
    /// let mut inference = Inference::layer_by_layer(plan, 1, &KernelOptions::default());
    /// inference.load(&parameters);
    /// inference.logits(&vec![0.5; 28 * 28]);
    /// let first: Vec<_> = inference.activations(1).take(2).collect();
    /// assert_eq!((first[0].0, first[0].1.len()), ("conv2d", 26 * 26 * 32));
    /// assert_eq!(first[1].0, "batch_normalization");
    /// # Ok::<(), modiste_model::ArchitectureError>(())
    /// ```
    pub fn activations(&self, batch: usize) -> impl Iterator<Item = (&str, &[f32])> {
        let indices = self.segments.iter().flat_map(|segment| {
            let ops = segment.ops.clone();
            ops.filter(|&index| segment.stored(index, self.batch_size) == self.batch_size)
        });
        // A layer whose activation is an operation of its own ends with the latter.
        let ends_layer = |index: usize| {
            let next = self.ops.get(index + 1);
            next.is_none_or(|next| next.name != self.ops[index].name)
        };
        indices
            .filter(move |&index| ends_layer(index))
            .map(move |index| {
                let (op, buffers) = (&self.ops[index], &self.buffers[index]);
                (&*op.name, &buffers.output[..batch * op.outputs])
            })
    }
}
