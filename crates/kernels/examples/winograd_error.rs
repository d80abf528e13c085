//! How far the fast convolution is from the exact one, layer by layer of the lecture's networks:
//! `cargo run --release -p modiste-kernels --example winograd_error`.
//!
//! Inputs are even in [0, 1), weights as Glorot draws them, gradients even around zero. The exact
//! one is itself within 1e-6 of a loop in f64, which the tests assert.

#![allow(clippy::print_stdout, reason = "the table is what it is for")]

use modiste_kernels::{
    Conv2d, Conv2dGradients, Conv2dOutput, Conv2dShape, ConvAlgorithm, ConvInput, Epilogue,
    FusedGradient, InputGradient, InstructionSet, Window, Workspace,
};

const BATCH: usize = 8;

fn main() {
    let same = |side| Window::same(side, 3, 1).expect("3 fits");
    let valid = |side| Window::valid(side, 3, 1).expect("3 fits");
    let layers = [
        ("vgg, conv2d_1", same(28), [64, 64]),
        ("vgg, conv2d_2", same(14), [64, 128]),
        ("vgg, conv2d_3", valid(14), [128, 256]),
        ("compact, conv2d_1", valid(26), [32, 32]),
        ("bnvgg, conv2d_1", valid(30), [32, 32]),
        ("bnvgg, conv2d_2", valid(14), [32, 64]),
        ("bnvgg, conv2d_3", valid(12), [64, 64]),
    ];
    println!("| layer | outputs | input's gradient | kernel's gradient |\n|---|---|---|---|");
    for (name, window, [in_channels, out_channels]) in layers {
        let shape = Conv2dShape {
            batch: BATCH,
            rows: window,
            columns: window,
            in_channels,
            out_channels,
        };
        let exact = everything(shape, ConvAlgorithm::Direct);
        let fast = everything(shape, ConvAlgorithm::Winograd);
        let [outputs, inputs, kernel] = [0, 1, 2].map(|i| difference(&fast[i], &exact[i]));
        println!("| {name} | {outputs} | {inputs} | {kernel} |");
    }
}

/// Outputs, the input's gradient and the kernel's.
fn everything(shape: Conv2dShape, algorithm: ConvAlgorithm) -> [Vec<f32>; 3] {
    let conv = Conv2d {
        shape,
        pool: false,
        algorithm,
        instructions: InstructionSet::best(),
    };
    let fans = 9 * (shape.in_channels + shape.out_channels);
    let limit = (6.0 / fans as f32).sqrt();
    let input = numbers(shape.input_len(), 1);
    let weight: Vec<f32> = numbers(shape.weight_len(), 2)
        .iter()
        .map(|value| (2.0 * value - 1.0) * limit)
        .collect();
    let gradient: Vec<f32> = numbers(shape.output_len(), 3)
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
            affine: None,
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

/// Numbers in [0, 1) that look random.
fn numbers(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        // Knuth's linear congruential generator (MMIX).
        state = state.wrapping_mul(6_364_136_223_846_793_005);
        state = state.wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 24) as f32
    };
    (0..len).map(|_| next()).collect()
}

/// The largest difference, and in brackets the root of the mean square, of the largest value.
fn difference(found: &[f32], expected: &[f32]) -> String {
    let largest = expected.iter().fold(0.0_f32, |max, v| max.max(v.abs()));
    let differences = || {
        let pairs = found.iter().zip(expected);
        pairs.map(|(f, e)| f64::from((f - e).abs() / largest))
    };
    let most = differences().fold(0.0, f64::max);
    let mean = differences().map(|d| d * d).sum::<f64>() / found.len() as f64;
    format!("{most:.1e} ({:.1e})", mean.sqrt())
}
