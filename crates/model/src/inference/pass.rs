//! Forward pass of inference.

use std::ops::Range;

use modiste_kernels::{
    Affine, AveragePool2dShape, Conv2dOutput, ConvInput, DenseWeight, Epilogue,
    GlobalAveragePoolShape, InstructionSet, MaxPool2dShape, Workspace, ZeroPadding2dShape,
    average_pool2d_forward, batch_norm_normalize, dense_forward, global_average_pool_forward,
    max_pool2d_forward, residual_forward, zero_padding2d_forward,
};

use crate::fused_op::{FusedConv, FusedOp, FusedResidual, Kind};
use crate::inference::buffers::{FusedBatchNorm, OpBuffers};
use crate::inference::groups::Segment;

/// State of one forward pass, shared by its operations.
pub(super) struct Pass<'a> {
    pub(super) batch: usize,
    pub(super) instructions: InstructionSet,
    pub(super) trainable: &'a [f32],
    pub(super) workspace: &'a mut Workspace,
}

impl Pass<'_> {
    /// Runs all operations of a network.
    pub(super) fn run_segments(
        &mut self,
        segments: &[Segment],
        ops: &[FusedOp],
        buffers: &mut [OpBuffers],
        images: &[f32],
    ) {
        let batch = self.batch;
        for segment in segments {
            let Range { start, end } = segment.ops;
            for first in (0..batch).step_by(segment.images) {
                self.batch = segment.images.min(batch - first);
                for index in start..end {
                    let source = if index == start { first } else { 0 };
                    let target = if index + 1 == end { first } else { 0 };
                    self.run_from(ops, buffers, images, index, [source, target]);
                }
            }
        }
        self.batch = batch;
    }

    /// Runs `ops`; the output of each is in its buffers.
    fn run(&mut self, ops: &[FusedOp], buffers: &mut [OpBuffers], images: &[f32]) {
        for index in 0..ops.len() {
            self.run_from(ops, buffers, images, index, [0, 0]);
        }
    }

    /// Runs the operation `index` of `ops`. It reads the images from `source` on of its input, and writes those
    /// from `target` on of its output.
    fn run_from(
        &mut self,
        ops: &[FusedOp],
        buffers: &mut [OpBuffers],
        images: &[f32],
        index: usize,
        [source, target]: [usize; 2],
    ) {
        let op = &ops[index];
        let (input, buffers) = input_and_buffers(ops, buffers, images, source + self.batch, index);
        let input = &input[source * op.inputs..][..self.batch * op.inputs];
        let mut output = std::mem::take(&mut buffers.output);
        let values = &mut output[target * op.outputs..][..self.batch * op.outputs];
        self.run_op(op, buffers, input, values);
        buffers.output = output;
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

    /// Runs a convolution. With `sum`, adds these values to its output, followed by ReLU if that is true.
    fn conv(
        &mut self,
        conv: &FusedConv,
        buffers: &OpBuffers,
        input: &[f32],
        output: &mut [f32],
        sum: Option<(&[f32], bool)>,
    ) {
        let kernel = conv.kernel.with_batch(self.batch);
        let (weight, bias) = self.trainable[conv.variables.clone()].split_at(kernel.weight_len());
        let affine = Affine {
            scale: &buffers.norm.scale,
            shift: &buffers.norm.shift,
        };
        let epilogue = Epilogue {
            bias: if conv.folded { affine.shift } else { bias },
            summand: sum.map(|(summand, _)| summand),
            relu: sum.map_or(conv.relu, |(_, relu)| relu),
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
        let summand = last_output(shortcut, &buffers.shortcut, batch, input);
        if let Some((last, before)) = block.split_last()
            && let Kind::Conv(conv) = &last.kind
            && conv.accumulates
        {
            self.run(before, &mut buffers.block[..before.len()], input);
            let last_index = before.len();
            let (input, buffers) =
                input_and_buffers(block, &mut buffers.block, input, batch, last_index);
            self.conv(conv, buffers, input, output, Some((summand, *relu)));
            return;
        }
        self.run(block, &mut buffers.block, input);
        residual_forward(
            residual.channels,
            self.instructions,
            &ConvInput::plain(last_output(block, &buffers.block, batch, input)),
            Some(&ConvInput::plain(summand)),
            *relu,
            output,
        );
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
