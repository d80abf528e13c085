//! Fully connected layers as matrix products with a packed right-hand side.

mod gemm;
mod packed_b;
mod small_batch;
mod weight_gradient;

use crate::buffer::{Workspace, WorkspaceLen};
use crate::dense::gemm::{Blocking, Gemm, gemm};
use crate::dense::packed_b::Rhs;
use crate::dense::small_batch::forward_small_batch;
use crate::dense::weight_gradient::write_weight_gradient;
use crate::instruction_set::InstructionSet;
use crate::panels::Panels;
use crate::parallel::check_len;

/// Shape of a dense layer. The weight is `[in, out]`, as in Keras.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DenseShape {
    /// Number of images.
    pub batch: usize,
    /// Input features per image.
    pub inputs: usize,
    /// Output features (units).
    pub outputs: usize,
}

/// Steps of the depth (the summed dimension) that are packed at a time.
const DEPTH_BLOCK: usize = 128;

/// Rows of the weight gradient per task.
const GRADIENT_ROWS: usize = 96;

/// Largest batch for which a plain weight is read in one linear pass instead of in panels.
const SMALL_BATCH: usize = 4;

/// Rows of the weight per task for a small batch.
const SMALL_BATCH_ROWS: usize = 256;

/// Columns of the widest panel.
const MAX_PANEL_WIDTH: usize = 64;

/// Weight of a dense layer, `[in, out]`, plain or packed.
#[derive(Clone, Copy, Debug)]
pub enum DenseWeight<'a> {
    /// Row-major weight, `[in, out]`.
    Plain(&'a [f32]),
    /// Weight packed by [`dense_pack_weight`], for a weight that is used many times.
    Packed(&'a [f32]),
}

impl DenseShape {
    /// Length of packed dense weight.
    pub fn packed_len(&self, instructions: InstructionSet) -> usize {
        self.inputs * Panels::new(self.outputs, instructions.lanes()).padded_columns()
    }

    /// Workspace for the forward and backward passes of this batch size and every smaller one.
    pub fn workspace_len(&self) -> WorkspaceLen {
        let Self {
            batch,
            inputs,
            outputs,
        } = *self;
        let small_batch = inputs.div_ceil(SMALL_BATCH_ROWS) * batch.min(SMALL_BATCH) * outputs;
        let lens = [
            Blocking::new(outputs, inputs).partials_len(batch),
            Blocking::new(inputs, outputs).partials_len(batch),
            batch * outputs.next_multiple_of(MAX_PANEL_WIDTH),
            small_batch,
        ];
        WorkspaceLen {
            thread: DEPTH_BLOCK * (MAX_PANEL_WIDTH + GRADIENT_ROWS),
            shared: lens.into_iter().max().unwrap_or(0),
        }
    }

    #[track_caller]
    fn check_weight(&self, weight: usize) {
        let len = self.inputs * self.outputs;
        check_len("dense weight", weight, len);
    }

    #[track_caller]
    fn check(&self, input: usize, output: usize) {
        check_len("dense input", input, self.batch * self.inputs);
        check_len("dense output", output, self.batch * self.outputs);
    }
}

/// Packs a weight for [`dense_forward`] with the same instruction set.
///
/// # Panics
/// If a buffer's length does not match `shape`.
pub fn dense_pack_weight(
    shape: &DenseShape,
    instructions: InstructionSet,
    weight: &[f32],
    packed: &mut [f32],
) {
    shape.check_weight(weight.len());
    let len = shape.packed_len(instructions);
    check_len("packed dense weight", packed.len(), len);
    Panels::new(shape.outputs, instructions.lanes()).pack_all(weight, packed);
}

/// Computes `output[b, o] = bias[o] + sum over i of input[b, i] * weight[i, o]`, followed by ReLU
/// if `relu` is true.
///
/// # Panics
/// If a buffer's length does not match `shape`.
#[allow(clippy::too_many_arguments, reason = "the operation's own buffers")]
pub fn dense_forward(
    shape: &DenseShape,
    instructions: InstructionSet,
    input: &[f32],
    weight: DenseWeight<'_>,
    bias: &[f32],
    relu: bool,
    output: &mut [f32],
    workspace: &mut Workspace,
) {
    shape.check(input.len(), output.len());
    match weight {
        DenseWeight::Plain(weight) => shape.check_weight(weight.len()),
        DenseWeight::Packed(packed) => {
            let len = shape.packed_len(instructions);
            check_len("packed dense weight", packed.len(), len);
        }
    }
    check_len("dense bias", bias.len(), shape.outputs);
    workspace.check(shape.workspace_len());
    if output.is_empty() {
        return;
    }
    let epilogue = |row: &mut [f32]| {
        for (value, bias) in row.iter_mut().zip(bias) {
            let sum = *value + bias;
            *value = if relu && sum < 0.0 { 0.0 } else { sum };
        }
    };
    let rhs = match weight {
        DenseWeight::Plain(weight) if shape.batch <= SMALL_BATCH => {
            let shared = &mut workspace.shared;
            forward_small_batch(shape, instructions, input, weight, output, shared);
            output.chunks_exact_mut(shape.outputs).for_each(epilogue);
            return;
        }
        DenseWeight::Plain(weight) => Rhs::RowMajor(weight),
        DenseWeight::Packed(packed) => Rhs::Packed(packed),
    };
    gemm(
        instructions,
        Gemm {
            rows: shape.batch,
            depth: shape.inputs,
            lhs: input,
            rhs,
            panels: Panels::new(shape.outputs, instructions.lanes()),
        },
        output,
        &epilogue,
        workspace,
    );
}

/// Computes the gradients of [`dense_forward`] without ReLU. All gradients are overwritten;
/// `input_gradient` is computed if it is `Some`.
///
/// # Panics
/// If a buffer's length does not match `shape`.
#[allow(clippy::too_many_arguments, reason = "the operation's own buffers")]
pub fn dense_backward(
    shape: &DenseShape,
    instructions: InstructionSet,
    input: &[f32],
    weight: &[f32],
    output_gradient: &[f32],
    weight_gradient: &mut [f32],
    bias_gradient: &mut [f32],
    input_gradient: Option<&mut [f32]>,
    workspace: &mut Workspace,
) {
    shape.check(input.len(), output_gradient.len());
    shape.check_weight(weight.len());
    check_len("dense weight gradient", weight_gradient.len(), weight.len());
    check_len("dense bias gradient", bias_gradient.len(), shape.outputs);
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
    write_weight_gradient(
        shape,
        instructions,
        input,
        output_gradient,
        weight_gradient,
        workspace,
    );
    if let Some(gradient) = input_gradient {
        gemm(
            instructions,
            Gemm {
                rows: shape.batch,
                depth: shape.outputs,
                lhs: output_gradient,
                rhs: Rhs::ColumnMajor(weight),
                panels: Panels::new(shape.inputs, instructions.lanes()),
            },
            gradient,
            &|_: &mut [f32]| {},
            workspace,
        );
    }
}
