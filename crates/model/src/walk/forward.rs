//! Forwards.

use std::time::{Duration, Instant};

use modiste_core::Rng;
use modiste_kernels::{
    Conv2dOutput, DenseWeight, Epilogue, MaxPool2dShape, add_assign, batch_norm_affine,
    batch_norm_normalize, batch_norm_pool_forward, batch_norm_statistics, dense_forward,
    dropout_forward, inverse_std, max_pool2d_forward, update_moving_average,
};

use crate::dropout_mask::fill_dropout_mask;
use crate::stage::{ConvStage, Kind, Norm, Stage};
use crate::walk::Space;
use crate::walk::slot::{NormSlot, Slot, Value};

/// One pass: what all its stages share.
pub(super) struct Forward<'a> {
    pub(super) batch: usize,
    pub(super) trainable: &'a [f32],
    /// Batch norm's moving statistics, which are brought forward.
    pub(super) statistics: &'a mut [f32],
    pub(super) rng: &'a mut Rng,
    pub(super) space: &'a mut Space,
}

impl Forward<'_> {
    /// Goes through `stages`; gives what the last one puts out.
    pub(super) fn run<'s>(
        &mut self,
        stages: &[Stage],
        slots: &'s mut [Slot],
        input: Value<'s>,
        mut times: Option<&mut [[Duration; 2]]>,
    ) -> Value<'s> {
        let mut current = input;
        for (index, (stage, slot)) in stages.iter().zip(slots).enumerate() {
            let start = Instant::now();
            self.stage(stage, slot, current);
            if let Some(times) = &mut times {
                times[index][0] = start.elapsed();
            }
            current = slot.value(stage, self.batch);
        }
        current
    }

    fn stage(&mut self, stage: &Stage, slot: &mut Slot, input: Value<'_>) {
        let batch = self.batch;
        if let Kind::Conv(conv) = &stage.kind {
            self.conv(stage, conv, slot, input);
            return;
        }
        assert!(input.affine.is_none(), "only convolutions normalise");
        let input = input.values;
        let output = &mut slot.output[..batch * stage.outputs];
        match &stage.kind {
            Kind::Conv(_) => {}
            Kind::Dense(dense) => {
                let shape = dense.shape(batch);
                let (weight, bias) =
                    self.trainable[dense.variables.clone()].split_at(shape.inputs * shape.outputs);
                dense_forward(
                    &shape,
                    self.space.instructions,
                    input,
                    DenseWeight::Plain(weight),
                    bias,
                    dense.relu,
                    output,
                    &mut self.space.workspace,
                );
            }
            Kind::MaxPool2d(shape) => {
                let shape = MaxPool2dShape { batch, ..*shape };
                let winners = &mut slot.bytes[..output.len()];
                max_pool2d_forward(&shape, input, output, winners);
            }
            Kind::Dropout(rate) => {
                let mask = &mut slot.bytes[..output.len()];
                fill_dropout_mask(self.rng, *rate, mask);
                dropout_forward(self.space.instructions, input, mask, *rate, output);
            }
            Kind::BatchNorm(norm) => {
                let NormSlot {
                    mean,
                    variance,
                    scratch,
                    ..
                } = &mut slot.norm;
                batch_norm_statistics(self.space.instructions, input, mean, variance, scratch);
                self.know(norm, &mut slot.norm);
                let (gamma, beta) = self.trainable[norm.variables.clone()].split_at(norm.channels);
                let NormSlot { mean, inverse, .. } = &slot.norm;
                batch_norm_normalize(input, mean, inverse, gamma, beta, output);
            }
            Kind::Residual(block) => {
                let inner = self.run(block, &mut slot.block, Value::plain(input), None);
                output.copy_from_slice(input);
                add_assign(output, inner.values);
            }
        }
    }

    fn conv(&mut self, stage: &Stage, conv: &ConvStage, slot: &mut Slot, input: Value<'_>) {
        let batch = self.batch;
        let kernel = conv.conv(batch);
        let (weight, bias) =
            self.trainable[conv.variables.clone()].split_at(kernel.shape.weight_len());
        let prepared = &mut self.space.prepared[..kernel.packed_len()];
        kernel.pack_weight(weight, prepared);
        let output = &mut slot.output[..batch * stage.outputs];
        let written = match &conv.norm {
            Some(_) if !conv.deferred => &mut slot.convolved[..batch * conv.convolved()],
            _ => &mut *output,
        };
        let epilogue = Epilogue {
            bias,
            relu: conv.relu,
            affine: None,
        };
        let winners = match kernel.pool {
            true => Some(&mut slot.winners[..batch * stage.outputs]),
            false => None,
        };
        let target = Conv2dOutput {
            values: written,
            argmax: winners,
        };
        kernel.forward(
            &input,
            prepared,
            &epilogue,
            target,
            &mut self.space.workspace,
        );
        let Some(norm) = &conv.norm else {
            return;
        };
        // In Keras's own order of additions, not gathered by the convolution: how its sums round
        // decides the gradients that nearly cancel.
        let NormSlot {
            mean,
            variance,
            scratch,
            ..
        } = &mut slot.norm;
        let convolved = &slot.convolved[..slot.convolved.len().min(batch * conv.convolved())];
        let written = if conv.deferred { &*output } else { convolved };
        batch_norm_statistics(kernel.instructions, written, mean, variance, scratch);
        self.know(norm, &mut slot.norm);
        if conv.deferred {
            return;
        }
        if conv.pool {
            batch_norm_pool_forward(
                &conv.norm_pool(batch),
                kernel.instructions,
                convolved,
                slot.norm.affine(),
                output,
                &mut slot.winners[..batch * stage.outputs],
            );
        } else {
            let (gamma, beta) = self.trainable[norm.variables.clone()].split_at(norm.channels);
            let NormSlot { mean, inverse, .. } = &slot.norm;
            batch_norm_normalize(convolved, mean, inverse, gamma, beta, output);
        }
    }

    /// Everything that follows from mean and variance; the moving ones are brought forward.
    fn know(&mut self, norm: &Norm, slot: &mut NormSlot) {
        let (moving_mean, moving_variance) =
            self.statistics[norm.statistics.clone()].split_at_mut(norm.channels);
        update_moving_average(moving_mean, &slot.mean, norm.momentum);
        update_moving_average(moving_variance, &slot.variance, norm.momentum);
        inverse_std(&slot.variance, norm.epsilon, &mut slot.inverse);
        let (gamma, beta) = self.trainable[norm.variables.clone()].split_at(norm.channels);
        let NormSlot {
            mean,
            inverse,
            scale,
            shift,
            ..
        } = slot;
        batch_norm_affine(mean, inverse, gamma, beta, scale, shift);
    }
}
