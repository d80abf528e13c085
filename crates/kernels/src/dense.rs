//! Fully connected layers: a matrix product and a bias.

use rayon::prelude::*;

use crate::multiply::{Matrix, multiply_in_parallel};
use crate::parallel::check_len;

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

impl DenseShape {
    #[track_caller]
    fn check(&self, input: usize, weight: usize, output: usize) {
        check_len("the dense layer's input", input, self.batch * self.inputs);
        check_len(
            "the dense layer's kernel",
            weight,
            self.inputs * self.outputs,
        );
        check_len(
            "the dense layer's output",
            output,
            self.batch * self.outputs,
        );
    }
}

/// Rows of a batch that one task takes: every task reads the whole kernel, so few and tall.
const BATCH_BLOCK: usize = 64;

/// Rows of the kernel's gradient that one task takes.
const WEIGHT_BLOCK: usize = 128;

/// `output[b, o] = bias[o] + sum over i of input[b, i] * weight[i, o]`.
///
/// # Panics
/// Where a buffer has not the length of `shape`.
pub fn dense_forward(
    shape: &DenseShape,
    input: &[f32],
    weight: &[f32],
    bias: &[f32],
    output: &mut [f32],
) {
    shape.check(input.len(), weight.len(), output.len());
    check_len("the dense layer's bias", bias.len(), shape.outputs);
    if output.is_empty() {
        return;
    }
    multiply_in_parallel(
        Matrix::new(input, shape.batch, shape.inputs),
        Matrix::new(weight, shape.inputs, shape.outputs),
        BATCH_BLOCK,
        output,
    );
    output.par_chunks_mut(shape.outputs).for_each(|row| {
        for (value, bias) in row.iter_mut().zip(bias) {
            *value += bias;
        }
    });
}

/// The gradients of [`dense_forward`]; each is overwritten, `input_gradient` where it is asked for.
///
/// # Panics
/// Where a buffer has not the length of `shape`.
pub fn dense_backward(
    shape: &DenseShape,
    input: &[f32],
    weight: &[f32],
    output_gradient: &[f32],
    weight_gradient: &mut [f32],
    bias_gradient: &mut [f32],
    input_gradient: Option<&mut [f32]>,
) {
    shape.check(input.len(), weight.len(), output_gradient.len());
    check_len("the kernel's gradient", weight_gradient.len(), weight.len());
    check_len("the bias's gradient", bias_gradient.len(), shape.outputs);
    bias_gradient.fill(0.0);
    if shape.outputs == 0 {
        return;
    }
    for row in output_gradient.chunks_exact(shape.outputs) {
        for (sum, value) in bias_gradient.iter_mut().zip(row) {
            *sum += value;
        }
    }
    let output_gradient = Matrix::new(output_gradient, shape.batch, shape.outputs);
    let input = Matrix::new(input, shape.batch, shape.inputs);
    multiply_in_parallel(
        input.transposed(),
        output_gradient,
        WEIGHT_BLOCK,
        weight_gradient,
    );
    if let Some(gradient) = input_gradient {
        let weight = Matrix::new(weight, shape.inputs, shape.outputs);
        multiply_in_parallel(output_gradient, weight.transposed(), BATCH_BLOCK, gradient);
    }
}
