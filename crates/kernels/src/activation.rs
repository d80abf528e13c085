//! Elementwise activation functions with Keras's definitions.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::activation_functions::{Function, Gelu, HardSwish, Relu, Relu6, Silu};
use crate::instruction_set::InstructionSet;
use crate::parallel::{CHUNK, check_len};

/// Elementwise activation function.
///
/// Values and derivatives have a relative error of about 1e-6 at most, and are equal for every
/// instruction set. NaN stays NaN.
///
/// ```
/// use modiste_kernels::{Activation, InstructionSet};
///
/// let mut output = [0.0; 3];
/// Activation::HardSwish.forward(InstructionSet::best(), &[-4.0, 0.0, 6.0], &mut output);
/// assert_eq!(output, [0.0, 0.0, 6.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activation {
    /// `max(0, x)`.
    Relu,
    /// `min(max(0, x), 6)`.
    Relu6,
    /// `x * sigmoid(x)`, also called swish.
    Silu,
    /// `x * P(X <= x)` for a standard normal `X`: the exact form with the error function, not its
    /// approximation by tanh.
    Gelu,
    /// `x * relu6(x + 3) / 6`.
    HardSwish,
}

impl Activation {
    /// Writes the function of each element of `input` to `output`.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn forward(self, instructions: InstructionSet, input: &[f32], output: &mut [f32]) {
        check_len("activation output", output.len(), input.len());
        output
            .par_chunks_mut(CHUNK)
            .zip(input.par_chunks(CHUNK))
            .for_each(|(output, input)| {
                output.copy_from_slice(input);
                self.apply(instructions, output);
            });
    }

    /// Replaces each element of `values` with its function.
    pub fn forward_in_place(self, instructions: InstructionSet, values: &mut [f32]) {
        values
            .par_chunks_mut(CHUNK)
            .for_each(|chunk| self.apply(instructions, chunk));
    }

    /// Computes the gradient of [`Activation::forward`] in place: `gradient` is the gradient at the
    /// output and becomes the gradient at the input.
    ///
    /// For [`Activation::Relu`] and [`Activation::Relu6`], the output may be passed instead of the
    /// input. Where they have a kink, the derivative is 0, as in Keras and PyTorch.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn backward(self, instructions: InstructionSet, input: &[f32], gradient: &mut [f32]) {
        check_len("activation gradient", gradient.len(), input.len());
        gradient
            .par_chunks_mut(CHUNK)
            .zip(input.par_chunks(CHUNK))
            .for_each(|(gradient, input)| match self {
                Self::Relu => instructions.run(Backward::<Relu>::new(input, gradient)),
                Self::Relu6 => instructions.run(Backward::<Relu6>::new(input, gradient)),
                Self::Silu => instructions.run(Backward::<Silu>::new(input, gradient)),
                Self::Gelu => instructions.run(Backward::<Gelu>::new(input, gradient)),
                Self::HardSwish => instructions.run(Backward::<HardSwish>::new(input, gradient)),
            });
    }

    fn apply(self, instructions: InstructionSet, values: &mut [f32]) {
        match self {
            Self::Relu => instructions.run(Forward::<Relu>::new(values)),
            Self::Relu6 => instructions.run(Forward::<Relu6>::new(values)),
            Self::Silu => instructions.run(Forward::<Silu>::new(values)),
            Self::Gelu => instructions.run(Forward::<Gelu>::new(values)),
            Self::HardSwish => instructions.run(Forward::<HardSwish>::new(values)),
        }
    }
}

/// Elements that the compiler vectorizes at a time.
const BLOCK: usize = 32;

struct Forward<'a, F> {
    values: &'a mut [f32],
    function: std::marker::PhantomData<F>,
}

impl<'a, F> Forward<'a, F> {
    fn new(values: &'a mut [f32]) -> Self {
        Self {
            values,
            function: std::marker::PhantomData,
        }
    }
}

impl<F: Function> WithSimd for Forward<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (blocks, rest) = self.values.as_chunks_mut::<BLOCK>();
        for block in blocks {
            for value in block {
                *value = F::value(*value);
            }
        }
        for value in rest {
            *value = F::value(*value);
        }
    }
}

struct Backward<'a, F> {
    input: &'a [f32],
    gradient: &'a mut [f32],
    function: std::marker::PhantomData<F>,
}

impl<'a, F> Backward<'a, F> {
    fn new(input: &'a [f32], gradient: &'a mut [f32]) -> Self {
        Self {
            input,
            gradient,
            function: std::marker::PhantomData,
        }
    }
}

impl<F: Function> WithSimd for Backward<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (gradients, gradients_rest) = self.gradient.as_chunks_mut::<BLOCK>();
        let (inputs, inputs_rest) = self.input.as_chunks::<BLOCK>();
        for (gradients, inputs) in gradients.iter_mut().zip(inputs) {
            for (gradient, &input) in gradients.iter_mut().zip(inputs) {
                *gradient = F::gradient(input, *gradient);
            }
        }
        for (gradient, &input) in gradients_rest.iter_mut().zip(inputs_rest) {
            *gradient = F::gradient(input, *gradient);
        }
    }
}
