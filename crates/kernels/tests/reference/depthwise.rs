use modiste_kernels::{
    Affine, BatchNormGradientSums, Conv2dGradients, Conv2dOutput, Conv2dShape, ConvInput,
    DepthwiseConv2d, DepthwiseConv2dShape, Epilogue, FusedGradient, InputGradient, InstructionSet,
    Window, Workspace,
};

use crate::naive::{self, assert_close, pseudorandom, to_f64};

/// Results of one forward and one backward pass.
pub(crate) struct Results {
    pub(crate) output: Vec<f32>,
    pub(crate) weight_gradient: Vec<f32>,
    pub(crate) bias_gradient: Vec<f32>,
    pub(crate) input_gradient: Vec<f32>,
    pub(crate) sums: Vec<f32>,
}

/// Synthetic operands of a depthwise convolution.
pub(crate) struct Operands {
    input: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    output_gradient: Vec<f32>,
    mean: Vec<f32>,
}

impl Operands {
    pub(crate) fn new(shape: &DepthwiseConv2dShape, bias: bool) -> Self {
        Self {
            input: pseudorandom(shape.input_len(), 1),
            weight: pseudorandom(shape.weight_len(), 2),
            bias: pseudorandom(if bias { shape.channels } else { 0 }, 3),
            output_gradient: pseudorandom(shape.output_len(), 4),
            mean: pseudorandom(shape.channels, 5),
        }
    }

    pub(crate) fn run(&self, conv: &DepthwiseConv2d) -> Results {
        let shape = &conv.shape;
        let mut workspace = Workspace::new(shape.workspace_len());
        let mut results = Results {
            output: vec![f32::NAN; shape.output_len()],
            weight_gradient: vec![f32::NAN; shape.weight_len()],
            bias_gradient: vec![f32::NAN; self.bias.len()],
            input_gradient: vec![f32::NAN; shape.input_len()],
            sums: vec![f32::NAN; 2 * shape.batch * shape.channels],
        };
        let input = ConvInput::plain(&self.input);
        let epilogue = Epilogue {
            bias: &self.bias,
            ..Epilogue::default()
        };
        conv.forward(
            &input,
            &self.weight,
            &epilogue,
            Conv2dOutput::plain(&mut results.output),
            &mut workspace,
        );
        conv.backward(
            &input,
            &self.weight,
            &FusedGradient {
                values: &self.output_gradient,
                argmax: None,
                batch_norm: None,
                relu: None,
            },
            Conv2dGradients {
                weight: &mut results.weight_gradient,
                bias: &mut results.bias_gradient,
                input: Some(InputGradient {
                    values: &mut results.input_gradient,
                    batch_norm_sums: Some(BatchNormGradientSums {
                        input: &self.input,
                        mean: &self.mean,
                        sums: &mut results.sums,
                    }),
                }),
            },
            &mut workspace,
        );
        results
    }
}

/// Weight of the equivalent convolution, zero between different channels.
fn diagonal(weight: &[f32], channels: usize) -> Vec<f64> {
    let mut dense = vec![0.0; weight.len() * channels];
    for (index, &value) in weight.iter().enumerate() {
        dense[index * channels + index % channels] = f64::from(value);
    }
    dense
}

#[track_caller]
fn check(batch: usize, rows: Window, columns: Window, channels: usize) {
    let shape = DepthwiseConv2dShape {
        batch,
        rows,
        columns,
        channels,
    };
    let equivalent = Conv2dShape {
        batch,
        rows,
        columns,
        in_channels: channels,
        out_channels: channels,
    };
    let operands = Operands::new(&shape, true);
    let (input, weight) = (
        to_f64(&operands.input),
        diagonal(&operands.weight, channels),
    );
    let output = naive::conv2d(&equivalent, &input, &weight, &to_f64(&operands.bias));
    let output_gradient = to_f64(&operands.output_gradient);
    let [by_input, by_weight, by_bias] =
        naive::conv2d_gradients(&equivalent, &input, &weight, &output_gradient);
    let by_weight: Vec<f64> = (0..shape.weight_len())
        .map(|index| by_weight[index * channels + index % channels])
        .collect();
    let image = input.len() / batch;
    let mut sums = Vec::new();
    for b in 0..batch {
        for product in [false, true] {
            sums.extend((0..channels).map(|c| {
                let mean = f64::from(operands.mean[c]);
                let pixels = (b * image + c..(b + 1) * image).step_by(channels);
                pixels
                    .map(|i| by_input[i] * if product { input[i] - mean } else { 1.0 })
                    .sum::<f64>()
            }));
        }
    }
    for instructions in InstructionSet::available() {
        let conv = DepthwiseConv2d {
            shape,
            instructions,
        };
        let found = operands.run(&conv);
        assert_close("output", &found.output, &output, 1e-6);
        assert_close("input gradient", &found.input_gradient, &by_input, 1e-6);
        assert_close("weight gradient", &found.weight_gradient, &by_weight, 1e-6);
        assert_close("bias gradient", &found.bias_gradient, &by_bias, 1e-6);
        assert_close("batch norm sums", &found.sums, &sums, 1e-6);

        let without_bias = Operands::new(&shape, false).run(&conv);
        let zeros = vec![0.0; channels];
        let output = naive::conv2d(&equivalent, &input, &weight, &zeros);
        assert_close("output without bias", &without_bias.output, &output, 1e-6);
        assert_eq!(without_bias.weight_gradient, found.weight_gradient);
    }
}

fn same(input: usize, kernel: usize, stride: usize) -> Window {
    Window::same(input, kernel, stride).expect("non-zero sizes")
}

fn valid(input: usize, kernel: usize, stride: usize) -> Window {
    Window::valid(input, kernel, stride).expect("the kernel fits")
}

#[test]
fn same_3x3() {
    check(2, same(5, 3, 1), same(7, 3, 1), 3);
    check(1, same(1, 3, 1), same(1, 3, 1), 1);
    check(9, same(19, 3, 1), same(10, 3, 1), 33);
    check(2, same(9, 3, 1), same(14, 3, 1), 16);
}

/// Windows that reach beyond both borders of the image.
#[test]
fn small_images() {
    for side in 1..=5 {
        for stride in [1, 2] {
            check(2, same(side, 3, stride), same(side + 1, 3, stride), 17);
            check(1, same(side, 3, 3 - stride), same(side, 3, stride), 16);
        }
    }
    check(2, valid(3, 3, 1), valid(4, 3, 1), 5);
    check(2, valid(6, 3, 2), valid(7, 3, 2), 5);
}

#[test]
fn strides_and_other_kernels() {
    check(2, same(11, 3, 2), same(8, 3, 2), 17);
    check(3, same(8, 3, 2), same(11, 3, 1), 5);
    check(2, valid(20, 3, 2), valid(9, 2, 3), 4);
    check(2, same(7, 2, 3), same(6, 5, 2), 3);
    check(1, valid(4, 1, 1), valid(5, 1, 2), 18);
    check(2, valid(9, 1, 3), same(9, 7, 1), 2);
}

/// Padding stays zero although the affine map shifts the image.
#[test]
fn affine_input() {
    let shape = DepthwiseConv2dShape {
        batch: 2,
        rows: same(5, 3, 1),
        columns: same(6, 3, 2),
        channels: 19,
    };
    let operands = Operands::new(&shape, true);
    let (scale, shift) = (pseudorandom(19, 6), pseudorandom(19, 7));
    let mapped: Vec<f32> = operands
        .input
        .iter()
        .enumerate()
        .map(|(i, value)| value * scale[i % 19] + shift[i % 19])
        .collect();
    let mut workspace = Workspace::new(shape.workspace_len());
    let mut run = |input: ConvInput<'_>| {
        let conv = DepthwiseConv2d {
            shape,
            instructions: InstructionSet::best(),
        };
        let epilogue = Epilogue {
            bias: &operands.bias,
            relu: true,
            ..Epilogue::default()
        };
        let mut output = vec![f32::NAN; shape.output_len()];
        conv.forward(
            &input,
            &operands.weight,
            &epilogue,
            Conv2dOutput::plain(&mut output),
            &mut workspace,
        );
        output
    };
    let expected = run(ConvInput::plain(&mapped));
    let affine = Some(Affine {
        scale: &scale,
        shift: &shift,
    });
    let found = run(ConvInput {
        values: &operands.input,
        affine,
        relu: false,
    });
    assert_close("output", &found, &to_f64(&expected), 1e-6);
    assert!(expected.iter().all(|&value| value >= 0.0));
}
