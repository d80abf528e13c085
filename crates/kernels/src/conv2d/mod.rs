//! Convolution, by the method that is fastest for its shape.

pub(crate) mod direct;
pub(crate) mod finish;
pub(crate) mod shape;
pub(crate) mod winograd;

use crate::buffer::{Workspace, WorkspaceLen};
use crate::conv2d::finish::Finish;
use crate::conv2d::shape::Conv2dShape;
use crate::instructions::Instructions;
use crate::parallel::check_len;
use crate::source::{Gradient, Input};

/// How a convolution is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Every product of the definition, summed in order: agrees with a naive loop to f32's
    /// rounding. For any kernel and stride.
    Direct,
    /// Winograd's F(4x4, 3x3): a quarter of the multiplications. For 3x3 kernels with stride 1.
    ///
    /// Its largest error on layers of the lecture's networks, as a share of the largest value, and
    /// in brackets the root of the mean square, as the example `winograd_error` measures them with
    /// AVX-512 (the tests hold every set of instructions to 2e-5):
    ///
    /// | layer | outputs | input's gradient | kernel's gradient |
    /// |---|---|---|---|
    /// | 28x28, 64 to 64 | 3.7e-6 (2.4e-7) | 4.3e-6 (3.4e-7) | 2.0e-6 (2.5e-7) |
    /// | 14x14, 64 to 128 | 4.2e-6 (2.1e-7) | 5.5e-6 (5.0e-7) | 1.3e-6 (1.5e-7) |
    /// | 12x12, 128 to 256 | 5.5e-6 (2.5e-7) | 6.9e-6 (6.3e-7) | 3.2e-6 (2.3e-7) |
    /// | 24x24, 32 to 32 | 3.0e-6 (1.8e-7) | 3.8e-6 (2.8e-7) | 2.0e-6 (2.7e-7) |
    /// | 28x28, 32 to 32 | 3.0e-6 (1.7e-7) | 3.1e-6 (2.6e-7) | 2.2e-6 (2.9e-7) |
    /// | 12x12, 32 to 64 | 2.6e-6 (1.7e-7) | 3.1e-6 (3.3e-7) | 1.4e-6 (1.8e-7) |
    /// | 10x10, 64 to 64 | 3.5e-6 (2.2e-7) | 3.3e-6 (3.0e-7) | 1.1e-6 (1.4e-7) |
    Winograd,
}

/// A convolution with what follows it at once, ready to run.
///
/// ```
/// use modiste_kernels::{
///     Conv2d, Conv2dOutput, Conv2dShape, Finish, Input, Instructions, Method, Window, Workspace,
/// };
///
/// // The lecture's valid 5x5 example; its first row of outputs is 12 12 17.
/// let window = Window::valid(5, 3, 1).expect("3 fits into 5");
/// let shape = Conv2dShape { batch: 1, rows: window, columns: window, in_channels: 1, out_channels: 1 };
/// let image = [
///     3., 3., 2., 1., 0., 0., 0., 1., 3., 1., 3., 1., 2., 2., 3., 2., 0., 0., 2., 2., 2., 0., 0., 0., 1.,
/// ];
/// let kernel = [0., 1., 2., 2., 2., 0., 0., 1., 2.];
/// let conv = Conv2d { shape, pool: false, method: Method::Direct, instructions: Instructions::best() };
/// let mut prepared = vec![0.0; conv.prepared_len()];
/// conv.prepare(&kernel, &mut prepared);
/// let mut output = [0.0; 9];
/// let finish = Finish { bias: &[0.0], relu: false, affine: None };
/// let mut workspace = Workspace::new(conv.workspace_len());
/// conv.forward(&Input::plain(&image), &prepared, &finish, Conv2dOutput::plain(&mut output), &mut workspace);
/// assert_eq!(output, [12., 12., 17., 10., 17., 19., 9., 6., 14.]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// The sizes.
    pub shape: Conv2dShape,
    /// Whether 2x2 max-pooling follows, without keeping what goes into it.
    pub pool: bool,
    /// How it is computed.
    pub method: Method,
    /// On what.
    pub instructions: Instructions,
}

/// What a convolution writes.
#[derive(Debug)]
pub struct Conv2dOutput<'a> {
    /// `[batch, height, width, out]`, of the pooled size where there is a pool.
    pub values: &'a mut [f32],
    /// Which of each window was largest, 0 to 3, for the way back; of the same size.
    pub winners: Option<&'a mut [f32]>,
}

impl<'a> Conv2dOutput<'a> {
    /// Values alone.
    pub fn plain(values: &'a mut [f32]) -> Self {
        Self {
            values,
            winners: None,
        }
    }
}

/// What the way back writes: all is overwritten.
#[derive(Debug)]
pub struct Conv2dGradients<'a> {
    /// The kernel's, `[height, width, in, out]`.
    pub weight: &'a mut [f32],
    /// One per filter.
    pub bias: &'a mut [f32],
    /// The input's, where it is asked for: the first layer of a network needs none.
    pub input: Option<InputGradient<'a>>,
}

/// What the way back writes for the layer before.
#[derive(Debug)]
pub struct InputGradient<'a> {
    /// The gradient at the convolution's input, behind its affine part if it has one.
    pub values: &'a mut [f32],
    /// Where the input is batch normalisation's: the sums its own gradient needs.
    pub sums: Option<GradientSums<'a>>,
}

/// For [`norm_gradient`](crate::norm_gradient): sums gathered image by image.
#[derive(Debug)]
pub struct GradientSums<'a> {
    /// What batch normalisation read.
    pub input: &'a [f32],
    /// Its batch's mean.
    pub mean: &'a [f32],
    /// `[batch, 2, channels]`.
    pub sums: &'a mut [f32],
}

impl Conv2d {
    /// The fastest method for `shape`; with `exact` always the direct one.
    pub fn method_for(shape: &Conv2dShape, exact: bool) -> Method {
        let (rows, columns) = (&shape.rows, &shape.columns);
        let fits =
            [rows.kernel, columns.kernel] == [3, 3] && [rows.stride, columns.stride] == [1, 1];
        // With few channels the transforms cost more than the products they save.
        if fits && !exact && shape.in_channels > 4 {
            Method::Winograd
        } else {
            Method::Direct
        }
    }

    /// Numbers of the prepared kernel.
    pub fn prepared_len(&self) -> usize {
        match self.method {
            Method::Direct => direct::prepared_len(self),
            Method::Winograd => winograd::geometry(self).kernel_len(),
        }
    }

    /// Brings the kernel into the form that [`Conv2d::forward`] reads.
    ///
    /// # Panics
    /// Where a buffer has not the length of the shape.
    pub fn prepare(&self, weight: &[f32], prepared: &mut [f32]) {
        check_len(
            "the convolution's kernel",
            weight.len(),
            self.shape.weight_len(),
        );
        check_len("the prepared kernel", prepared.len(), self.prepared_len());
        match self.method {
            Method::Direct => direct::prepare(self, weight, prepared),
            Method::Winograd => {
                let geometry = winograd::geometry(self);
                winograd::kernel::transform_kernel(
                    &geometry,
                    self.instructions,
                    weight,
                    false,
                    prepared,
                );
            }
        }
    }

    /// The workspace that forwards and backwards need, also for every smaller batch.
    pub fn workspace_len(&self) -> WorkspaceLen {
        match self.method {
            Method::Direct => direct::workspace_len(self),
            Method::Winograd => winograd::workspace_len(self),
        }
    }

    /// `sum[b, y, x, o] = sum over i, j, c of input[b, y*s + i - p, x*s + j - p, c] *
    /// weight[i, j, c, o]`, finished and pooled.
    ///
    /// # Panics
    /// Where a buffer has not the length of the shape.
    pub fn forward(
        &self,
        input: &Input<'_>,
        prepared: &[f32],
        finish: &Finish<'_>,
        output: Conv2dOutput<'_>,
        workspace: &mut Workspace,
    ) {
        self.check(input, output.values.len(), self.pool);
        workspace.check(self.workspace_len());
        check_len("the prepared kernel", prepared.len(), self.prepared_len());
        check_len("the bias", finish.bias.len(), self.shape.out_channels);
        if let Some(winners) = &output.winners {
            check_len("the winners", winners.len(), output.values.len());
        }
        if output.values.is_empty() {
            return;
        }
        match self.method {
            Method::Direct => {
                direct::forward::forward(self, input, prepared, finish, output, workspace);
            }
            Method::Winograd => {
                winograd::forward::forward(self, input, prepared, finish, output, workspace);
            }
        }
    }

    /// The gradients of [`Conv2d::forward`].
    ///
    /// # Panics
    /// Where a buffer has not the length of the shape.
    pub fn backward(
        &self,
        input: &Input<'_>,
        weight: &[f32],
        gradient: &Gradient<'_>,
        gradients: Conv2dGradients<'_>,
        workspace: &mut Workspace,
    ) {
        let pooled = gradient.winners.is_some();
        self.check(input, gradient.values.len(), pooled);
        workspace.check(self.workspace_len());
        let shape = &self.shape;
        check_len("the convolution's kernel", weight.len(), shape.weight_len());
        let len = gradients.weight.len();
        check_len("the kernel's gradient", len, weight.len());
        let len = gradients.bias.len();
        check_len("the bias's gradient", len, shape.out_channels);
        if let Some(input) = &gradients.input {
            let len = input.values.len();
            check_len("the input's gradient", len, shape.input_len());
        }
        if gradient.values.is_empty() {
            gradients.weight.fill(0.0);
            gradients.bias.fill(0.0);
            if let Some(input) = gradients.input {
                input.values.fill(0.0);
            }
            return;
        }
        let backward = match self.method {
            Method::Direct => direct::backward::backward,
            Method::Winograd => winograd::backward::backward,
        };
        backward(self, input, weight, gradient, gradients, workspace);
    }

    #[track_caller]
    fn check(&self, input: &Input<'_>, output: usize, pooled: bool) {
        let size = self.shape.output();
        let size = if pooled { size.pooled() } else { size };
        check_len(
            "the convolution's input",
            input.values.len(),
            self.shape.input_len(),
        );
        check_len(
            "the convolution's output",
            output,
            self.shape.batch * size.image(),
        );
    }
}
