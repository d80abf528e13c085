//! Inference on the CPU, with prepared kernels and fused batch norm.

use modiste_kernels::{
    Activation, Affine, AveragePool2dShape, Buffer, Conv2dOutput, ConvInput, DenseWeight, Epilogue,
    GlobalAveragePoolShape, InstructionSet, MaxPool2dShape, Workspace, ZeroPadding2dShape,
    add_assign, average_pool2d_forward, batch_norm_affine, batch_norm_normalize, dense_forward,
    dense_pack_weight, global_average_pool_forward, in_pool, inverse_std, max_pool2d_forward,
    residual_forward, zero_padding2d_forward,
};

use crate::fused_op::{
    BatchNorm, FusedConv, FusedOp, FusedResidual, KernelOptions, Kind, Purpose, SharedLens, fuse,
};
use crate::network_plan::NetworkPlan;
use crate::parameters::Parameters;

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
    pub(crate) instructions: InstructionSet,
    pub(crate) ops: Vec<FusedOp>,
    pub(crate) buffers: Vec<OpBuffers>,
    pub(crate) trainable: Vec<f32>,
    workspace: Workspace,
}

/// Buffers of one operation: its output, and what [`Inference::load`] derives from the weights.
#[derive(Debug, Default)]
pub(crate) struct OpBuffers {
    pub(crate) output: Buffer,
    prepared: Buffer,
    pub(crate) norm: FusedBatchNorm,
    /// Argmax indices of a separate pooling, for Grad-CAM.
    pub(crate) argmax: Vec<u8>,
    pub(crate) block: Vec<OpBuffers>,
    pub(crate) shortcut: Vec<OpBuffers>,
}

/// Batch norm by its running statistics, one value per channel.
#[derive(Debug, Default)]
pub(crate) struct FusedBatchNorm {
    mean: Vec<f32>,
    inverse: Vec<f32>,
    pub(crate) scale: Vec<f32>,
    shift: Vec<f32>,
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
        Self {
            buffers: allocate(&ops, batch_size, options.instructions),
            workspace: Workspace::new(lens.workspace),
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
        in_pool(|| pass.run(ops, buffers, images));
        match (self.ops.last(), self.buffers.last()) {
            (Some(op), Some(buffers)) => &buffers.output[..batch * op.outputs],
            _ => &[],
        }
    }

    /// Names and outputs, `[batch, ...]`, of the outermost layers for the first `batch` images of the
    /// last call of [`Inference::logits`].
    ///
    /// [`Inference::layer_by_layer`] provides every layer except those that change no value
    /// (`Flatten`, `Dropout`); [`Inference::new`] only those that are not fused into another layer.
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
        let ops = self.ops.iter().zip(&self.buffers).enumerate();
        // A layer whose activation is an operation of its own ends with the latter.
        let ends_layer = |index: usize, op: &FusedOp| {
            let next = self.ops.get(index + 1);
            next.is_none_or(|next| next.name != op.name)
        };
        ops.filter(move |(index, (op, _))| ends_layer(*index, op))
            .map(move |(_, (op, buffers))| (&*op.name, &buffers.output[..batch * op.outputs]))
    }
}

fn allocate(ops: &[FusedOp], batch: usize, instructions: InstructionSet) -> Vec<OpBuffers> {
    let allocate_op = |op: &FusedOp| {
        let mut buffers = OpBuffers {
            output: match &op.kind {
                Kind::Conv(conv) if conv.accumulates => Buffer::default(),
                _ => Buffer::zeros(batch * op.outputs),
            },
            ..OpBuffers::default()
        };
        match &op.kind {
            Kind::Conv(conv) => buffers.prepared = Buffer::zeros(conv.kernel.packed_len()),
            Kind::MaxPool2d(_) => buffers.argmax = vec![0; buffers.output.len()],
            Kind::Residual(residual) => {
                buffers.block = allocate(&residual.block, batch, instructions);
                buffers.shortcut = allocate(&residual.shortcut, batch, instructions);
            }
            Kind::Dense(dense) => {
                buffers.prepared = Buffer::zeros(dense.shape.packed_len(instructions));
            }
            Kind::BatchNorm(_)
            | Kind::Activation(_)
            | Kind::AveragePool2d(_)
            | Kind::GlobalAveragePool2d(_)
            | Kind::ZeroPadding2d(_)
            | Kind::Dropout(_) => {}
        }
        let norm = match &op.kind {
            Kind::Conv(conv) => conv.norm.as_ref(),
            Kind::BatchNorm(norm) => Some(norm),
            _ => None,
        };
        if let Some(norm) = norm {
            let zeros = vec![0.0; norm.channels];
            buffers.norm = FusedBatchNorm {
                mean: zeros.clone(),
                inverse: zeros.clone(),
                scale: zeros.clone(),
                shift: zeros,
            };
        }
        buffers
    };
    ops.iter().map(allocate_op).collect()
}

/// Derives everything that depends on the weights alone. `trainable` is a copy of the trainable
/// parameters, into which batch norm is folded.
fn prepare(
    ops: &[FusedOp],
    buffers: &mut [OpBuffers],
    instructions: InstructionSet,
    parameters: &Parameters,
    trainable: &mut [f32],
) {
    for (op, buffers) in ops.iter().zip(buffers) {
        match &op.kind {
            Kind::Conv(conv) => {
                let weights = conv.kernel.weight_len();
                if let Some(norm) = &conv.norm {
                    fuse_batch_norm(norm, parameters, &mut buffers.norm);
                }
                let variables = &mut trainable[conv.variables.clone()];
                if conv.folded {
                    fold(variables, weights, &mut buffers.norm);
                }
                conv.kernel
                    .pack_weight(&variables[..weights], &mut buffers.prepared);
            }
            Kind::BatchNorm(norm) => fuse_batch_norm(norm, parameters, &mut buffers.norm),
            Kind::Residual(FusedResidual {
                block, shortcut, ..
            }) => {
                let OpBuffers {
                    block: block_buffers,
                    shortcut: shortcut_buffers,
                    ..
                } = buffers;
                prepare(block, block_buffers, instructions, parameters, trainable);
                prepare(
                    shortcut,
                    shortcut_buffers,
                    instructions,
                    parameters,
                    trainable,
                );
            }
            Kind::Dense(dense) => {
                let weights = dense.shape.inputs * dense.shape.outputs;
                let weight = &parameters.trainable[dense.variables.clone()][..weights];
                dense_pack_weight(&dense.shape, instructions, weight, &mut buffers.prepared);
            }
            Kind::Activation(_)
            | Kind::MaxPool2d(_)
            | Kind::AveragePool2d(_)
            | Kind::GlobalAveragePool2d(_)
            | Kind::ZeroPadding2d(_)
            | Kind::Dropout(_) => {}
        }
    }
}

fn fuse_batch_norm(norm: &BatchNorm, parameters: &Parameters, fused: &mut FusedBatchNorm) {
    let running_stats = &parameters.running_stats[norm.running_stats.clone()];
    let (mean, variance) = running_stats.split_at(norm.channels);
    let (gamma, beta) = parameters.trainable[norm.variables.clone()].split_at(norm.channels);
    let FusedBatchNorm {
        mean: fused_mean,
        inverse,
        scale,
        shift,
    } = fused;
    fused_mean.copy_from_slice(mean);
    inverse_std(variance, norm.epsilon, inverse);
    batch_norm_affine(mean, inverse, gamma, beta, scale, shift);
}

/// Folds the scale of a batch norm into the weight before it, `[..., channels]`, and the bias, if there is
/// one, into the shift, which thus becomes the bias of the folded convolution.
fn fold(variables: &mut [f32], weights: usize, norm: &mut FusedBatchNorm) {
    let (weight, bias) = variables.split_at_mut(weights);
    for row in weight.chunks_exact_mut(norm.scale.len()) {
        for (weight, scale) in row.iter_mut().zip(&norm.scale) {
            *weight *= scale;
        }
    }
    for ((shift, bias), scale) in norm.shift.iter_mut().zip(bias).zip(&norm.scale) {
        *shift += *bias * scale;
    }
}

/// State of one forward pass, shared by its operations.
struct Pass<'a> {
    batch: usize,
    instructions: InstructionSet,
    trainable: &'a [f32],
    workspace: &'a mut Workspace,
}

impl Pass<'_> {
    fn run(&mut self, ops: &[FusedOp], buffers: &mut [OpBuffers], images: &[f32]) {
        for index in 0..ops.len() {
            let op = &ops[index];
            let (input, buffers) = input_and_buffers(ops, buffers, images, self.batch, index);
            let mut output = std::mem::take(&mut buffers.output);
            self.run_op(op, buffers, input, &mut output[..self.batch * op.outputs]);
            buffers.output = output;
        }
    }

    fn run_op(&mut self, op: &FusedOp, buffers: &mut OpBuffers, input: &[f32], output: &mut [f32]) {
        let batch = self.batch;
        match &op.kind {
            Kind::Conv(conv) => self.conv(conv, buffers, input, output, None),
            Kind::Dense(dense) => {
                let shape = dense.shape(batch);
                let weights = shape.inputs * shape.outputs;
                dense_forward(
                    &shape,
                    self.instructions,
                    input,
                    DenseWeight::Packed(&buffers.prepared),
                    &self.trainable[dense.variables.clone()][weights..],
                    dense.relu,
                    output,
                    self.workspace,
                );
            }
            Kind::MaxPool2d(shape) => {
                let shape = MaxPool2dShape { batch, ..*shape };
                let argmax = &mut buffers.argmax[..output.len()];
                max_pool2d_forward(&shape, input, output, argmax);
            }
            Kind::BatchNorm(norm) => {
                let (gamma, beta) = self.trainable[norm.variables.clone()].split_at(norm.channels);
                let FusedBatchNorm { mean, inverse, .. } = &buffers.norm;
                batch_norm_normalize(input, mean, inverse, gamma, beta, output);
            }
            Kind::Activation(activation) => activation.forward(self.instructions, input, output),
            Kind::AveragePool2d(shape) => {
                let shape = AveragePool2dShape { batch, ..*shape };
                average_pool2d_forward(&shape, self.instructions, input, output);
            }
            Kind::GlobalAveragePool2d(shape) => {
                let shape = GlobalAveragePoolShape { batch, ..*shape };
                global_average_pool_forward(&shape, self.instructions, input, output);
            }
            Kind::ZeroPadding2d(shape) => {
                zero_padding2d_forward(&ZeroPadding2dShape { batch, ..*shape }, input, output);
            }
            Kind::Dropout(_) => output.copy_from_slice(input),
            Kind::Residual(residual) => self.residual(residual, buffers, input, output),
        }
    }

    /// Runs a convolution. With `sum`, adds its output to `output`, followed by ReLU if that is true.
    fn conv(
        &mut self,
        conv: &FusedConv,
        buffers: &OpBuffers,
        input: &[f32],
        output: &mut [f32],
        sum: Option<bool>,
    ) {
        let kernel = conv.kernel.with_batch(self.batch);
        let (weight, bias) = self.trainable[conv.variables.clone()].split_at(kernel.weight_len());
        let affine = Affine {
            scale: &buffers.norm.scale,
            shift: &buffers.norm.shift,
        };
        let epilogue = Epilogue {
            bias: if conv.folded { affine.shift } else { bias },
            accumulate: sum.is_some(),
            relu: sum.unwrap_or(conv.relu),
            affine: (conv.norm.is_some() && !conv.folded).then_some(affine),
        };
        kernel.forward(
            &ConvInput::plain(input),
            [weight, &buffers.prepared],
            &epilogue,
            Conv2dOutput::plain(output),
            self.workspace,
        );
    }

    fn residual(
        &mut self,
        residual: &FusedResidual,
        buffers: &mut OpBuffers,
        input: &[f32],
        output: &mut [f32],
    ) {
        let batch = self.batch;
        let FusedResidual {
            block,
            shortcut,
            relu,
            ..
        } = residual;
        self.run(shortcut, &mut buffers.shortcut, input);
        let summand = ConvInput::plain(last_output(shortcut, &buffers.shortcut, batch, input));
        // A copy by all threads.
        residual_forward(
            residual.channels,
            self.instructions,
            &summand,
            None,
            false,
            output,
        );
        if let Some((last, before)) = block.split_last()
            && let Kind::Conv(conv) = &last.kind
            && conv.accumulates
        {
            self.run(before, &mut buffers.block[..before.len()], input);
            let last_index = before.len();
            let (input, buffers) =
                input_and_buffers(block, &mut buffers.block, input, batch, last_index);
            self.conv(conv, buffers, input, output, Some(*relu));
            return;
        }
        self.run(block, &mut buffers.block, input);
        add_assign(output, last_output(block, &buffers.block, batch, input));
        if *relu {
            Activation::Relu.forward_in_place(self.instructions, output);
        }
    }
}

/// Input and buffers of the operation `index` of `ops`.
fn input_and_buffers<'a>(
    ops: &[FusedOp],
    buffers: &'a mut [OpBuffers],
    images: &'a [f32],
    batch: usize,
    index: usize,
) -> (&'a [f32], &'a mut OpBuffers) {
    let (before, rest) = buffers.split_at_mut(index);
    let input = match (before.last(), index) {
        (Some(buffers), 1..) => &buffers.output[..batch * ops[index - 1].outputs],
        _ => images,
    };
    (input, &mut rest[0])
}

/// Output of the last of `ops`, or `input` if there are none.
fn last_output<'a>(
    ops: &[FusedOp],
    buffers: &'a [OpBuffers],
    batch: usize,
    input: &'a [f32],
) -> &'a [f32] {
    match (ops.last(), buffers.last()) {
        (Some(op), Some(buffers)) => &buffers.output[..batch * op.outputs],
        _ => input,
    }
}
