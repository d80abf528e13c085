//! The network on the CPU: forwards through its layers, then backwards, on the kernels.

use modiste_dataset::Rng;
use modiste_kernels as kernels;

use crate::architecture::Activation;
use crate::dropout_mask::fill_dropout_mask;
use crate::outcome::{StepOutcome, count_correct};
use crate::parameters::Parameters;
use crate::resolved::{Operation, Resolved, ResolvedLayer};

/// A network with the buffers of its activations and gradients, made once for a batch and used
/// again in every step.
///
/// It agrees with the [`Graph`](crate::Graph) of the same architecture: logits, every gradient.
///
/// ```
/// use modiste_dataset::Rng;
/// use modiste_model::{Parameters, Walk, zoo};
///
/// let resolved = zoo::compact().resolve()?;
/// let mut parameters = Parameters::initialize(&resolved, 1);
/// let mut gradients = vec![0.0; resolved.trainable_len()];
/// let mut walk = Walk::new(resolved, 2);
/// let images = vec![0.5; 2 * 28 * 28];
/// let step = walk.gradients(&mut parameters, &images, &[3, 7], &mut Rng::new(1), &mut gradients);
/// assert!(step.loss.is_finite() && gradients.iter().any(|&g| g != 0.0));
/// assert_eq!(walk.logits(&parameters, &images).len(), 2 * 10);
/// # Ok::<(), modiste_model::ArchitectureError>(())
/// ```
#[derive(Debug)]
pub struct Walk {
    resolved: Resolved,
    batch_size: usize,
    slots: Vec<Slot>,
    gradient: Gradient,
    workspace: Workspace,
}

/// What one layer keeps from the way forwards for the way back.
#[derive(Debug, Default)]
struct Slot {
    /// `[batch, ...]`; empty where the layer hands on its input (flatten).
    output: Vec<f32>,
    /// A pool's winners or a dropout's mask.
    bytes: Vec<u8>,
    /// Batch norm's mean, variance and inverse deviation.
    statistics: Vec<f32>,
    /// A block's layers, and room for the gradient that goes around them.
    block: Vec<Slot>,
    bypass: Vec<f32>,
}

/// The gradient on its way back: where it is, and where the next layer writes it.
#[derive(Debug)]
struct Gradient {
    current: Vec<f32>,
    next: Vec<f32>,
}

/// Space that every layer may overwrite.
#[derive(Debug)]
struct Workspace {
    scratch: Vec<f32>,
    sums: Vec<f64>,
}

impl Walk {
    /// Buffers for up to `batch_size` images at a time.
    pub fn new(resolved: Resolved, batch_size: usize) -> Self {
        let mut needs = Needs::default();
        let slots = slots(&resolved.layers, batch_size, &mut needs);
        Self {
            slots,
            batch_size,
            gradient: Gradient {
                current: vec![0.0; needs.gradient],
                next: vec![0.0; needs.gradient],
            },
            workspace: Workspace {
                scratch: vec![0.0; needs.scratch],
                sums: vec![0.0; needs.sums],
            },
            resolved,
        }
    }

    /// The architecture that is walked.
    pub fn resolved(&self) -> &Resolved {
        &self.resolved
    }

    /// The logits of `images`, `[batch, height, width, channels]` scaled to `[0, 1]`, as
    /// inference computes them: no dropout, batch norm's moving statistics. `[batch, classes]`.
    ///
    /// # Panics
    /// Where `images` are no whole number of images up to the batch size, or `parameters` another
    /// network's.
    pub fn logits<'a>(&'a mut self, parameters: &Parameters, images: &'a [f32]) -> &'a [f32] {
        let batch = self.batch_of(images);
        let mut pass = Pass {
            batch,
            trainable: &parameters.trainable,
            statistics: Statistics::Moving(&parameters.statistics),
            rng: None,
            workspace: &mut self.workspace,
        };
        pass.forward(&self.resolved.layers, &mut self.slots, images)
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
        labels: &[u8],
        rng: &mut Rng,
        gradients: &mut [f32],
    ) -> StepOutcome {
        let batch = self.batch_of(images);
        assert_eq!(labels.len(), batch, "a label per image");
        let classes = self.resolved.classes();
        let layers = &self.resolved.layers;
        let mut pass = Pass {
            batch,
            trainable: &parameters.trainable,
            statistics: Statistics::Batch(&mut parameters.statistics),
            rng: Some(rng),
            workspace: &mut self.workspace,
        };
        let logits = pass.forward(layers, &mut self.slots, images);
        let correct = count_correct(logits, labels, classes);
        let gradient = &mut self.gradient.current[..batch * classes];
        let loss = kernels::softmax_cross_entropy(logits, labels, classes, gradient);
        pass.backward(
            layers,
            &mut self.slots,
            images,
            &mut self.gradient,
            gradients,
            false,
        );
        StepOutcome { loss, correct }
    }

    fn batch_of(&self, images: &[f32]) -> usize {
        let size = self.resolved.input.size();
        assert!(
            images.len().is_multiple_of(size) && images.len() <= self.batch_size * size,
            "{} values are no batch of up to {} images of {}",
            images.len(),
            self.batch_size,
            self.resolved.input
        );
        images.len() / size
    }
}

/// The largest of each shared buffer that any layer needs.
#[derive(Default)]
struct Needs {
    gradient: usize,
    scratch: usize,
    sums: usize,
}

fn slots(layers: &[ResolvedLayer], batch: usize, needs: &mut Needs) -> Vec<Slot> {
    let mut slots = Vec::new();
    for layer in layers {
        let mut slot = Slot::default();
        let output = batch * layer.output.size();
        needs.gradient = needs.gradient.max(output);
        match &layer.operation {
            Operation::Flatten => {}
            Operation::Conv2d { .. } | Operation::Dense { .. } => slot.output = vec![0.0; output],
            Operation::MaxPool2d { .. } | Operation::Dropout { .. } => {
                slot.output = vec![0.0; output];
                slot.bytes = vec![0; output];
            }
            Operation::BatchNorm { channels, .. } => {
                slot.output = vec![0.0; output];
                slot.statistics = vec![0.0; 3 * channels];
                needs.sums = needs.sums.max(kernels::batch_norm_sums_len(*channels));
            }
            Operation::Residual { layers } => {
                slot.output = vec![0.0; output];
                slot.bypass = vec![0.0; output];
                slot.block = self::slots(layers, batch, needs);
            }
        }
        if let Some(shape) = layer.operation.conv2d_shape(batch) {
            needs.scratch = needs.scratch.max(shape.scratch_len());
        }
        // Also what came in: the gradient at a layer's input goes through the same buffers.
        needs.gradient = needs.gradient.max(batch * layer.input.size());
        slots.push(slot);
    }
    slots
}

/// Batch norm's statistics: read in inference, measured and brought forward in training.
enum Statistics<'a> {
    Moving(&'a [f32]),
    Batch(&'a mut [f32]),
}

/// One pass over the network: what all its layers share.
struct Pass<'a> {
    batch: usize,
    trainable: &'a [f32],
    statistics: Statistics<'a>,
    /// Dropout's generator; `None` in inference.
    rng: Option<&'a mut Rng>,
    workspace: &'a mut Workspace,
}

impl Pass<'_> {
    /// Goes through `layers`; gives the last one's output, or `input` where none writes any.
    fn forward<'s>(
        &mut self,
        layers: &[ResolvedLayer],
        slots: &'s mut [Slot],
        input: &'s [f32],
    ) -> &'s [f32] {
        let mut current = input;
        for (layer, slot) in layers.iter().zip(slots) {
            if hands_on(layer, self.rng.is_some()) {
                continue;
            }
            self.layer_forward(layer, slot, current);
            current = &slot.output[..self.batch * layer.output.size()];
        }
        current
    }

    fn layer_forward(&mut self, layer: &ResolvedLayer, slot: &mut Slot, input: &[f32]) {
        let batch = self.batch;
        let output = &mut slot.output[..batch * layer.output.size()];
        let operation = &layer.operation;
        match operation {
            Operation::Flatten => {}
            Operation::Conv2d {
                activation,
                variables,
                ..
            } => {
                let shape = operation.conv2d_shape(batch).expect("a convolution");
                let (weight, bias) = self.trainable[variables.clone()].split_at(shape.weight_len());
                let scratch = &mut self.workspace.scratch;
                kernels::conv2d_forward(&shape, input, weight, bias, output, scratch);
                activate(*activation, output);
            }
            Operation::Dense {
                inputs,
                units,
                activation,
                variables,
            } => {
                let shape = operation.dense_shape(batch).expect("a dense layer");
                let (weight, bias) = self.trainable[variables.clone()].split_at(inputs * units);
                kernels::dense_forward(&shape, input, weight, bias, output);
                activate(*activation, output);
            }
            Operation::MaxPool2d { .. } => {
                let shape = operation.max_pool2d_shape(batch).expect("a pool");
                let winners = &mut slot.bytes[..output.len()];
                kernels::max_pool2d_forward(&shape, input, output, winners);
            }
            Operation::Dropout { rate } => {
                let mask = &mut slot.bytes[..output.len()];
                let rng = self.rng.as_deref_mut().expect("inference skips dropout");
                fill_dropout_mask(rng, *rate, mask);
                kernels::dropout_forward(input, mask, *rate, output);
            }
            Operation::BatchNorm {
                channels,
                momentum,
                epsilon,
                variables,
                statistics,
            } => {
                let (gamma, beta) = self.trainable[variables.clone()].split_at(*channels);
                let (mean, rest) = slot.statistics.split_at_mut(*channels);
                let (variance, inverse) = rest.split_at_mut(*channels);
                match &mut self.statistics {
                    Statistics::Moving(moving) => {
                        let moving = &moving[statistics.clone()];
                        mean.copy_from_slice(&moving[..*channels]);
                        variance.copy_from_slice(&moving[*channels..]);
                    }
                    Statistics::Batch(moving) => {
                        kernels::batch_norm_statistics(input, mean, variance);
                        let moving = &mut moving[statistics.clone()];
                        let (moving_mean, moving_variance) = moving.split_at_mut(*channels);
                        kernels::update_moving_average(moving_mean, mean, *momentum);
                        kernels::update_moving_average(moving_variance, variance, *momentum);
                    }
                }
                kernels::inverse_deviation(variance, *epsilon, inverse);
                kernels::batch_norm_normalize(input, mean, inverse, gamma, beta, output);
            }
            Operation::Residual { layers } => {
                let inner = self.forward(layers, &mut slot.block, input);
                output.copy_from_slice(input);
                kernels::add_assign(output, inner);
            }
        }
    }

    /// Goes back through `layers`: `gradient.current` comes as the gradient at their output and is
    /// left as the one at their input, unless it is the network's own and nobody needs it.
    fn backward(
        &mut self,
        layers: &[ResolvedLayer],
        slots: &mut [Slot],
        input: &[f32],
        gradient: &mut Gradient,
        gradients: &mut [f32],
        needs_input_gradient: bool,
    ) {
        for (index, layer) in layers.iter().enumerate().rev() {
            let (before, rest) = slots.split_at_mut(index);
            let writer = layers[..index]
                .iter()
                .zip(&*before)
                .rfind(|(layer, _)| !hands_on(layer, true));
            let input = match &writer {
                Some((layer, slot)) => &slot.output[..self.batch * layer.output.size()],
                None => input,
            };
            let needed = needs_input_gradient || writer.is_some();
            self.layer_backward(layer, &mut rest[0], input, gradient, gradients, needed);
        }
    }

    fn layer_backward(
        &mut self,
        layer: &ResolvedLayer,
        slot: &mut Slot,
        input: &[f32],
        gradient: &mut Gradient,
        gradients: &mut [f32],
        needs_input_gradient: bool,
    ) {
        let batch = self.batch;
        let output = &slot.output[..(batch * layer.output.size()).min(slot.output.len())];
        let Gradient { current, next } = gradient;
        let at_output = &mut current[..batch * layer.output.size()];
        let at_input = &mut next[..batch * layer.input.size()];
        let operation = &layer.operation;
        match operation {
            Operation::Flatten => {}
            Operation::Conv2d {
                activation,
                variables,
                ..
            } => {
                activate_backward(*activation, output, at_output);
                let shape = operation.conv2d_shape(batch).expect("a convolution");
                let weight = &self.trainable[variables.clone()][..shape.weight_len()];
                let (weight_gradient, bias_gradient) =
                    gradients[variables.clone()].split_at_mut(shape.weight_len());
                kernels::conv2d_backward(
                    &shape,
                    input,
                    weight,
                    at_output,
                    weight_gradient,
                    bias_gradient,
                    needs_input_gradient.then_some(at_input),
                    &mut self.workspace.scratch,
                );
                std::mem::swap(current, next);
            }
            Operation::Dense {
                inputs,
                units,
                activation,
                variables,
            } => {
                activate_backward(*activation, output, at_output);
                let shape = operation.dense_shape(batch).expect("a dense layer");
                let weight = &self.trainable[variables.clone()][..inputs * units];
                let (weight_gradient, bias_gradient) =
                    gradients[variables.clone()].split_at_mut(inputs * units);
                kernels::dense_backward(
                    &shape,
                    input,
                    weight,
                    at_output,
                    weight_gradient,
                    bias_gradient,
                    needs_input_gradient.then_some(at_input),
                );
                std::mem::swap(current, next);
            }
            Operation::MaxPool2d { .. } => {
                let shape = operation.max_pool2d_shape(batch).expect("a pool");
                let winners = &slot.bytes[..output.len()];
                kernels::max_pool2d_backward(&shape, at_output, winners, at_input);
                std::mem::swap(current, next);
            }
            Operation::Dropout { rate } => {
                kernels::dropout_backward(&slot.bytes[..output.len()], *rate, at_output);
            }
            Operation::BatchNorm {
                channels,
                variables,
                ..
            } => {
                let gamma = &self.trainable[variables.clone()][..*channels];
                let (gamma_gradient, beta_gradient) =
                    gradients[variables.clone()].split_at_mut(*channels);
                kernels::batch_norm_backward(
                    input,
                    &slot.statistics[..*channels],
                    &slot.statistics[2 * channels..],
                    gamma,
                    at_output,
                    gamma_gradient,
                    beta_gradient,
                    &mut self.workspace.sums[..kernels::batch_norm_sums_len(*channels)],
                );
            }
            Operation::Residual { layers } => {
                let bypass = &mut slot.bypass[..at_output.len()];
                bypass.copy_from_slice(at_output);
                self.backward(layers, &mut slot.block, input, gradient, gradients, true);
                kernels::add_assign(&mut gradient.current[..bypass.len()], bypass);
            }
        }
    }
}

/// Whether a layer writes nothing and its input is its output.
fn hands_on(layer: &ResolvedLayer, training: bool) -> bool {
    match layer.operation {
        Operation::Flatten => true,
        Operation::Dropout { .. } => !training,
        _ => false,
    }
}

fn activate(activation: Activation, output: &mut [f32]) {
    if activation == Activation::Relu {
        kernels::relu(output);
    }
}

fn activate_backward(activation: Activation, output: &[f32], gradient: &mut [f32]) {
    if activation == Activation::Relu {
        kernels::relu_backward(output, gradient);
    }
}
