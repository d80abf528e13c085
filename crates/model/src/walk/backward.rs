//! Backwards: the stages in reverse order, each turning the gradient at its output into the one at
//! its input.

use std::time::{Duration, Instant};

use modiste_kernels::{
    BatchNormGradient, BatchNormGradientSums, Conv2dGradients, FusedGradient, InputGradient,
    MaxPool2dShape, add_assign, batch_norm_backward, batch_norm_backward_coefficients,
    batch_norm_backward_reduce, batch_norm_backward_scratch_len, batch_norm_pool_backward_reduce,
    dense_backward, dropout_backward, max_pool2d_backward, relu_backward,
};

use crate::stage::{ConvStage, Kind, Stage};
use crate::walk::slot::{NormSlot, Slot, Value};
use crate::walk::{Flow, Space};

/// One pass: what all its stages share.
pub(super) struct Backward<'a> {
    pub(super) batch: usize,
    pub(super) trainable: &'a [f32],
    /// Of every trainable number; overwritten.
    pub(super) gradients: &'a mut [f32],
    pub(super) flow: &'a mut Flow,
    pub(super) space: &'a mut Space,
}

impl Backward<'_> {
    /// Goes back through `stages`: the gradient comes as the one at their output and is left as the
    /// one at their input, unless that is the network's own and nobody needs it.
    pub(super) fn run(
        &mut self,
        stages: &[Stage],
        slots: &mut [Slot],
        input: Value<'_>,
        needs_input_gradient: bool,
        mut times: Option<&mut [[Duration; 2]]>,
    ) {
        for (index, stage) in stages.iter().enumerate().rev() {
            let start = Instant::now();
            let (before, rest) = slots.split_at_mut(index);
            let previous = index.checked_sub(1).map(|i| (&stages[i], &mut before[i]));
            let needed = needs_input_gradient || index > 0;
            self.stage(stage, &mut rest[0], previous, input, needed);
            if let Some(times) = &mut times {
                times[index][1] = start.elapsed();
            }
        }
    }

    fn stage(
        &mut self,
        stage: &Stage,
        slot: &mut Slot,
        previous: Option<(&Stage, &mut Slot)>,
        input: Value<'_>,
        needed: bool,
    ) {
        let batch = self.batch;
        if let Kind::Conv(conv) = &stage.kind {
            self.conv(stage, conv, slot, previous, input, needed);
            return;
        }
        let input = match &previous {
            Some((stage, slot)) => slot.value(stage, batch).values,
            None => input.values,
        };
        let output = &slot.output[..batch * stage.outputs];
        let at_output = &mut self.flow.current[..batch * stage.outputs];
        let at_input = &mut self.flow.next[..batch * stage.inputs];
        match &stage.kind {
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
                    self.space.instructions,
                    input,
                    &self.trainable[dense.variables.clone()][..weights],
                    at_output,
                    weight_gradient,
                    bias_gradient,
                    needed.then_some(at_input),
                    &mut self.space.workspace,
                );
                self.turn();
            }
            Kind::MaxPool2d(shape) => {
                let shape = MaxPool2dShape { batch, ..*shape };
                max_pool2d_backward(&shape, at_output, &slot.bytes[..output.len()], at_input);
                self.turn();
            }
            Kind::Dropout(rate) => {
                dropout_backward(
                    self.space.instructions,
                    &slot.bytes[..output.len()],
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
                    &slot.norm.mean,
                    &slot.norm.inverse,
                    gamma,
                    at_output,
                    gamma_gradient,
                    beta_gradient,
                    &mut self.space.sums[..batch_norm_backward_scratch_len(norm.channels)],
                );
            }
            Kind::Residual(block) => {
                let bypass = &mut slot.bypass[..at_output.len()];
                bypass.copy_from_slice(at_output);
                self.run(block, &mut slot.block, Value::plain(input), true, None);
                add_assign(&mut self.flow.current[..bypass.len()], bypass);
            }
        }
    }

    fn conv(
        &mut self,
        stage: &Stage,
        conv: &ConvStage,
        slot: &mut Slot,
        mut previous: Option<(&Stage, &mut Slot)>,
        input: Value<'_>,
        needed: bool,
    ) {
        let batch = self.batch;
        let kernel = conv.conv(batch);
        let at_output = &self.flow.current[..batch * stage.outputs];
        let winners = conv.pool.then(|| &slot.winners[..batch * stage.outputs]);
        // What the convolution wrote: behind its rectifier, before normalisation.
        let convolved = match &conv.norm {
            Some(_) if !conv.deferred => &slot.convolved[..batch * conv.convolved()],
            _ => &slot.output[..batch * stage.outputs],
        };
        if let Some(norm) = &conv.norm {
            let NormSlot {
                mean,
                inverse,
                sums,
                coefficients,
                ..
            } = &mut slot.norm;
            let mean = &*mean;
            let sums = &mut sums[..2 * batch * norm.channels];
            // The stage behind a deferred one has gathered them already.
            if !conv.deferred {
                let target = BatchNormGradientSums {
                    input: convolved,
                    mean,
                    sums: &mut *sums,
                };
                match winners {
                    Some(winners) => batch_norm_pool_backward_reduce(
                        &conv.norm_pool(batch),
                        kernel.instructions,
                        at_output,
                        winners,
                        target,
                    ),
                    None => batch_norm_backward_reduce(kernel.instructions, at_output, target),
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
            argmax: winners,
            batch_norm: conv.norm.as_ref().map(|_| BatchNormGradient {
                input: convolved,
                coefficients: &slot.norm.coefficients,
            }),
            relu: conv.relu.then_some(convolved),
        };
        let at_input = &mut self.flow.next[..batch * stage.inputs];
        let (weight_gradient, bias_gradient) =
            self.gradients[conv.variables.clone()].split_at_mut(kernel.shape.weight_len());
        let weight = &self.trainable[conv.variables.clone()][..kernel.shape.weight_len()];
        // The stage before wants sums where its normalisation is applied here.
        let (input, sums) = match &mut previous {
            None => (input, None),
            Some((stage, slot)) => {
                let deferred = matches!(&stage.kind, Kind::Conv(conv) if conv.deferred);
                let values = &slot.output[..batch * stage.outputs];
                let NormSlot {
                    mean,
                    scale,
                    shift,
                    sums,
                    ..
                } = &mut slot.norm;
                let affine = deferred.then_some(modiste_kernels::Affine { scale, shift });
                let sums = deferred.then(|| BatchNormGradientSums {
                    input: values,
                    mean,
                    sums: &mut sums[..2 * batch * mean.len()],
                });
                (Value { values, affine }, sums)
            }
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
            &mut self.space.workspace,
        );
        self.turn();
    }

    /// What was written is what the next stage reads.
    fn turn(&mut self) {
        let Flow { current, next } = &mut *self.flow;
        std::mem::swap(current, next);
    }
}
