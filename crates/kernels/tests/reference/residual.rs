//! Operations of residual blocks: the sum with its batch norms and ReLU, and the parts of a convolution
//! that fuse them.

use modiste_kernels::{
    Affine, BatchNormGradientSums, Conv2d, Conv2dGradients, Conv2dOutput, Conv2dShape,
    ConvAlgorithm, ConvInput, DepthwiseConv2d, DepthwiseConv2dShape, Epilogue, FusedGradient,
    InputGradient, InstructionSet, Window, Workspace, residual_backward, residual_forward,
};

use crate::conv2d::{all_configurations, tolerance};
use crate::naive::{assert_close, pseudorandom, to_f64};

fn same(input: usize, kernel: usize, stride: usize) -> Window {
    Window::same(input, kernel, stride).expect("non-zero sizes")
}

/// Values with a per-channel affine map.
struct Mapped {
    values: Vec<f32>,
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Mapped {
    fn new(len: usize, channels: usize, seed: u64) -> Self {
        Self {
            values: pseudorandom(len, seed),
            scale: pseudorandom(channels, seed + 1),
            shift: pseudorandom(channels, seed + 2),
        }
    }

    fn input(&self, relu: bool) -> ConvInput<'_> {
        ConvInput {
            values: &self.values,
            affine: Some(Affine {
                scale: &self.scale,
                shift: &self.shift,
            }),
            relu,
        }
    }

    /// Mapped values in f64.
    fn mapped(&self, relu: bool) -> Vec<f64> {
        let channels = self.scale.len();
        let map = |(i, &value): (usize, &f32)| {
            let (scale, shift) = (self.scale[i % channels], self.shift[i % channels]);
            let value = f64::from(value) * f64::from(scale) + f64::from(shift);
            if relu { value.max(0.0) } else { value }
        };
        self.values.iter().enumerate().map(map).collect()
    }
}

/// Per-image sums of `gradient` and `gradient * (input - mean)`.
fn naive_sums(gradient: &[f64], input: &[f32], mean: &[f32], batch: usize) -> Vec<f64> {
    let channels = mean.len();
    let mut sums = vec![0.0; 2 * batch * channels];
    let image = input.len() / batch;
    for (i, (gradient, &value)) in gradient.iter().zip(input).enumerate() {
        let (b, c) = (i / image, i % channels);
        sums[2 * b * channels + c] += gradient;
        sums[(2 * b + 1) * channels + c] += gradient * (f64::from(value) - f64::from(mean[c]));
    }
    sums
}

#[test]
fn sum_of_block_and_shortcut() {
    for (rows, channels) in [(1, 1), (35, 3), (700, 37), (9, 16)] {
        let block = Mapped::new(rows * channels, channels, 1);
        let shortcut = Mapped::new(rows * channels, channels, 4);
        for instructions in InstructionSet::available() {
            for relu in [false, true] {
                let mut output = vec![f32::NAN; rows * channels];
                let clip = |value: f64| if relu { value.max(0.0) } else { value };
                residual_forward(
                    channels,
                    instructions,
                    &block.input(false),
                    Some(&shortcut.input(true)),
                    relu,
                    &mut output,
                );
                let pairs = block.mapped(false).into_iter().zip(shortcut.mapped(true));
                let expected: Vec<f64> = pairs.map(|(a, b)| clip(a + b)).collect();
                assert_close("sum", &output, &expected, 1e-6);
                residual_forward(
                    channels,
                    instructions,
                    &block.input(false),
                    None,
                    relu,
                    &mut output,
                );
                let expected: Vec<f64> = block.mapped(false).into_iter().map(clip).collect();
                assert_close("batch norm", &output, &expected, 1e-6);
            }
        }
    }
}

#[test]
fn gradient_of_the_sum() {
    for (batch, pixels, channels) in [(1, 1, 1), (3, 35, 5), (2, 500, 37)] {
        let len = batch * pixels * channels;
        let sum = Mapped::new(len, channels, 1);
        let (gradient, summand) = (pseudorandom(len, 4), pseudorandom(len, 5));
        let norms = [6, 7].map(|seed| pseudorandom(len, seed));
        let mean = pseudorandom(channels, 8);
        let mask = sum.mapped(true);
        let expected: Vec<f64> = (0..len)
            .map(|i| match mask[i] > 0.0 {
                true => f64::from(gradient[i]) + f64::from(summand[i]),
                false => 0.0,
            })
            .collect();
        for instructions in InstructionSet::available() {
            let mut found = gradient.clone();
            let mut sums = [(); 2].map(|()| vec![f32::NAN; 2 * batch * channels]);
            let [first, second] = &mut sums;
            let target = |input, sums| BatchNormGradientSums {
                input,
                mean: &mean,
                sums,
            };
            residual_backward(
                batch,
                channels,
                instructions,
                &mut found,
                Some(&summand),
                Some(&sum.input(true)),
                [
                    Some(target(&norms[0], first)),
                    Some(target(&norms[1], second)),
                ],
            );
            assert_close("gradient", &found, &expected, 1e-6);
            for (sums, norm) in sums.iter().zip(&norms) {
                let expected = naive_sums(&expected, norm, &mean, batch);
                assert_close("sums", sums, &expected, 1e-6);
            }
            let mut unchanged = gradient.clone();
            let targets = [None, None];
            residual_backward(
                batch,
                channels,
                instructions,
                &mut unchanged,
                None,
                None,
                targets,
            );
            assert_eq!(unchanged, gradient);
        }
    }
}

/// Shapes that cover each algorithm: Winograd with small and large weights, rows, and patches.
fn shapes() -> Vec<Conv2dShape> {
    let shape = |batch, [rows, columns]: [Window; 2], [in_channels, out_channels]: [usize; 2]| {
        Conv2dShape {
            batch,
            rows,
            columns,
            in_channels,
            out_channels,
        }
    };
    vec![
        shape(3, [same(9, 3, 1), same(14, 3, 1)], [16, 19]),
        shape(2, [same(5, 3, 1), same(6, 3, 1)], [7, 35]),
        shape(9, [same(7, 3, 1), same(6, 3, 1)], [97, 160]),
        shape(2, [same(9, 3, 2), same(14, 3, 2)], [16, 35]),
        shape(3, [same(9, 1, 1), same(5, 1, 1)], [33, 48]),
        shape(2, [same(9, 1, 2), same(6, 1, 2)], [16, 70]),
        shape(1, [same(30, 3, 2), same(6, 3, 1)], [5, 3]),
    ]
}

/// Forward and backward pass of a convolution whose input is `input`.
fn run(
    conv: &Conv2d,
    input: &ConvInput<'_>,
    output_gradient: &[f32],
    mean: &[f32],
) -> [Vec<f32>; 4] {
    let shape = &conv.shape;
    let weight = pseudorandom(shape.weight_len(), 20);
    let mut workspace = Workspace::new(conv.workspace_len());
    let mut packed = vec![f32::NAN; conv.packed_len()];
    conv.pack_weight(&weight, &mut packed);
    let mut output = vec![f32::NAN; shape.output_len()];
    let target = Conv2dOutput::plain(&mut output);
    let epilogue = Epilogue::default();
    conv.forward(input, &packed, &epilogue, target, &mut workspace);
    let mut weight_gradient = vec![f32::NAN; shape.weight_len()];
    let mut values = vec![f32::NAN; shape.input_len()];
    let mut sums = vec![f32::NAN; 2 * shape.batch * shape.in_channels];
    let gradient = FusedGradient {
        values: output_gradient,
        argmax: None,
        batch_norm: None,
        relu: None,
    };
    conv.backward(
        input,
        &weight,
        &gradient,
        Conv2dGradients {
            weight: &mut weight_gradient,
            bias: &mut [],
            input: Some(InputGradient {
                values: &mut values,
                batch_norm_sums: Some(BatchNormGradientSums {
                    input: input.values,
                    mean,
                    sums: &mut sums,
                }),
            }),
        },
        &mut workspace,
    );
    [output, weight_gradient, values, sums]
}

/// A convolution that reads a batch norm with ReLU, against one that reads its stored output.
#[test]
fn convolution_of_batch_norm_and_relu() {
    for shape in shapes() {
        let input = Mapped::new(shape.input_len(), shape.in_channels, 1);
        let stored: Vec<f32> = input.mapped(true).iter().map(|&v| v as f32).collect();
        let output_gradient = pseudorandom(shape.output_len(), 10);
        let mean = pseudorandom(shape.in_channels, 11);
        for (algorithm, instructions) in all_configurations() {
            if algorithm == ConvAlgorithm::Winograd
                && Conv2d::algorithm_for(&shape, false) == ConvAlgorithm::Direct
            {
                continue;
            }
            let conv = Conv2d {
                shape,
                pool: false,
                algorithm,
                instructions,
            };
            let [output, weight_gradient, values, sums] =
                run(&conv, &input.input(true), &output_gradient, &mean);
            let expected = run(&conv, &ConvInput::plain(&stored), &output_gradient, &mean);
            let masked: Vec<f64> = expected[2]
                .iter()
                .zip(&stored)
                .map(|(&gradient, &value)| {
                    if value > 0.0 {
                        f64::from(gradient)
                    } else {
                        0.0
                    }
                })
                .collect();
            let tolerance = tolerance(algorithm);
            assert_close("output", &output, &to_f64(&expected[0]), tolerance);
            let by_weight = to_f64(&expected[1]);
            assert_close("weight gradient", &weight_gradient, &by_weight, tolerance);
            assert_close("input gradient", &values, &masked, tolerance);
            let expected = naive_sums(&to_f64(&values), &input.values, &mean, shape.batch);
            assert_close("sums", &sums, &expected, 1e-6);
        }
    }
}

/// Statistics of the output, and an output with a summand.
#[test]
fn statistics_and_summand() {
    for shape in shapes() {
        let input = pseudorandom(shape.input_len(), 1);
        let weight = pseudorandom(shape.weight_len(), 2);
        let summand = pseudorandom(shape.output_len(), 3);
        // Far from zero, where sums of squares would cancel.
        let bias = vec![30.0; shape.out_channels];
        for (algorithm, instructions) in all_configurations() {
            if algorithm == ConvAlgorithm::Winograd
                && Conv2d::algorithm_for(&shape, false) == ConvAlgorithm::Direct
            {
                continue;
            }
            let conv = Conv2d {
                shape,
                pool: false,
                algorithm,
                instructions,
            };
            let mut workspace = Workspace::new(conv.workspace_len());
            let mut packed = vec![f32::NAN; conv.packed_len()];
            conv.pack_weight(&weight, &mut packed);
            let mut run = |summand| {
                let mut output = vec![f32::NAN; shape.output_len()];
                let mut statistics = vec![f32::NAN; conv.statistics_len()];
                let epilogue = Epilogue {
                    bias: &bias,
                    summand,
                    relu: true,
                    affine: None,
                };
                let target = Conv2dOutput {
                    values: &mut output,
                    argmax: None,
                    statistics: Some(&mut statistics),
                };
                let input = ConvInput::plain(&input);
                conv.forward(&input, &packed, &epilogue, target, &mut workspace);
                (output, statistics)
            };
            let (output, statistics) = run(None);
            let [mut mean, mut variance] = [(); 2].map(|()| vec![f32::NAN; shape.out_channels]);
            conv.batch_statistics(&statistics, &mut mean, &mut variance);
            check_statistics(&output, &mean, &variance);

            let (sum, statistics) = run(Some(&summand));
            let expected: Vec<f64> = output
                .iter()
                .zip(&summand)
                .map(|(&output, &summand)| f64::from(output) + f64::from(summand))
                .collect();
            // The ReLU changes nothing so far above zero.
            assert!(output.iter().all(|&value| value > 1.0) || shape.in_channels > 50);
            if shape.in_channels <= 50 {
                assert_close("sum", &sum, &expected, 1e-6);
            }
            conv.batch_statistics(&statistics, &mut mean, &mut variance);
            check_statistics(&sum, &mean, &variance);
        }
    }
}

#[track_caller]
fn check_statistics(output: &[f32], mean: &[f32], variance: &[f32]) {
    let channels = mean.len();
    let rows = (output.len() / channels) as f64;
    let column = |c: usize| {
        output
            .iter()
            .skip(c)
            .step_by(channels)
            .map(|&v| f64::from(v))
    };
    let means: Vec<f64> = (0..channels)
        .map(|c| column(c).sum::<f64>() / rows)
        .collect();
    let variances: Vec<f64> = (0..channels)
        .map(|c| column(c).map(|v| (v - means[c]).powi(2)).sum::<f64>() / rows)
        .collect();
    assert_close("mean", mean, &means, 1e-6);
    assert_close("variance", variance, &variances, 3e-6);
}

#[test]
fn depthwise_statistics() {
    let shape = DepthwiseConv2dShape {
        batch: 3,
        rows: same(21, 3, 2),
        columns: same(6, 3, 1),
        channels: 19,
    };
    let input = Mapped::new(shape.input_len(), 19, 1);
    let weight = pseudorandom(shape.weight_len(), 4);
    for instructions in InstructionSet::available() {
        let conv = DepthwiseConv2d {
            shape,
            instructions,
        };
        let mut workspace = Workspace::new(shape.workspace_len());
        let mut output = vec![f32::NAN; shape.output_len()];
        let mut statistics = vec![f32::NAN; conv.statistics_len()];
        let target = Conv2dOutput {
            values: &mut output,
            argmax: None,
            statistics: Some(&mut statistics),
        };
        let (input, epilogue) = (input.input(true), Epilogue::default());
        conv.forward(&input, &weight, &epilogue, target, &mut workspace);
        let (mut mean, mut variance) = (vec![f32::NAN; 19], vec![f32::NAN; 19]);
        conv.batch_statistics(&statistics, &mut mean, &mut variance);
        check_statistics(&output, &mean, &variance);
    }
}
