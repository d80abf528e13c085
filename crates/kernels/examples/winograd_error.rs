//! Measures the error of Winograd convolution relative to direct convolution on layers of the
//! architectures `vgg`, `compact` and `bnvgg`: `cargo run --release -p modiste-kernels --example
//! winograd_error`.
//!
//! Inputs are uniform in [0, 1), weights Glorot uniform, gradients uniform around zero. Direct
//! convolution is within 1e-6 of a loop in f64, as the tests verify.

#![allow(clippy::print_stdout, reason = "the example prints a table")]

use modiste_kernels::{
    Conv2d, Conv2dGradients, Conv2dOutput, Conv2dShape, ConvAlgorithm, ConvInput, Epilogue,
    FusedGradient, InputGradient, InstructionSet, Window, Workspace,
};

const BATCH: usize = 8;

fn main() {
    let same = |side| Window::same(side, 3, 1).expect("the kernel fits");
    let valid = |side| Window::valid(side, 3, 1).expect("the kernel fits");
    let layers = [
        ("vgg, conv2d_1", same(28), [64, 64]),
        ("vgg, conv2d_2", same(14), [64, 128]),
        ("vgg, conv2d_3", valid(14), [128, 256]),
        ("compact, conv2d_1", valid(26), [32, 32]),
        ("bnvgg, conv2d_1", valid(30), [32, 32]),
        ("bnvgg, conv2d_2", valid(14), [32, 64]),
        ("bnvgg, conv2d_3", valid(12), [64, 64]),
    ];
    println!("| layer | outputs | input gradient | weight gradient |\n|---|---|---|---|");
    for (name, window, [in_channels, out_channels]) in layers {
        let shape = Conv2dShape {
            batch: BATCH,
            rows: window,
            columns: window,
            in_channels,
            out_channels,
        };
        let exact = output_and_gradients(shape, ConvAlgorithm::Direct);
        let fast = output_and_gradients(shape, ConvAlgorithm::Winograd);
        let [outputs, inputs, weight] = [0, 1, 2].map(|i| error(&fast[i], &exact[i]));
        println!("| {name} | {outputs} | {inputs} | {weight} |");
    }
}

/// Output, input gradient and weight gradient.
fn output_and_gradients(shape: Conv2dShape, algorithm: ConvAlgorithm) -> [Vec<f32>; 3] {
    let conv = Conv2d {
        shape,
        pool: false,
        algorithm,
        instructions: InstructionSet::best(),
    };
    let fans = 9 * (shape.in_channels + shape.out_channels);
    let limit = (6.0 / fans as f32).sqrt();
    let input = pseudorandom(shape.input_len(), 1);
    let weight: Vec<f32> = pseudorandom(shape.weight_len(), 2)
        .iter()
        .map(|value| (2.0 * value - 1.0) * limit)
        .collect();
    let gradient: Vec<f32> = pseudorandom(shape.output_len(), 3)
        .iter()
        .map(|value| value - 0.5)
        .collect();
    let bias = vec![0.0; shape.out_channels];
    let mut packed = vec![0.0; conv.packed_len()];
    conv.pack_weight(&weight, &mut packed);
    let mut workspace = Workspace::new(conv.workspace_len());
    let mut output = vec![0.0; shape.output_len()];
    conv.forward(
        &ConvInput::plain(&input),
        &packed,
        &Epilogue {
            bias: &bias,
            relu: false,
            ..Epilogue::default()
        },
        Conv2dOutput::plain(&mut output),
        &mut workspace,
    );
    let mut input_gradient = vec![0.0; input.len()];
    let mut weight_gradient = vec![0.0; weight.len()];
    conv.backward(
        &ConvInput::plain(&input),
        &weight,
        &FusedGradient {
            values: &gradient,
            argmax: None,
            batch_norm: None,
            relu: None,
        },
        Conv2dGradients {
            weight: &mut weight_gradient,
            bias: &mut bias.clone(),
            input: Some(InputGradient {
                values: &mut input_gradient,
                batch_norm_sums: None,
            }),
        },
        &mut workspace,
    );
    [output, input_gradient, weight_gradient]
}

/// Pseudorandom values in [0, 1).
fn pseudorandom(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        // Knuth's linear congruential generator (MMIX).
        state = state.wrapping_mul(6_364_136_223_846_793_005);
        state = state.wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 24) as f32
    };
    (0..len).map(|_| next()).collect()
}

/// Largest error and, in parentheses, root mean square error, relative to the largest value.
fn error(found: &[f32], expected: &[f32]) -> String {
    let largest = expected.iter().fold(0.0_f32, |max, v| max.max(v.abs()));
    let errors = || {
        let pairs = found.iter().zip(expected);
        pairs.map(|(f, e)| f64::from((f - e).abs() / largest))
    };
    let max = errors().fold(0.0, f64::max);
    let mean = errors().map(|e| e * e).sum::<f64>() / found.len() as f64;
    format!("{max:.1e} ({:.1e})", mean.sqrt())
}
