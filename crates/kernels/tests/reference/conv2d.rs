use modiste_kernels::{
    BatchNormGradientSums, Conv2d, Conv2dGradients, Conv2dOutput, Conv2dShape, ConvAlgorithm,
    ConvInput, Epilogue, FusedGradient, InputGradient, InstructionSet, Window, Workspace,
};

use crate::naive::{self, assert_close, pseudorandom, to_f64};

fn shape(batch: usize, rows: Window, columns: Window, channels: (usize, usize)) -> Conv2dShape {
    Conv2dShape {
        batch,
        rows,
        columns,
        in_channels: channels.0,
        out_channels: channels.1,
    }
}

/// Every algorithm with every instruction set that this CPU supports.
pub(crate) fn all_configurations() -> Vec<(ConvAlgorithm, InstructionSet)> {
    let sets = InstructionSet::available().into_iter();
    sets.flat_map(|set| [(ConvAlgorithm::Direct, set), (ConvAlgorithm::Winograd, set)])
        .collect()
}

/// Buffers of a convolution, with synthetic inputs.
pub(crate) struct Buffers {
    pub(crate) input: Vec<f32>,
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) output: Vec<f32>,
    pub(crate) argmax: Vec<f32>,
    /// Gradient at the output.
    pub(crate) output_gradient: Vec<f32>,
    pub(crate) weight_gradient: Vec<f32>,
    pub(crate) bias_gradient: Vec<f32>,
    pub(crate) input_gradient: Vec<f32>,
    pub(crate) sums: Vec<f32>,
    workspace: Workspace,
}

impl Buffers {
    pub(crate) fn new(conv: &Conv2d) -> Self {
        let shape = &conv.shape;
        let pooled =
            shape.batch * (shape.rows.output / 2) * (shape.columns.output / 2) * shape.out_channels;
        let output = if conv.pool {
            pooled
        } else {
            shape.output_len()
        };
        Self {
            input: pseudorandom(shape.input_len(), 1),
            weight: pseudorandom(shape.weight_len(), 2),
            bias: pseudorandom(shape.out_channels, 3),
            output: vec![f32::NAN; output],
            argmax: vec![9.0; if conv.pool { output } else { 0 }],
            output_gradient: pseudorandom(output, 4),
            weight_gradient: vec![f32::NAN; shape.weight_len()],
            bias_gradient: vec![f32::NAN; shape.out_channels],
            input_gradient: vec![f32::NAN; shape.input_len()],
            sums: vec![f32::NAN; 2 * shape.batch * shape.in_channels],
            workspace: Workspace::new(conv.workspace_len()),
        }
    }

    pub(crate) fn forward(&mut self, conv: &Conv2d, relu: bool) {
        let mut packed = vec![f32::NAN; conv.packed_len()];
        conv.pack_weight(&self.weight, &mut packed);
        let epilogue = Epilogue {
            bias: &self.bias,
            relu,
            ..Epilogue::default()
        };
        let output = Conv2dOutput {
            values: &mut self.output,
            argmax: conv.pool.then_some(&mut *self.argmax),
            statistics: None,
        };
        let input = ConvInput::plain(&self.input);
        conv.forward(&input, &packed, &epilogue, output, &mut self.workspace);
    }

    pub(crate) fn backward(&mut self, conv: &Conv2d, relu: Option<&[f32]>, mean: Option<&[f32]>) {
        let gradient = FusedGradient {
            values: &self.output_gradient,
            argmax: conv.pool.then_some(&*self.argmax),
            batch_norm: None,
            relu,
        };
        let sums = mean.map(|mean| BatchNormGradientSums {
            input: &self.input,
            mean,
            sums: &mut self.sums,
        });
        conv.backward(
            &ConvInput::plain(&self.input),
            &self.weight,
            &gradient,
            Conv2dGradients {
                weight: &mut self.weight_gradient,
                bias: &mut self.bias_gradient,
                input: Some(InputGradient {
                    values: &mut self.input_gradient,
                    batch_norm_sums: sums,
                }),
            },
            &mut self.workspace,
        );
    }
}

/// Maximum error of an algorithm, relative to the largest value.
pub(crate) fn tolerance(algorithm: ConvAlgorithm) -> f64 {
    match algorithm {
        ConvAlgorithm::Direct => 1e-6,
        ConvAlgorithm::Winograd => 2e-5,
    }
}

#[track_caller]
fn check(shape: Conv2dShape) {
    let fits = Conv2d::algorithm_for(
        &Conv2dShape {
            in_channels: 9,
            ..shape
        },
        false,
    );
    for (algorithm, instructions) in all_configurations() {
        if algorithm == ConvAlgorithm::Winograd && fits == ConvAlgorithm::Direct {
            continue;
        }
        let conv = Conv2d {
            shape,
            pool: false,
            algorithm,
            instructions,
        };
        let tolerance = tolerance(algorithm);
        let mut buffers = Buffers::new(&conv);
        buffers.forward(&conv, false);
        let (input, weight, bias) = (
            to_f64(&buffers.input),
            to_f64(&buffers.weight),
            to_f64(&buffers.bias),
        );
        let expected = naive::conv2d(&shape, &input, &weight, &bias);
        assert_close("output", &buffers.output, &expected, tolerance);

        buffers.backward(&conv, None, None);
        let [by_input, by_weight, by_bias] =
            naive::conv2d_gradients(&shape, &input, &weight, &to_f64(&buffers.output_gradient));
        assert_close(
            "input gradient",
            &buffers.input_gradient,
            &by_input,
            tolerance,
        );
        assert_close(
            "weight gradient",
            &buffers.weight_gradient,
            &by_weight,
            tolerance,
        );
        assert_close("bias gradient", &buffers.bias_gradient, &by_bias, 1e-6);
    }
}

fn same(input: usize, kernel: usize, stride: usize) -> Window {
    Window::same(input, kernel, stride).expect("non-zero sizes")
}

fn valid(input: usize, kernel: usize, stride: usize) -> Window {
    Window::valid(input, kernel, stride).expect("the kernel fits")
}

#[test]
fn valid_3x3() {
    check(shape(2, valid(5, 3, 1), valid(7, 3, 1), (3, 5)));
    check(shape(1, valid(3, 3, 1), valid(3, 3, 1), (1, 1)));
    check(shape(19, valid(4, 3, 1), valid(3, 3, 1), (2, 3)));
}

#[test]
fn same_3x3() {
    check(shape(2, same(5, 3, 1), same(4, 3, 1), (3, 5)));
    check(shape(3, same(1, 3, 1), same(1, 3, 1), (7, 3)));
    check(shape(17, same(3, 3, 1), same(2, 3, 1), (1, 9)));
    check(shape(2, same(13, 3, 1), same(10, 3, 1), (33, 70)));
    check(shape(3, same(7, 3, 1), same(6, 3, 1), (130, 20)));
}

#[test]
fn strides() {
    check(shape(2, same(6, 3, 2), same(5, 3, 2), (2, 3)));
    check(shape(2, valid(8, 3, 2), valid(7, 3, 3), (2, 3)));
    check(shape(1, same(7, 2, 3), same(4, 5, 2), (3, 2)));
}

#[test]
fn other_kernel_sizes() {
    check(shape(3, valid(4, 1, 1), valid(5, 1, 1), (5, 2)));
    check(shape(1, same(6, 5, 1), same(7, 5, 1), (2, 3)));
    check(shape(2, valid(5, 2, 1), same(6, 4, 1), (2, 3)));
}

#[test]
fn pointwise_with_strides() {
    check(shape(2, valid(5, 1, 1), valid(7, 1, 1), (19, 35)));
    check(shape(3, same(7, 1, 2), same(6, 1, 2), (18, 33)));
    check(shape(2, valid(7, 1, 3), valid(5, 1, 1), (4, 70)));
    check(shape(2, same(9, 3, 2), same(8, 3, 1), (32, 48)));
    check(shape(2, same(29, 3, 2), same(31, 3, 2), (17, 18)));
}

/// Without bias, the other results are those of a bias of zero.
#[test]
fn without_bias() {
    for (algorithm, instructions) in all_configurations() {
        let conv = Conv2d {
            shape: shape(2, same(5, 3, 1), same(6, 3, 1), (7, 19)),
            pool: false,
            algorithm,
            instructions,
        };
        let run = |bias: usize| {
            let mut buffers = Buffers::new(&conv);
            buffers.bias = vec![0.0; bias];
            buffers.bias_gradient = vec![f32::NAN; bias];
            buffers.forward(&conv, true);
            buffers.backward(&conv, None, None);
            [
                buffers.output,
                buffers.weight_gradient,
                buffers.input_gradient,
            ]
        };
        assert_eq!(run(0), run(19), "{algorithm:?}");
    }
}

/// A weight that does not fit into a core's cache takes another code path.
#[test]
fn large_weight() {
    check(shape(9, valid(7, 3, 1), same(6, 3, 1), (97, 160)));
    check(shape(1, same(3, 3, 1), same(9, 3, 1), (100, 130)));
    check(shape(2, same(9, 3, 1), valid(7, 3, 1), (100, 130)));
}

/// Validates the naive gradients against finite differences of the naive convolution.
#[test]
fn naive_gradients_match_finite_differences() {
    let shape = shape(2, same(5, 3, 2), valid(4, 2, 1), (2, 3));
    let (input, weight) = (
        pseudorandom(shape.input_len(), 1),
        pseudorandom(shape.weight_len(), 2),
    );
    let (input, weight, bias) = (to_f64(&input), to_f64(&weight), vec![0.5; 3]);
    let output_gradient = to_f64(&pseudorandom(shape.output_len(), 3));
    let [by_input, by_weight, by_bias] =
        naive::conv2d_gradients(&shape, &input, &weight, &output_gradient);
    let narrow = |values: Vec<f64>| values.iter().map(|&v| v as f32).collect::<Vec<f32>>();
    let loss = |i: &[f64], w: &[f64], b: &[f64]| {
        naive::dot(&naive::conv2d(&shape, i, w, b), &output_gradient)
    };
    let numeric = naive::numeric_gradient(&input, |input| loss(input, &weight, &bias));
    assert_close("input", &narrow(by_input), &numeric, 1e-6);
    let numeric = naive::numeric_gradient(&weight, |weight| loss(&input, weight, &bias));
    assert_close("weight", &narrow(by_weight), &numeric, 1e-6);
    let numeric = naive::numeric_gradient(&bias, |bias| loss(&input, &weight, bias));
    assert_close("bias", &narrow(by_bias), &numeric, 1e-6);
}

#[test]
fn workspace_len_grows_with_batch() {
    for (algorithm, instructions) in all_configurations() {
        for channels in [(5, 3), (96, 96)] {
            let needs = |batch| {
                let conv = Conv2d {
                    shape: shape(batch, valid(9, 3, 1), valid(5, 3, 1), channels),
                    pool: false,
                    algorithm,
                    instructions,
                };
                let len = conv.workspace_len();
                (len.thread, len.shared)
            };
            for batch in 1..100 {
                let (smaller, larger) = (needs(batch), needs(batch + 1));
                assert!(
                    smaller.0 <= larger.0 && smaller.1 <= larger.1,
                    "{algorithm:?}, {channels:?}, batch {batch}: {smaller:?} exceeds {larger:?}"
                );
            }
        }
    }
}

/// A 5x5 image, zero-padded and sharpened, is 114 in its first corner.
#[test]
fn sharpening_kernel() {
    let conv = Conv2d {
        shape: shape(1, same(5, 3, 1), same(5, 3, 1), (1, 1)),
        pool: false,
        algorithm: ConvAlgorithm::Direct,
        instructions: InstructionSet::best(),
    };
    let mut buffers = Buffers::new(&conv);
    buffers.input = [
        60., 113., 56., 139., 85., 73., 121., 54., 84., 128., 131., 99., 70., 129., 127., 80., 57.,
        115., 69., 134., 104., 126., 123., 95., 130.,
    ]
    .to_vec();
    buffers.weight = [0., -1., 0., -1., 5., -1., 0., -1., 0.].to_vec();
    buffers.bias = vec![0.0];
    buffers.forward(&conv, false);
    assert_eq!(buffers.output[0], 114.0);
}

#[test]
#[should_panic(expected = "convolution weight: found 8 elements, expected 9")]
fn rejects_wrong_buffer_length() {
    let conv = Conv2d {
        shape: shape(1, valid(3, 3, 1), valid(3, 3, 1), (1, 1)),
        pool: false,
        algorithm: ConvAlgorithm::Direct,
        instructions: InstructionSet::best(),
    };
    conv.pack_weight(&[0.0; 8], &mut vec![0.0; conv.packed_len()]);
}
