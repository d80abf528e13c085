//! Inference on the CPU: the stages with everything prepared that the weights decide.

use modiste_kernels::{
    Affine, Buffer, Conv2dOutput, ConvInput, DenseWeight, Epilogue, InstructionSet, MaxPool2dShape,
    Workspace, add_assign, batch_norm_affine, batch_norm_normalize, dense_forward,
    dense_pack_weight, in_pool, inverse_std, max_pool2d_forward,
};

use crate::parameters::Parameters;
use crate::resolved::Resolved;
use crate::stage::{KernelOptions, Kind, Needs, Norm, Purpose, Stage, stages};

/// A network that classifies: its kernels prepared, batch norm folded into the convolutions.
///
/// It agrees with the [`Graph`](crate::Graph) of the same architecture.
///
/// ```
/// use modiste_model::{Inference, KernelOptions, Parameters, zoo};
///
/// let resolved = zoo::compact().resolve()?;
/// let parameters = Parameters::initialize(&resolved, 1);
/// let mut inference = Inference::new(resolved, 2, &KernelOptions::default());
/// inference.load(&parameters);
/// assert_eq!(inference.logits(&vec![0.5; 2 * 28 * 28]).len(), 2 * 10);
/// # Ok::<(), modiste_model::ArchitectureError>(())
/// ```
#[derive(Debug)]
pub struct Inference {
    resolved: Resolved,
    batch_size: usize,
    instructions: InstructionSet,
    pub(crate) stages: Vec<Stage>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) trainable: Vec<f32>,
    workspace: Workspace,
}

/// What one stage holds: its output, and what the weights decide.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    pub(crate) output: Buffer,
    prepared: Buffer,
    pub(crate) norm: Folded,
    /// Argmax indices of a pool, for Grad-CAM.
    pub(crate) bytes: Vec<u8>,
    pub(crate) block: Vec<Slot>,
}

/// Batch normalisation by its moving statistics.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    mean: Vec<f32>,
    inverse: Vec<f32>,
    pub(crate) scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Inference {
    /// Buffers for up to `batch_size` images at a time, and threads of the current pool. All
    /// weights are zero until [`Inference::load`].
    pub fn new(resolved: Resolved, batch_size: usize, options: &KernelOptions) -> Self {
        Self::for_purpose(resolved, batch_size, options, Purpose::Inference)
    }

    /// The same with every layer on its own, so that [`Inference::activations`] has what each put out:
    /// slower.
    pub fn layer_by_layer(resolved: Resolved, batch_size: usize, options: &KernelOptions) -> Self {
        Self::for_purpose(resolved, batch_size, options, Purpose::Inspection)
    }

    fn for_purpose(
        resolved: Resolved,
        batch_size: usize,
        options: &KernelOptions,
        purpose: Purpose,
    ) -> Self {
        let stages = stages(&resolved.layers, batch_size, options, purpose);
        let needs = Needs::of(&stages, batch_size);
        Self {
            slots: slots(&stages, batch_size, options.instructions),
            workspace: Workspace::new(needs.workspace),
            trainable: vec![0.0; resolved.trainable_len()],
            instructions: options.instructions,
            batch_size,
            stages,
            resolved,
        }
    }

    /// The architecture that is run.
    pub fn resolved(&self) -> &Resolved {
        &self.resolved
    }

    /// Takes over a network's numbers.
    ///
    /// # Panics
    /// Where they are another network's.
    pub fn load(&mut self, parameters: &Parameters) {
        self.trainable.copy_from_slice(&parameters.trainable);
        let instructions = self.instructions;
        in_pool(|| prepare(&self.stages, &mut self.slots, instructions, parameters));
    }

    /// The logits of `images`, `[batch, height, width, channels]` scaled to `[0, 1]`: no dropout,
    /// batch norm's moving statistics. `[batch, classes]`.
    ///
    /// # Panics
    /// Where `images` are no whole number of images up to the batch size.
    pub fn logits(&mut self, images: &[f32]) -> &[f32] {
        let batch = self.resolved.batch_of(images, self.batch_size);
        let mut pass = Pass {
            batch,
            instructions: self.instructions,
            trainable: &self.trainable,
            workspace: &mut self.workspace,
        };
        let (stages, slots) = (&self.stages, &mut self.slots);
        in_pool(|| pass.run(stages, slots, images));
        match (self.stages.last(), self.slots.last()) {
            (Some(stage), Some(slot)) => &slot.output[..batch * stage.outputs],
            _ => &[],
        }
    }

    /// The outermost layers' names and what each put out for the first `batch` of the last images,
    /// `[batch, ...]`: of [`Inference::layer_by_layer`] every layer but those that change no number
    /// (`Flatten`, `Dropout`); of [`Inference::new`] those that are not folded into others.
    ///
    /// # Panics
    /// Where `batch` is beyond the batch size.
    ///
    /// ```
    /// use modiste_model::{Inference, KernelOptions, Parameters, zoo};
    ///
    /// let resolved = zoo::compact().resolve()?;
    /// let parameters = Parameters::initialize(&resolved, 1);
    /// let mut inference = Inference::layer_by_layer(resolved, 1, &KernelOptions::default());
    /// inference.load(&parameters);
    /// inference.logits(&vec![0.5; 28 * 28]);
    /// let first: Vec<_> = inference.activations(1).take(2).collect();
    /// assert_eq!((first[0].0, first[0].1.len()), ("conv2d", 26 * 26 * 32));
    /// assert_eq!(first[1].0, "batch_normalization");
    /// # Ok::<(), modiste_model::ArchitectureError>(())
    /// ```
    pub fn activations(&self, batch: usize) -> impl Iterator<Item = (&str, &[f32])> {
        let stages = self.stages.iter().zip(&self.slots);
        stages.map(move |(stage, slot)| (&*stage.name, &slot.output[..batch * stage.outputs]))
    }
}

fn slots(stages: &[Stage], batch: usize, instructions: InstructionSet) -> Vec<Slot> {
    let slot = |stage: &Stage| {
        let mut slot = Slot {
            output: Buffer::zeros(batch * stage.outputs),
            ..Slot::default()
        };
        match &stage.kind {
            Kind::Conv(conv) => slot.prepared = Buffer::zeros(conv.conv.packed_len()),
            Kind::MaxPool2d(_) => slot.bytes = vec![0; slot.output.len()],
            Kind::Residual(block) => slot.block = slots(block, batch, instructions),
            Kind::Dense(dense) => {
                slot.prepared = Buffer::zeros(dense.shape.packed_len(instructions));
            }
            Kind::BatchNorm(_) | Kind::Dropout(_) => {}
        }
        let norm = match &stage.kind {
            Kind::Conv(conv) => conv.norm.as_ref(),
            Kind::BatchNorm(norm) => Some(norm),
            _ => None,
        };
        if let Some(norm) = norm {
            let zeros = vec![0.0; norm.channels];
            slot.norm = Folded {
                mean: zeros.clone(),
                inverse: zeros.clone(),
                scale: zeros.clone(),
                shift: zeros,
            };
        }
        slot
    };
    stages.iter().map(slot).collect()
}

fn prepare(
    stages: &[Stage],
    slots: &mut [Slot],
    instructions: InstructionSet,
    parameters: &Parameters,
) {
    for (stage, slot) in stages.iter().zip(slots) {
        match &stage.kind {
            Kind::Conv(conv) => {
                let weights = conv.conv.shape.weight_len();
                let weight = &parameters.trainable[conv.variables.clone()][..weights];
                conv.conv.pack_weight(weight, &mut slot.prepared);
                if let Some(norm) = &conv.norm {
                    fold(norm, parameters, &mut slot.norm);
                }
            }
            Kind::BatchNorm(norm) => fold(norm, parameters, &mut slot.norm),
            Kind::Residual(block) => prepare(block, &mut slot.block, instructions, parameters),
            Kind::Dense(dense) => {
                let weights = dense.shape.inputs * dense.shape.outputs;
                let weight = &parameters.trainable[dense.variables.clone()][..weights];
                dense_pack_weight(&dense.shape, instructions, weight, &mut slot.prepared);
            }
            Kind::MaxPool2d(_) | Kind::Dropout(_) => {}
        }
    }
}

fn fold(norm: &Norm, parameters: &Parameters, folded: &mut Folded) {
    let moving = &parameters.statistics[norm.statistics.clone()];
    let (mean, variance) = moving.split_at(norm.channels);
    let (gamma, beta) = parameters.trainable[norm.variables.clone()].split_at(norm.channels);
    let Folded {
        mean: kept,
        inverse,
        scale,
        shift,
    } = folded;
    kept.copy_from_slice(mean);
    inverse_std(variance, norm.epsilon, inverse);
    batch_norm_affine(mean, inverse, gamma, beta, scale, shift);
}

/// One pass: what all its stages share.
struct Pass<'a> {
    batch: usize,
    instructions: InstructionSet,
    trainable: &'a [f32],
    workspace: &'a mut Workspace,
}

impl Pass<'_> {
    fn run(&mut self, stages: &[Stage], slots: &mut [Slot], images: &[f32]) {
        for (index, stage) in stages.iter().enumerate() {
            let (before, rest) = slots.split_at_mut(index);
            let input = match (before.last(), index) {
                (Some(slot), 1..) => &slot.output[..self.batch * stages[index - 1].outputs],
                _ => images,
            };
            self.stage(stage, &mut rest[0], input);
        }
    }

    fn stage(&mut self, stage: &Stage, slot: &mut Slot, input: &[f32]) {
        let batch = self.batch;
        let output = &mut slot.output[..batch * stage.outputs];
        match &stage.kind {
            Kind::Conv(conv) => {
                let kernel = conv.conv(batch);
                let bias = &self.trainable[conv.variables.clone()][kernel.shape.weight_len()..];
                let affine = conv.norm.as_ref().map(|_| Affine {
                    scale: &slot.norm.scale,
                    shift: &slot.norm.shift,
                });
                let epilogue = Epilogue {
                    bias,
                    relu: conv.relu,
                    affine,
                };
                let output = Conv2dOutput::plain(output);
                let input = ConvInput::plain(input);
                kernel.forward(&input, &slot.prepared, &epilogue, output, self.workspace);
            }
            Kind::Dense(dense) => {
                let shape = dense.shape(batch);
                let weights = shape.inputs * shape.outputs;
                dense_forward(
                    &shape,
                    self.instructions,
                    input,
                    DenseWeight::Packed(&slot.prepared),
                    &self.trainable[dense.variables.clone()][weights..],
                    dense.relu,
                    output,
                    self.workspace,
                );
            }
            Kind::MaxPool2d(shape) => {
                let shape = MaxPool2dShape { batch, ..*shape };
                let winners = &mut slot.bytes[..output.len()];
                max_pool2d_forward(&shape, input, output, winners);
            }
            Kind::BatchNorm(norm) => {
                let (gamma, beta) = self.trainable[norm.variables.clone()].split_at(norm.channels);
                let Folded { mean, inverse, .. } = &slot.norm;
                batch_norm_normalize(input, mean, inverse, gamma, beta, output);
            }
            Kind::Dropout(_) => output.copy_from_slice(input),
            Kind::Residual(block) => {
                self.run(block, &mut slot.block, input);
                output.copy_from_slice(input);
                match (block.last(), slot.block.last()) {
                    (Some(stage), Some(slot)) => {
                        add_assign(output, &slot.output[..batch * stage.outputs]);
                    }
                    _ => add_assign(output, input),
                }
            }
        }
    }
}
