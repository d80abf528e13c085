//! Backward pass of training: the operations in reverse order, each of which turns the gradient at
//! its output into the gradient at its input.

use std::time::{Duration, Instant};

use modiste_kernels::{
    AveragePool2dShape, BatchNormGradient, BatchNormGradientSums, Buffer, Conv2dGradients,
    FusedGradient, GlobalAveragePoolShape, InputGradient, MaxPool2dShape, ZeroPadding2dShape,
    average_pool2d_backward, batch_norm_backward, batch_norm_backward_coefficients,
    batch_norm_backward_reduce, batch_norm_backward_scratch_len, batch_norm_pool_backward_reduce,
    dense_backward, dropout_backward, global_average_pool_backward, max_pool2d_backward,
    relu_backward, residual_backward, zero_padding2d_backward,
};

use crate::fused_op::{FusedConv, FusedOp, Kind};
use crate::kernel_network::activations::{Activations, BatchNormState, LayerInput};
use crate::kernel_network::{GradientBuffers, Scratch};

/// State of one backward pass, shared by its operations.
pub(super) struct Backward<'a> {
    pub(super) batch: usize,
    pub(super) trainable: &'a [f32],
    /// Gradients of all trainable parameters; the pass overwrites them.
    pub(super) gradients: &'a mut [f32],
    pub(super) buffers: &'a mut GradientBuffers,
    pub(super) scratch: &'a mut Scratch,
}

impl Backward<'_> {
    /// Runs `ops` backwards. The current gradient buffer contains the gradient at the output of the
    /// last operation before, and the gradient at `input` after; the latter only if
    /// `needs_input_gradient`. If there is a buffer to `keep` it, the gradient at the output is in this buffer
    /// afterwards; the last operation must not overwrite it.
    pub(super) fn run(
        &mut self,
        ops: &[FusedOp],
        activations: &mut [Activations],
        input: LayerInput<'_>,
        needs_input_gradient: bool,
        mut keep: Option<&mut Buffer>,
        mut times: Option<&mut [[Duration; 2]]>,
    ) {
        for (index, op) in ops.iter().enumerate().rev() {
            let start = Instant::now();
            let (before, rest) = activations.split_at_mut(index);
            let previous = index.checked_sub(1).map(|i| (&ops[i], &mut before[i]));
            let needed = needs_input_gradient || index > 0;
            self.run_op(op, &mut rest[0], previous, input, needed);
            if let Some(keep) = keep.take() {
                std::mem::swap(&mut self.buffers.next, keep);
            }
            if let Some(times) = &mut times {
                times[index][1] = start.elapsed();
            }
        }
    }

    fn run_op(
        &mut self,
        op: &FusedOp,
        activations: &mut Activations,
        previous: Option<(&FusedOp, &mut Activations)>,
        input: LayerInput<'_>,
        needed: bool,
    ) {
        let batch = self.batch;
        if let Kind::Conv(conv) = &op.kind {
            self.conv(op, conv, activations, previous, input, needed);
            return;
        }
        let input = match &previous {
            Some((op, activations)) => activations.next_input(op, batch).values,
            None => input.values,
        };
        let output = &activations.output[..batch * op.outputs];
        let at_output = &mut self.buffers.current[..batch * op.outputs];
        let at_input = &mut self.buffers.next[..batch * op.inputs];
        match &op.kind {
            Kind::Conv(_) => {}
            Kind::Dense(dense) => {
                if dense.relu {
                    relu_backward(output, at_output);
                }
                let shape = dense.shape(batch);
                let weights = shape.inputs * shape.outputs;
                let (weight_gradient, bias_gradient) =
                    self.gradients[dense.variables.clone()].split_at_mut(weights);
                dense_backward(
                    &shape,
                    self.scratch.instructions,
                    input,
                    &self.trainable[dense.variables.clone()][..weights],
                    at_output,
                    weight_gradient,
                    bias_gradient,
                    needed.then_some(at_input),
                    &mut self.scratch.workspace,
                );
                self.swap_buffers();
            }
            Kind::Activation(activation) => {
                activation.backward(self.scratch.instructions, input, at_output);
            }
            Kind::AveragePool2d(shape) => {
                let shape = AveragePool2dShape { batch, ..*shape };
                let instructions = self.scratch.instructions;
                average_pool2d_backward(&shape, instructions, at_output, at_input);
                self.swap_buffers();
            }
            Kind::GlobalAveragePool2d(shape) => {
                let shape = GlobalAveragePoolShape { batch, ..*shape };
                let instructions = self.scratch.instructions;
                global_average_pool_backward(&shape, instructions, at_output, at_input);
                self.swap_buffers();
            }
            Kind::ZeroPadding2d(shape) => {
                let shape = ZeroPadding2dShape { batch, ..*shape };
                zero_padding2d_backward(&shape, at_output, at_input);
                self.swap_buffers();
            }
            Kind::MaxPool2d(shape) => {
                let shape = MaxPool2dShape { batch, ..*shape };
                max_pool2d_backward(
                    &shape,
                    at_output,
                    &activations.bytes[..output.len()],
                    at_input,
                );
                self.swap_buffers();
            }
            Kind::Dropout(rate) => {
                dropout_backward(
                    self.scratch.instructions,
                    &activations.bytes[..output.len()],
                    *rate,
                    at_output,
                );
            }
            Kind::BatchNorm(norm) => {
                let gamma = &self.trainable[norm.variables.clone()][..norm.channels];
                let (gamma_gradient, beta_gradient) =
                    self.gradients[norm.variables.clone()].split_at_mut(norm.channels);
                batch_norm_backward(
                    input,
                    &activations.norm.mean,
                    &activations.norm.inverse,
                    gamma,
                    at_output,
                    gamma_gradient,
                    beta_gradient,
                    &mut self.scratch.sums[..batch_norm_backward_scratch_len(norm.channels)],
                );
            }
            Kind::Residual(residual) => {
                let before = previous.as_ref().map(|(op, _)| *op);
                let input = LayerInput::plain(input);
                self.residual(op, residual, activations, before, input, needed);
            }
        }
    }

    fn conv(
        &mut self,
        op: &FusedOp,
        conv: &FusedConv,
        activations: &mut Activations,
        previous: Option<(&FusedOp, &mut Activations)>,
        input: LayerInput<'_>,
        needed: bool,
    ) {
        let batch = self.batch;
        let kernel = conv.kernel.with_batch(batch);
        let instructions = kernel.instructions();
        let at_output = &mut self.buffers.current[..batch * op.outputs];
        let argmax = conv.pool.then(|| &activations.argmax[..batch * op.outputs]);
        let output = &activations.output[..batch * op.outputs];
        // After ReLU, before batch norm and pooling.
        let convolved = match &conv.norm {
            Some(_) if !conv.deferred => &activations.convolved[..batch * conv.convolved_len()],
            _ => output,
        };
        if let Some(norm) = &conv.norm {
            let BatchNormState {
                mean,
                inverse,
                sums,
                coefficients,
                ..
            } = &mut activations.norm;
            let mean = &*mean;
            let sums = &mut sums[..2 * batch * norm.channels];
            // If the normalization is deferred, the next operation has computed the sums already.
            if !conv.deferred {
                let target = BatchNormGradientSums {
                    input: convolved,
                    mean,
                    sums: &mut *sums,
                };
                match argmax {
                    Some(argmax) => batch_norm_pool_backward_reduce(
                        &conv.norm_pool(batch),
                        instructions,
                        at_output,
                        argmax,
                        target,
                    ),
                    None if conv.norm_relu => {
                        let summand = self.buffers.summand.take();
                        residual_backward(
                            batch,
                            norm.channels,
                            instructions,
                            at_output,
                            summand.as_ref().map(|summand| &summand[..at_output.len()]),
                            Some(&LayerInput::plain(output)),
                            [Some(target), None],
                        );
                        self.buffers.spare.extend(summand);
                    }
                    None => batch_norm_backward_reduce(instructions, at_output, target),
                }
            }
            let (gamma_gradient, beta_gradient) =
                self.gradients[norm.variables.clone()].split_at_mut(norm.channels);
            batch_norm_backward_coefficients(
                sums,
                convolved.len() / norm.channels,
                mean,
                inverse,
                &self.trainable[norm.variables.clone()][..norm.channels],
                gamma_gradient,
                beta_gradient,
                coefficients,
            );
        }
        let gradient = FusedGradient {
            values: at_output,
            argmax,
            batch_norm: conv.norm.as_ref().map(|_| BatchNormGradient {
                input: convolved,
                coefficients: &activations.norm.coefficients,
            }),
            relu: conv.relu.then_some(convolved),
        };
        let at_input = &mut self.buffers.next[..batch * op.inputs];
        let (weight_gradient, bias_gradient) =
            self.gradients[conv.variables.clone()].split_at_mut(kernel.weight_len());
        let weight = &self.trainable[conv.variables.clone()][..kernel.weight_len()];
        // If this operation normalizes for the previous one, it also computes the sums for it.
        let (input, sums) = match previous {
            None => (input, None),
            Some((op, activations)) => activations.next_input_and_sums(op, batch),
        };
        kernel.backward(
            &input,
            weight,
            &gradient,
            Conv2dGradients {
                weight: weight_gradient,
                bias: bias_gradient,
                input: needed.then_some(InputGradient {
                    values: at_input,
                    batch_norm_sums: sums,
                }),
            },
            &mut self.scratch.workspace,
        );
        self.swap_buffers();
    }

    /// Makes the gradient that was just written the current one.
    fn swap_buffers(&mut self) {
        let GradientBuffers { current, next, .. } = &mut *self.buffers;
        std::mem::swap(current, next);
    }
}
