//! Gradient from the logits back to the observed layer.

use modiste_kernels::{
    AveragePool2dShape, GlobalAveragePoolShape, InstructionSet, MaxPool2dShape, ZeroPadding2dShape,
    average_pool2d_backward, global_average_pool_backward, max_pool2d_backward,
    zero_padding2d_backward,
};

use crate::fused_op::{FusedDense, FusedOp, FusedResidual, Kind};
use crate::inference::OpBuffers;

/// Backward pass in inference mode over operations without convolutions.
pub(super) struct Backward<'a> {
    pub(super) trainable: &'a [f32],
    pub(super) instructions: InstructionSet,
    pub(super) batch: usize,
}

impl Backward<'_> {
    /// Gradient at `input`, the input of `ops`, from the gradient at their output, both `[batch, ...]`.
    pub(super) fn run(
        &self,
        ops: &[FusedOp],
        buffers: &[OpBuffers],
        input: &[f32],
        mut gradient: Vec<f32>,
    ) -> Vec<f32> {
        for (index, (op, op_buffers)) in ops.iter().zip(buffers).enumerate().rev() {
            let input = match index.checked_sub(1) {
                Some(previous) => &buffers[previous].output[..self.batch * op.inputs],
                None => input,
            };
            gradient = self.op(op, op_buffers, input, gradient);
        }
        gradient
    }

    fn op(
        &self,
        op: &FusedOp,
        buffers: &OpBuffers,
        input: &[f32],
        mut gradient: Vec<f32>,
    ) -> Vec<f32> {
        let (batch, instructions) = (self.batch, self.instructions);
        let mut at_input = vec![0.0; batch * op.inputs];
        match &op.kind {
            Kind::Dense(dense) => {
                let output = &buffers.output[..batch * op.outputs];
                return dense_backward(dense, output, self.trainable, gradient);
            }
            Kind::MaxPool2d(shape) => {
                let shape = MaxPool2dShape { batch, ..*shape };
                let argmax = &buffers.argmax[..gradient.len()];
                max_pool2d_backward(&shape, &gradient, argmax, &mut at_input);
            }
            Kind::AveragePool2d(shape) => {
                let shape = AveragePool2dShape { batch, ..*shape };
                average_pool2d_backward(&shape, instructions, &gradient, &mut at_input);
            }
            Kind::GlobalAveragePool2d(shape) => {
                let shape = GlobalAveragePoolShape { batch, ..*shape };
                global_average_pool_backward(&shape, instructions, &gradient, &mut at_input);
            }
            Kind::ZeroPadding2d(shape) => {
                let shape = ZeroPadding2dShape { batch, ..*shape };
                zero_padding2d_backward(&shape, &gradient, &mut at_input);
            }
            Kind::Activation(activation) => {
                activation.backward(instructions, input, &mut gradient);
                return gradient;
            }
            Kind::BatchNorm(norm) => {
                for pixel in gradient.chunks_exact_mut(norm.channels) {
                    for (value, scale) in pixel.iter_mut().zip(&buffers.norm.scale) {
                        *value *= scale;
                    }
                }
                return gradient;
            }
            Kind::Residual(FusedResidual {
                block, shortcut, ..
            }) => {
                at_input = self.run(shortcut, &buffers.shortcut, input, gradient.clone());
                let inner = self.run(block, &buffers.block, input, gradient);
                let sums = at_input.iter_mut().zip(inner);
                sums.for_each(|(sum, value)| *sum += value);
            }
            // No convolution follows the observed layer, and inference has no dropout.
            Kind::Conv(_) | Kind::Dropout(_) => return gradient,
        }
        at_input
    }
}

fn dense_backward(
    dense: &FusedDense,
    output: &[f32],
    trainable: &[f32],
    mut gradient: Vec<f32>,
) -> Vec<f32> {
    let (inputs, outputs) = (dense.shape.inputs, dense.shape.outputs);
    if dense.relu {
        for (value, output) in gradient.iter_mut().zip(output) {
            *value = if *output > 0.0 { *value } else { 0.0 };
        }
    }
    // [inputs, outputs]
    let weight = &trainable[dense.variables.clone()][..inputs * outputs];
    let dot = |row: &[f32], gradient: &[f32]| row.iter().zip(gradient).map(|(a, b)| a * b).sum();
    gradient
        .chunks_exact(outputs)
        .flat_map(|gradient| {
            weight
                .chunks_exact(outputs)
                .map(move |row| dot(row, gradient))
        })
        .collect()
}
