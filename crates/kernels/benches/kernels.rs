//! Benchmarks of each kernel, on the layer shapes of the architectures `vgg`, `compact`, `bnvgg`,
//! `resnet-1m` and `mobile` with batches of 100 images.
//!
//! `cargo bench -p modiste-kernels` runs all benchmarks, `cargo bench -p modiste-kernels -- conv2d`
//! those whose name contains `conv2d`. The environment variables `BATCH`, `MODISTE_KERNELS` and
//! `RAYON_NUM_THREADS` set the batch size, the instruction set and the number of threads.

use std::fmt;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use modiste_kernels::{
    Buffer, Conv2d, Conv2dGradients, Conv2dOutput, Conv2dShape, ConvInput, DenseShape, DenseWeight,
    DepthwiseConv2d, DepthwiseConv2dShape, Epilogue, FusedGradient, InputGradient, InstructionSet,
    MaxPool2dShape, SgdStep, Window, Workspace, batch_norm_statistics,
    batch_norm_statistics_scratch_len, dense_backward, dense_forward, dropout_forward,
    max_pool2d_forward, sgd_update, softmax_cross_entropy,
};

/// Images per batch.
fn batch() -> usize {
    std::env::var("BATCH").map_or(100, |batch| batch.parse().expect("BATCH is a number"))
}

fn main() {
    divan::main();
}

fn instructions() -> InstructionSet {
    InstructionSet::from_env().expect("MODISTE_KERNELS is a supported instruction set")
}

/// Pseudorandom values around zero.
fn pseudorandom(len: usize) -> Buffer {
    let mut buffer = Buffer::zeros(len);
    for (index, value) in buffer.iter_mut().enumerate() {
        *value = (index.wrapping_mul(2_654_435_761) >> 8 & 0xffff) as f32 / 65_536.0 - 0.5;
    }
    buffer
}

/// Convolution with ReLU: side of the image, kernel size and stride, input and output channels, same
/// or valid padding, and whether max pooling follows.
#[derive(Clone, Copy)]
struct Layer {
    side: usize,
    kernel: usize,
    stride: usize,
    channels: [usize; 2],
    same: bool,
    pool: bool,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            side,
            kernel,
            stride,
            channels: [input, output],
            same,
            pool,
        } = self;
        let padding = if *same { "same" } else { "valid" };
        let pool = if *pool { " pool" } else { "" };
        write!(f, "{side}x{side} {input} to {output} {padding}{pool}")?;
        match (kernel, stride) {
            (3, 1) => Ok(()),
            _ => write!(f, " {kernel}x{kernel}/{stride}"),
        }
    }
}

impl Layer {
    fn conv(&self, exact: bool) -> Conv2d {
        let window = if self.same {
            Window::same(self.side, self.kernel, self.stride)
        } else {
            Window::valid(self.side, self.kernel, self.stride)
        };
        let window = window.expect("the kernel fits");
        let shape = Conv2dShape {
            batch: batch(),
            rows: window,
            columns: window,
            in_channels: self.channels[0],
            out_channels: self.channels[1],
        };
        Conv2d {
            shape,
            pool: self.pool,
            algorithm: Conv2d::algorithm_for(&shape, exact),
            instructions: instructions(),
        }
    }
}

const fn layer(side: usize, channels: [usize; 2], same: bool, pool: bool) -> Layer {
    Layer {
        side,
        kernel: 3,
        stride: 1,
        channels,
        same,
        pool,
    }
}

/// Convolution without pooling.
const fn conv(side: usize, kernel: usize, stride: usize, channels: [usize; 2]) -> Layer {
    Layer {
        side,
        kernel,
        stride,
        channels,
        same: true,
        pool: false,
    }
}

/// Layers of `vgg`, then `compact`, `bnvgg`, `resnet-1m` and `mobile`.
const LAYERS: [Layer; 25] = [
    layer(28, [1, 64], true, false),
    layer(28, [64, 64], true, true),
    layer(14, [64, 128], true, false),
    layer(14, [128, 256], false, true),
    layer(28, [1, 32], false, false),
    layer(26, [32, 32], false, true),
    layer(32, [3, 32], false, false),
    layer(30, [32, 32], false, true),
    layer(14, [32, 64], false, false),
    layer(12, [64, 64], false, true),
    conv(32, 3, 1, [3, 32]),
    conv(64, 3, 2, [3, 32]),
    conv(32, 3, 1, [32, 32]),
    conv(16, 3, 1, [64, 64]),
    conv(8, 3, 1, [128, 128]),
    conv(32, 3, 2, [32, 64]),
    conv(16, 3, 2, [64, 128]),
    conv(32, 1, 2, [32, 64]),
    conv(16, 1, 2, [64, 128]),
    conv(32, 1, 1, [32, 64]),
    conv(16, 1, 1, [64, 128]),
    conv(16, 1, 1, [128, 128]),
    conv(8, 1, 1, [128, 256]),
    conv(8, 1, 1, [256, 256]),
    conv(32, 1, 1, [64, 64]),
];

#[divan::bench(args = LAYERS)]
fn conv2d_forward(bencher: Bencher<'_, '_>, layer: Layer) {
    forward(bencher, layer, false);
}

#[divan::bench(args = LAYERS)]
fn conv2d_forward_exact(bencher: Bencher<'_, '_>, layer: Layer) {
    forward(bencher, layer, true);
}

/// Length of the convolution's output.
fn output_len(conv: &Conv2d) -> usize {
    let (rows, columns) = (conv.shape.rows.output, conv.shape.columns.output);
    let side = if conv.pool { 2 } else { 1 };
    batch() * (rows / side) * (columns / side) * conv.shape.out_channels
}

/// Multiplications and additions of the direct algorithm, for any algorithm.
fn operations(conv: &Conv2d) -> ItemsCount {
    let shape = &conv.shape;
    let outputs = batch() * shape.rows.output * shape.columns.output * shape.out_channels;
    ItemsCount::new(2 * shape.rows.kernel * shape.columns.kernel * outputs * shape.in_channels)
}

fn forward(bencher: Bencher<'_, '_>, layer: Layer, exact: bool) {
    let conv = layer.conv(exact);
    let input = pseudorandom(conv.shape.input_len());
    let mut packed = Buffer::zeros(conv.packed_len());
    conv.pack_weight(&pseudorandom(conv.shape.weight_len()), &mut packed);
    let bias = pseudorandom(conv.shape.out_channels);
    let epilogue = Epilogue {
        bias: &bias,
        relu: true,
        ..Epilogue::default()
    };
    let mut values = Buffer::zeros(output_len(&conv));
    let mut argmax = Buffer::zeros(values.len());
    let mut workspace = Workspace::new(conv.workspace_len());
    bencher.counter(operations(&conv)).bench_local(|| {
        let output = Conv2dOutput {
            values: &mut values,
            argmax: conv.pool.then_some(&mut *argmax),
            statistics: None,
        };
        conv.forward(
            &ConvInput::plain(black_box(&input)),
            &packed,
            &epilogue,
            output,
            &mut workspace,
        );
    });
}

#[divan::bench(args = LAYERS)]
fn conv2d_backward(bencher: Bencher<'_, '_>, layer: Layer) {
    let conv = layer.conv(false);
    let input = pseudorandom(conv.shape.input_len());
    let weight = pseudorandom(conv.shape.weight_len());
    let gradients = pseudorandom(output_len(&conv));
    let outputs = Conv2d {
        pool: false,
        ..conv
    };
    let convolved = pseudorandom(if conv.pool {
        gradients.len()
    } else {
        output_len(&outputs)
    });
    let argmax = Buffer::zeros(gradients.len());
    let mut weight_gradient = Buffer::zeros(weight.len());
    let mut bias_gradient = Buffer::zeros(conv.shape.out_channels);
    let mut input_gradient = Buffer::zeros(input.len());
    let mut workspace = Workspace::new(conv.workspace_len());
    let needed = conv.shape.in_channels > 3;
    bencher.counter(operations(&conv)).bench_local(|| {
        conv.backward(
            &ConvInput::plain(black_box(&input)),
            &weight,
            &FusedGradient {
                values: &gradients,
                argmax: conv.pool.then_some(&*argmax),
                batch_norm: None,
                relu: Some(&convolved),
            },
            Conv2dGradients {
                weight: &mut weight_gradient,
                bias: &mut bias_gradient,
                input: needed.then_some(InputGradient {
                    values: &mut input_gradient,
                    batch_norm_sums: None,
                }),
            },
            &mut workspace,
        );
    });
}

/// Side of the image, stride and channels.
const DEPTHWISE: [[usize; 3]; 6] = [
    [32, 1, 32],
    [32, 2, 64],
    [16, 1, 128],
    [16, 2, 128],
    [8, 1, 256],
    [64, 1, 32],
];

fn depthwise([side, stride, channels]: [usize; 3]) -> DepthwiseConv2d {
    let window = Window::same(side, 3, stride).expect("non-zero sizes");
    DepthwiseConv2d {
        shape: DepthwiseConv2dShape {
            batch: batch(),
            rows: window,
            columns: window,
            channels,
        },
        instructions: instructions(),
    }
}

#[divan::bench(args = DEPTHWISE)]
fn depthwise_forward(bencher: Bencher<'_, '_>, size: [usize; 3]) {
    let conv = depthwise(size);
    let input = pseudorandom(conv.shape.input_len());
    let weight = pseudorandom(conv.shape.weight_len());
    let mut output = Buffer::zeros(conv.shape.output_len());
    let mut workspace = Workspace::new(conv.shape.workspace_len());
    let bytes = BytesCount::new(4 * (input.len() + output.len()));
    bencher.counter(bytes).bench_local(|| {
        conv.forward(
            &ConvInput::plain(black_box(&input)),
            &weight,
            &Epilogue::default(),
            Conv2dOutput::plain(&mut output),
            &mut workspace,
        );
    });
}

#[divan::bench(args = DEPTHWISE)]
fn depthwise_backward(bencher: Bencher<'_, '_>, size: [usize; 3]) {
    let conv = depthwise(size);
    let input = pseudorandom(conv.shape.input_len());
    let weight = pseudorandom(conv.shape.weight_len());
    let gradient = pseudorandom(conv.shape.output_len());
    let mut weight_gradient = Buffer::zeros(weight.len());
    let mut input_gradient = Buffer::zeros(input.len());
    let mut workspace = Workspace::new(conv.shape.workspace_len());
    let bytes = BytesCount::new(4 * (2 * input.len() + gradient.len()));
    bencher.counter(bytes).bench_local(|| {
        conv.backward(
            &ConvInput::plain(black_box(&input)),
            &weight,
            &FusedGradient {
                values: &gradient,
                argmax: None,
                batch_norm: None,
                relu: None,
            },
            Conv2dGradients {
                weight: &mut weight_gradient,
                bias: &mut [],
                input: Some(InputGradient {
                    values: &mut input_gradient,
                    batch_norm_sums: None,
                }),
            },
            &mut workspace,
        );
    });
}

/// Input and output features.
const DENSE: [[usize; 2]; 4] = [[9216, 512], [512, 256], [4608, 512], [1600, 512]];

#[divan::bench(args = DENSE)]
fn dense_layer_forward(bencher: Bencher<'_, '_>, [inputs, outputs]: [usize; 2]) {
    let batch = batch();
    let shape = DenseShape {
        batch,
        inputs,
        outputs,
    };
    let input = pseudorandom(batch * inputs);
    let weight = pseudorandom(inputs * outputs);
    let bias = pseudorandom(outputs);
    let mut output = Buffer::zeros(batch * outputs);
    let mut workspace = Workspace::new(shape.workspace_len());
    let operations = ItemsCount::new(2 * batch * inputs * outputs);
    bencher.counter(operations).bench_local(|| {
        dense_forward(
            &shape,
            instructions(),
            black_box(&input),
            DenseWeight::Plain(&weight),
            &bias,
            true,
            &mut output,
            &mut workspace,
        );
    });
}

#[divan::bench(args = DENSE)]
fn dense_layer_backward(bencher: Bencher<'_, '_>, [inputs, outputs]: [usize; 2]) {
    let batch = batch();
    let shape = DenseShape {
        batch,
        inputs,
        outputs,
    };
    let input = pseudorandom(batch * inputs);
    let weight = pseudorandom(inputs * outputs);
    let gradient = pseudorandom(batch * outputs);
    let mut weight_gradient = Buffer::zeros(weight.len());
    let mut bias_gradient = Buffer::zeros(outputs);
    let mut input_gradient = Buffer::zeros(input.len());
    let mut workspace = Workspace::new(shape.workspace_len());
    let operations = ItemsCount::new(4 * batch * inputs * outputs);
    bencher.counter(operations).bench_local(|| {
        dense_backward(
            &shape,
            instructions(),
            black_box(&input),
            &weight,
            &gradient,
            &mut weight_gradient,
            &mut bias_gradient,
            Some(&mut input_gradient),
            &mut workspace,
        );
    });
}

/// Side of the image and channels.
#[divan::bench(args = [[26, 32], [12, 64]])]
fn batch_norm(bencher: Bencher<'_, '_>, [side, channels]: [usize; 2]) {
    let input = pseudorandom(batch() * side * side * channels);
    let mut mean = Buffer::zeros(channels);
    let mut variance = Buffer::zeros(channels);
    let mut scratch = Buffer::zeros(batch_norm_statistics_scratch_len(channels));
    let bytes = BytesCount::new(4 * input.len());
    bencher.counter(bytes).bench_local(|| {
        batch_norm_statistics(
            instructions(),
            black_box(&input),
            &mut mean,
            &mut variance,
            &mut scratch,
        );
    });
}

#[divan::bench]
fn max_pool(bencher: Bencher<'_, '_>) {
    let window = Window::valid(28, 2, 2).expect("the window fits");
    let shape = MaxPool2dShape {
        batch: batch(),
        rows: window,
        columns: window,
        channels: 32,
    };
    let input = pseudorandom(batch() * 28 * 28 * 32);
    let mut output = Buffer::zeros(input.len() / 4);
    let mut argmax = vec![0; output.len()];
    let bytes = BytesCount::new(4 * input.len());
    bencher.counter(bytes).bench_local(|| {
        max_pool2d_forward(&shape, black_box(&input), &mut output, &mut argmax);
    });
}

#[divan::bench]
fn dropout(bencher: Bencher<'_, '_>) {
    let input = pseudorandom(batch() * 4608);
    let mask: Vec<u8> = input.iter().map(|&value| u8::from(value > 0.0)).collect();
    let mut output = Buffer::zeros(input.len());
    let bytes = BytesCount::new(4 * input.len());
    bencher.counter(bytes).bench_local(|| {
        dropout_forward(instructions(), black_box(&input), &mask, 0.25, &mut output);
    });
}

#[divan::bench]
fn sgd(bencher: Bencher<'_, '_>) {
    let gradient = pseudorandom(9216 * 512);
    let mut weights = pseudorandom(gradient.len());
    let mut velocity = Buffer::zeros(gradient.len());
    let step = SgdStep {
        learning_rate: 1e-3,
        momentum: 0.9,
        nesterov: false,
        weight_decay: 0.0,
    };
    let bytes = BytesCount::new(12 * gradient.len());
    bencher.counter(bytes).bench_local(|| {
        sgd_update(&step, &mut weights, &mut velocity, black_box(&gradient));
    });
}

#[divan::bench]
fn loss(bencher: Bencher<'_, '_>) {
    let logits = pseudorandom(batch() * 10);
    let labels: Vec<u16> = (0..batch()).map(|index| (index % 10) as u16).collect();
    let mut gradient = Buffer::zeros(logits.len());
    bencher.bench_local(|| softmax_cross_entropy(black_box(&logits), &labels, 10, &mut gradient));
}
