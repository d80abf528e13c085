//! Forward pass of training.

use std::time::{Duration, Instant};

use modiste_core::Rng;
use modiste_kernels::{
    AveragePool2dShape, Conv2dOutput, DenseWeight, Epilogue, GlobalAveragePoolShape,
    MaxPool2dShape, ZeroPadding2dShape, average_pool2d_forward, batch_norm_affine,
    batch_norm_normalize, batch_norm_pool_forward, batch_norm_statistics, dense_forward,
    dropout_forward, global_average_pool_forward, inverse_std, max_pool2d_forward,
    residual_forward, update_moving_average, zero_padding2d_forward,
};

use crate::dropout_mask::fill_dropout_mask;
use crate::fused_op::{BatchNorm, FusedConv, FusedOp, Kind};
use crate::kernel_network::Scratch;
use crate::kernel_network::activations::{Activations, BatchNormState, LayerInput};

/// State of one forward pass, shared by its operations.
pub(super) struct Forward<'a> {
    pub(super) batch: usize,
    pub(super) trainable: &'a [f32],
    /// Batch norm's running statistics; the pass updates them.
    pub(super) running_stats: &'a mut [f32],
    pub(super) rng: &'a mut Rng,
    pub(super) scratch: &'a mut Scratch,
}

impl Forward<'_> {
    /// Runs `ops` and returns the output of the last one.
    pub(super) fn run<'s>(
        &mut self,
        ops: &[FusedOp],
        activations: &'s mut [Activations],
        input: LayerInput<'s>,
        mut times: Option<&mut [[Duration; 2]]>,
    ) -> LayerInput<'s> {
        let mut current = input;
        for (index, (op, activations)) in ops.iter().zip(activations).enumerate() {
            let start = Instant::now();
            self.run_op(op, activations, current);
            if let Some(times) = &mut times {
                times[index][0] = start.elapsed();
            }
            current = activations.next_input(op, self.batch);
        }
        current
    }

    fn run_op(&mut self, op: &FusedOp, activations: &mut Activations, input: LayerInput<'_>) {
        let batch = self.batch;
        if let Kind::Conv(conv) = &op.kind {
            self.conv(op, conv, activations, input);
            return;
        }
        assert!(
            input.affine.is_none(),
            "only convolutions and sums normalize their input"
        );
        let input = input.values;
        let output = &mut activations.output[..batch * op.outputs];
        match &op.kind {
            Kind::Conv(_) => {}
            Kind::Dense(dense) => {
                let shape = dense.shape(batch);
                let (weight, bias) =
                    self.trainable[dense.variables.clone()].split_at(shape.inputs * shape.outputs);
                dense_forward(
                    &shape,
                    self.scratch.instructions,
                    input,
                    DenseWeight::Plain(weight),
                    bias,
                    dense.relu,
                    output,
                    &mut self.scratch.workspace,
                );
            }
            Kind::Activation(activation) => {
                activation.forward(self.scratch.instructions, input, output);
            }
            Kind::AveragePool2d(shape) => {
                let shape = AveragePool2dShape { batch, ..*shape };
                average_pool2d_forward(&shape, self.scratch.instructions, input, output);
            }
            Kind::GlobalAveragePool2d(shape) => {
                let shape = GlobalAveragePoolShape { batch, ..*shape };
                global_average_pool_forward(&shape, self.scratch.instructions, input, output);
            }
            Kind::ZeroPadding2d(shape) => {
                zero_padding2d_forward(&ZeroPadding2dShape { batch, ..*shape }, input, output);
            }
            Kind::MaxPool2d(shape) => {
                let shape = MaxPool2dShape { batch, ..*shape };
                let argmax = &mut activations.bytes[..output.len()];
                max_pool2d_forward(&shape, input, output, argmax);
            }
            Kind::Dropout(rate) => {
                let mask = &mut activations.bytes[..output.len()];
                fill_dropout_mask(self.rng, *rate, mask);
                dropout_forward(self.scratch.instructions, input, mask, *rate, output);
            }
            Kind::BatchNorm(norm) => {
                let BatchNormState {
                    mean,
                    variance,
                    statistics_sums,
                    ..
                } = &mut activations.norm;
                let instructions = self.scratch.instructions;
                batch_norm_statistics(instructions, input, mean, variance, statistics_sums);
                self.update_running_stats(norm, &mut activations.norm);
                let (gamma, beta) = self.trainable[norm.variables.clone()].split_at(norm.channels);
                let BatchNormState { mean, inverse, .. } = &activations.norm;
                batch_norm_normalize(input, mean, inverse, gamma, beta, output);
            }
            Kind::Residual(residual) => {
                let input = LayerInput::plain(input);
                let block = self.run(&residual.block, &mut activations.block, input, None);
                let shortcut = self.run(&residual.shortcut, &mut activations.shortcut, input, None);
                residual_forward(
                    residual.channels,
                    self.scratch.instructions,
                    &block,
                    Some(&shortcut),
                    residual.relu,
                    output,
                );
            }
        }
    }

    fn conv(
        &mut self,
        op: &FusedOp,
        conv: &FusedConv,
        activations: &mut Activations,
        input: LayerInput<'_>,
    ) {
        let batch = self.batch;
        let kernel = conv.kernel.with_batch(batch);
        let instructions = kernel.instructions();
        let (weight, bias) = self.trainable[conv.variables.clone()].split_at(kernel.weight_len());
        let Scratch {
            prepared,
            statistics,
            workspace,
            ..
        } = &mut *self.scratch;
        let prepared = &mut prepared[..kernel.packed_len()];
        kernel.pack_weight(weight, prepared);
        let output = &mut activations.output[..batch * op.outputs];
        let written = match &conv.norm {
            Some(_) if !conv.deferred => &mut activations.convolved[..batch * conv.convolved_len()],
            _ => &mut *output,
        };
        let epilogue = Epilogue {
            bias,
            relu: conv.relu,
            ..Epilogue::default()
        };
        let argmax = match conv.pool && conv.norm.is_none() {
            true => Some(&mut activations.argmax[..batch * op.outputs]),
            false => None,
        };
        let gathers = conv.gathers_statistics();
        let mut statistics = gathers.then(|| &mut statistics[..kernel.statistics_len()]);
        let target = Conv2dOutput {
            values: &mut *written,
            argmax,
            statistics: statistics.as_deref_mut(),
        };
        kernel.forward(&input, [weight, prepared], &epilogue, target, workspace);
        let Some(norm) = &conv.norm else {
            return;
        };
        let BatchNormState {
            mean,
            variance,
            statistics_sums,
            ..
        } = &mut activations.norm;
        match statistics {
            Some(statistics) => kernel.batch_statistics(statistics, mean, variance),
            None => batch_norm_statistics(instructions, written, mean, variance, statistics_sums),
        }
        self.update_running_stats(norm, &mut activations.norm);
        if conv.deferred {
            return;
        }
        let convolved = &activations.convolved[..batch * conv.convolved_len()];
        if conv.pool {
            batch_norm_pool_forward(
                &conv.norm_pool(batch),
                instructions,
                convolved,
                activations.norm.affine(),
                output,
                &mut activations.argmax[..batch * op.outputs],
            );
        } else if conv.norm_relu {
            let input = LayerInput {
                values: convolved,
                affine: Some(activations.norm.affine()),
                relu: true,
            };
            residual_forward(norm.channels, instructions, &input, None, false, output);
        } else {
            let (gamma, beta) = self.trainable[norm.variables.clone()].split_at(norm.channels);
            let BatchNormState { mean, inverse, .. } = &activations.norm;
            batch_norm_normalize(convolved, mean, inverse, gamma, beta, output);
        }
    }

    /// Updates the running statistics with the batch's mean and variance, and derives the scale and
    /// shift of each channel from these.
    fn update_running_stats(&mut self, norm: &BatchNorm, state: &mut BatchNormState) {
        let (moving_mean, moving_variance) =
            self.running_stats[norm.running_stats.clone()].split_at_mut(norm.channels);
        update_moving_average(moving_mean, &state.mean, norm.momentum);
        update_moving_average(moving_variance, &state.variance, norm.momentum);
        inverse_std(&state.variance, norm.epsilon, &mut state.inverse);
        let (gamma, beta) = self.trainable[norm.variables.clone()].split_at(norm.channels);
        let BatchNormState {
            mean,
            inverse,
            scale,
            shift,
            ..
        } = state;
        batch_norm_affine(mean, inverse, gamma, beta, scale, shift);
    }
}
