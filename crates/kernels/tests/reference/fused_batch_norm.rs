//! Fused batch norm against the separate operations.

use modiste_kernels::{
    Affine, BatchNormGradient, BatchNormGradientSums, BatchNormPoolShape, Conv2d, Conv2dGradients,
    Conv2dOutput, Conv2dShape, ConvInput, Epilogue, FusedGradient, InputGradient, InstructionSet,
    MaxPool2dShape, Window, Workspace, batch_norm_affine, batch_norm_backward,
    batch_norm_backward_coefficients, batch_norm_backward_reduce, batch_norm_backward_scratch_len,
    batch_norm_normalize, batch_norm_pool_backward_reduce, batch_norm_pool_forward,
    batch_norm_statistics, batch_norm_statistics_scratch_len, inverse_std, max_pool2d_backward,
    max_pool2d_forward, relu_backward,
};

use crate::conv2d::{all_configurations, tolerance};
use crate::naive::{assert_close, pseudorandom, to_f64};

/// Batch norm of synthetic values.
struct BatchNorm {
    values: Vec<f32>,
    mean: Vec<f32>,
    inverse: Vec<f32>,
    gamma: Vec<f32>,
    beta: Vec<f32>,
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl BatchNorm {
    /// Batch norm of ReLU outputs.
    fn new(rows: usize, channels: usize) -> Self {
        let mut values = pseudorandom(rows * channels, 1);
        values.iter_mut().for_each(|value| *value = value.max(0.0));
        let [mut mean, mut variance, mut inverse, mut scale, mut shift] =
            [(); 5].map(|()| vec![f32::NAN; channels]);
        let (gamma, beta) = (pseudorandom(channels, 2), pseudorandom(channels, 3));
        let mut scratch = vec![f32::NAN; batch_norm_statistics_scratch_len(channels)];
        batch_norm_statistics(
            InstructionSet::best(),
            &values,
            &mut mean,
            &mut variance,
            &mut scratch,
        );
        inverse_std(&variance, 1e-3, &mut inverse);
        batch_norm_affine(&mean, &inverse, &gamma, &beta, &mut scale, &mut shift);
        Self {
            values,
            mean,
            inverse,
            gamma,
            beta,
            scale,
            shift,
        }
    }

    fn affine(&self) -> Affine<'_> {
        Affine {
            scale: &self.scale,
            shift: &self.shift,
        }
    }

    fn normalized(&self) -> Vec<f32> {
        let mut output = vec![f32::NAN; self.values.len()];
        batch_norm_normalize(
            &self.values,
            &self.mean,
            &self.inverse,
            &self.gamma,
            &self.beta,
            &mut output,
        );
        output
    }

    /// Gradients at input, gamma and beta by the separate operation.
    fn backward(&self, gradient: &[f32]) -> [Vec<f32>; 3] {
        let channels = self.mean.len();
        let mut gradient = gradient.to_vec();
        let [mut gamma, mut beta] = [(); 2].map(|()| vec![f32::NAN; channels]);
        batch_norm_backward(
            &self.values,
            &self.mean,
            &self.inverse,
            &self.gamma,
            &mut gradient,
            &mut gamma,
            &mut beta,
            &mut vec![0.0; batch_norm_backward_scratch_len(channels)],
        );
        [gradient, gamma, beta]
    }

    /// Coefficients and gradients at gamma and beta from sums.
    fn gradients_from_sums(&self, sums: &[f32]) -> [Vec<f32>; 3] {
        let channels = self.mean.len();
        let [mut gamma, mut beta] = [(); 2].map(|()| vec![f32::NAN; channels]);
        let mut coefficients = vec![f32::NAN; 3 * channels];
        batch_norm_backward_coefficients(
            sums,
            self.values.len() / channels,
            &self.mean,
            &self.inverse,
            &self.gamma,
            &mut gamma,
            &mut beta,
            &mut coefficients,
        );
        [coefficients, gamma, beta]
    }
}

#[test]
fn gamma_and_beta_gradients_from_sums() {
    for (batch, pixels, channels) in [(1, 1, 1), (3, 7, 5), (4, 30, 33)] {
        let norm = BatchNorm::new(batch * pixels, channels);
        let gradient = pseudorandom(norm.values.len(), 4);
        let [_, by_gamma, by_beta] = norm.backward(&gradient);
        for instructions in InstructionSet::available() {
            let mut sums = vec![f32::NAN; 2 * batch * channels];
            let target = BatchNormGradientSums {
                input: &norm.values,
                mean: &norm.mean,
                sums: &mut sums,
            };
            batch_norm_backward_reduce(instructions, &gradient, target);
            let [_, gamma, beta] = norm.gradients_from_sums(&sums);
            assert_close("gamma", &gamma, &to_f64(&by_gamma), 1e-5);
            assert_close("beta", &beta, &to_f64(&by_beta), 1e-5);
        }
    }
}

fn same(input: usize) -> Window {
    Window::same(input, 3, 1).expect("non-zero sizes")
}

/// Fused backward pass of convolution, ReLU, batch norm and pool, and both passes of the
/// convolution with a fused batch norm at its input.
#[test]
fn convolution_between_batch_norms() {
    for (batch, height, width, channels, filters) in
        [(2, 5, 6, 5, 7), (3, 9, 10, 17, 35), (1, 9, 6, 99, 130)]
    {
        for pool in [false, true] {
            check(batch, [height, width], [channels, filters], pool);
        }
    }
}

#[track_caller]
fn check(batch: usize, [height, width]: [usize; 2], [channels, filters]: [usize; 2], pool: bool) {
    let before = BatchNorm::new(batch * height * width, channels);
    let shape = Conv2dShape {
        batch,
        rows: same(height),
        columns: same(width),
        in_channels: channels,
        out_channels: filters,
    };
    // The gradient depends on the convolution's output only through the signs.
    let after = BatchNorm::new(batch * height * width, filters);
    let weight = pseudorandom(shape.weight_len(), 5);
    let window = Window::valid(height, 2, 2).zip(Window::valid(width, 2, 2));
    let (rows, columns) = window.expect("the window fits");
    let pool_shape = MaxPool2dShape {
        batch,
        rows,
        columns,
        channels: filters,
    };
    let batch_norm_pool = BatchNormPoolShape {
        batch,
        height,
        width,
        channels: filters,
    };
    let pooled = batch * rows.output * columns.output * filters;
    let gradient = pseudorandom(if pool { pooled } else { after.values.len() }, 6);

    // Reference: the separate operations.
    let normalized = before.normalized();
    let mut at_norm = gradient.clone();
    let mut expected_pool = vec![f32::NAN; pooled];
    let mut argmax_bytes = vec![9; pooled];
    if pool {
        max_pool2d_forward(
            &pool_shape,
            &after.normalized(),
            &mut expected_pool,
            &mut argmax_bytes,
        );
        at_norm = vec![f32::NAN; after.values.len()];
        max_pool2d_backward(&pool_shape, &gradient, &argmax_bytes, &mut at_norm);
    }
    let [mut at_relu, by_gamma, by_beta] = after.backward(&at_norm);
    relu_backward(&after.values, &mut at_relu);

    for (algorithm, instructions) in all_configurations() {
        let conv = Conv2d {
            shape,
            pool: false,
            algorithm,
            instructions,
        };
        let mut workspace = Workspace::new(conv.workspace_len());
        let mut packed = vec![f32::NAN; conv.packed_len()];
        conv.pack_weight(&weight, &mut packed);
        let epilogue = Epilogue {
            bias: &vec![0.5; filters],
            ..Epilogue::default()
        };
        let fused = ConvInput {
            values: &before.values,
            affine: Some(before.affine()),
            relu: false,
        };
        let outputs = [fused, ConvInput::plain(&normalized)].map(|input| {
            let mut output = vec![f32::NAN; shape.output_len()];
            let target = Conv2dOutput::plain(&mut output);
            conv.forward(&input, &packed, &epilogue, target, &mut workspace);
            output
        });
        assert_close(
            "output",
            &outputs[0],
            &to_f64(&outputs[1]),
            tolerance(algorithm),
        );

        let mut argmax = vec![f32::NAN; pooled];
        let mut sums = vec![f32::NAN; 2 * batch * filters];
        let target = BatchNormGradientSums {
            input: &after.values,
            mean: &after.mean,
            sums: &mut sums,
        };
        if pool {
            let mut output = vec![f32::NAN; pooled];
            batch_norm_pool_forward(
                &batch_norm_pool,
                instructions,
                &after.values,
                after.affine(),
                &mut output,
                &mut argmax,
            );
            assert_close("pool", &output, &to_f64(&expected_pool), 1e-6);
            batch_norm_pool_backward_reduce(
                &batch_norm_pool,
                instructions,
                &gradient,
                &argmax,
                target,
            );
        } else {
            batch_norm_backward_reduce(instructions, &gradient, target);
        }
        let [coefficients, gamma, beta] = after.gradients_from_sums(&sums);
        assert_close("gamma", &gamma, &to_f64(&by_gamma), 1e-5);
        assert_close("beta", &beta, &to_f64(&by_beta), 1e-5);

        let fused_gradient = FusedGradient {
            values: &gradient,
            argmax: pool.then_some(&argmax),
            batch_norm: Some(BatchNormGradient {
                input: &after.values,
                coefficients: &coefficients,
            }),
            relu: Some(&after.values),
        };
        let unfused_gradient = FusedGradient {
            values: &at_relu,
            argmax: None,
            batch_norm: None,
            relu: None,
        };
        let results = [
            (fused, fused_gradient),
            (ConvInput::plain(&normalized), unfused_gradient),
        ]
        .map(|(input, gradient)| {
            let mut by_weight = vec![f32::NAN; weight.len()];
            let mut by_bias = vec![f32::NAN; filters];
            let mut by_input = vec![f32::NAN; shape.input_len()];
            let mut sums = vec![f32::NAN; 2 * batch * channels];
            let target = InputGradient {
                values: &mut by_input,
                batch_norm_sums: Some(BatchNormGradientSums {
                    input: &before.values,
                    mean: &before.mean,
                    sums: &mut sums,
                }),
            };
            conv.backward(
                &input,
                &weight,
                &gradient,
                Conv2dGradients {
                    weight: &mut by_weight,
                    bias: &mut by_bias,
                    input: Some(target),
                },
                &mut workspace,
            );
            let mut separate_sums = vec![f32::NAN; sums.len()];
            let target = BatchNormGradientSums {
                input: &before.values,
                mean: &before.mean,
                sums: &mut separate_sums,
            };
            batch_norm_backward_reduce(instructions, &by_input, target);
            assert_close("batch norm sums", &sums, &to_f64(&separate_sums), 1e-5);
            [by_weight, by_bias, by_input]
        });
        let [fused, unfused] = results;
        for (what, (fused, unfused)) in ["weight", "bias", "input"]
            .iter()
            .zip(fused.iter().zip(&unfused))
        {
            assert_close(
                what,
                fused,
                &to_f64(unfused),
                tolerance(algorithm).max(1e-5),
            );
        }
    }
}
