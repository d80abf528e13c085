//! Fully connected layers: matrix products, each factor packed once into the order it is read in.

mod few;
mod gradient;
mod product;
mod right;

use crate::buffer::{Workspace, WorkspaceLen};
use crate::dense::few::few_forward;
use crate::dense::gradient::kernel_gradient;
use crate::dense::product::{Cut, Product, product};
use crate::dense::right::Right;
use crate::instructions::Instructions;
use crate::parallel::check_len;
use crate::tile::Panels;

/// What a dense layer works on. The kernel is `[in, out]`, as Keras stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DenseShape {
    /// Images.
    pub batch: usize,
    /// Values that come in for each.
    pub inputs: usize,
    /// Units.
    pub outputs: usize,
}

/// Steps of a sum whose factors are packed at a time.
const DEPTH: usize = 128;

/// Rows of the kernel's gradient that one task makes.
const GRADIENT_ROWS: usize = 96;

/// Up to so many images a plain kernel is read once from end to end, not in panels.
const FEW: usize = 4;

/// Rows of the kernel that one task reads when the images are few.
const FEW_ROWS: usize = 256;

/// Widest panel, in numbers.
const WIDEST: usize = 64;

/// A dense layer's kernel.
#[derive(Clone, Copy, Debug)]
pub enum DenseKernel<'a> {
    /// `[in, out]`.
    Plain(&'a [f32]),
    /// As [`dense_prepare`] makes it: for one that is used often before it changes.
    Prepared(&'a [f32]),
}

impl DenseShape {
    /// Numbers of the prepared kernel.
    pub fn prepared_len(&self, instructions: Instructions) -> usize {
        self.inputs * Panels::new(self.outputs, instructions.lanes()).padded()
    }

    /// The workspace that forwards and backwards need, also for every smaller batch.
    pub fn workspace_len(&self) -> WorkspaceLen {
        let Self {
            batch,
            inputs,
            outputs,
        } = *self;
        let few = inputs.div_ceil(FEW_ROWS) * batch.min(FEW) * outputs;
        let shares = [
            Cut::new(outputs, inputs).shares_len(batch),
            Cut::new(inputs, outputs).shares_len(batch),
            batch * outputs.next_multiple_of(WIDEST),
            few,
        ];
        WorkspaceLen {
            thread: DEPTH * (WIDEST + GRADIENT_ROWS),
            shared: shares.into_iter().max().unwrap_or(0),
        }
    }

    #[track_caller]
    fn check_kernel(&self, weight: usize) {
        let len = self.inputs * self.outputs;
        check_len("the dense layer's kernel", weight, len);
    }

    #[track_caller]
    fn check(&self, input: usize, output: usize) {
        check_len("the dense layer's input", input, self.batch * self.inputs);
        check_len(
            "the dense layer's output",
            output,
            self.batch * self.outputs,
        );
    }
}

/// Brings a kernel into the order in which [`dense_forward`] reads it with the same instructions.
///
/// # Panics
/// Where a buffer has not the length of `shape`.
pub fn dense_prepare(
    shape: &DenseShape,
    instructions: Instructions,
    weight: &[f32],
    prepared: &mut [f32],
) {
    shape.check_kernel(weight.len());
    let len = shape.prepared_len(instructions);
    check_len("the prepared kernel", prepared.len(), len);
    Panels::new(shape.outputs, instructions.lanes()).pack_all(weight, prepared);
}

/// `output[b, o] = bias[o] + sum over i of input[b, i] * weight[i, o]`, behind a rectifier where
/// `relu`.
///
/// # Panics
/// Where a buffer has not the length of `shape`.
#[allow(clippy::too_many_arguments, reason = "the operation's own buffers")]
pub fn dense_forward(
    shape: &DenseShape,
    instructions: Instructions,
    input: &[f32],
    kernel: DenseKernel<'_>,
    bias: &[f32],
    relu: bool,
    output: &mut [f32],
    workspace: &mut Workspace,
) {
    shape.check(input.len(), output.len());
    match kernel {
        DenseKernel::Plain(weight) => shape.check_kernel(weight.len()),
        DenseKernel::Prepared(prepared) => {
            let len = shape.prepared_len(instructions);
            check_len("the prepared kernel", prepared.len(), len);
        }
    }
    check_len("the dense layer's bias", bias.len(), shape.outputs);
    workspace.check(shape.workspace_len());
    if output.is_empty() {
        return;
    }
    let finish = |row: &mut [f32]| {
        for (value, bias) in row.iter_mut().zip(bias) {
            let sum = *value + bias;
            *value = if relu && sum < 0.0 { 0.0 } else { sum };
        }
    };
    let right = match kernel {
        DenseKernel::Plain(weight) if shape.batch <= FEW => {
            let shared = &mut workspace.shared;
            few_forward(shape, instructions, input, weight, output, shared);
            output.chunks_exact_mut(shape.outputs).for_each(finish);
            return;
        }
        DenseKernel::Plain(weight) => Right::Rows(weight),
        DenseKernel::Prepared(packed) => Right::Packed(packed),
    };
    product(
        instructions,
        Product {
            rows: shape.batch,
            depth: shape.inputs,
            left: input,
            right,
            panels: Panels::new(shape.outputs, instructions.lanes()),
        },
        output,
        &finish,
        workspace,
    );
}

/// The gradients of [`dense_forward`] (without a rectifier); each is overwritten, `input_gradient`
/// where it is asked for.
///
/// # Panics
/// Where a buffer has not the length of `shape`.
#[allow(clippy::too_many_arguments, reason = "the operation's own buffers")]
pub fn dense_backward(
    shape: &DenseShape,
    instructions: Instructions,
    input: &[f32],
    weight: &[f32],
    output_gradient: &[f32],
    weight_gradient: &mut [f32],
    bias_gradient: &mut [f32],
    input_gradient: Option<&mut [f32]>,
    workspace: &mut Workspace,
) {
    shape.check(input.len(), output_gradient.len());
    shape.check_kernel(weight.len());
    check_len("the kernel's gradient", weight_gradient.len(), weight.len());
    check_len("the bias's gradient", bias_gradient.len(), shape.outputs);
    workspace.check(shape.workspace_len());
    bias_gradient.fill(0.0);
    if shape.outputs == 0 {
        return;
    }
    for row in output_gradient.chunks_exact(shape.outputs) {
        for (sum, value) in bias_gradient.iter_mut().zip(row) {
            *sum += value;
        }
    }
    kernel_gradient(
        shape,
        instructions,
        input,
        output_gradient,
        weight_gradient,
        workspace,
    );
    if let Some(gradient) = input_gradient {
        product(
            instructions,
            Product {
                rows: shape.batch,
                depth: shape.outputs,
                left: output_gradient,
                right: Right::Columns(weight),
                panels: Panels::new(shape.inputs, instructions.lanes()),
            },
            gradient,
            &|_: &mut [f32]| {},
            workspace,
        );
    }
}
