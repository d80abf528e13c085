//! Networks in burn, on its CPU backend `flex`.

use std::time::Instant;

use burn::backend::{Autodiff, Flex};
use burn::module::{AutodiffModule, Module};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::pool::MaxPool2dConfig;
use burn::nn::{BatchNorm, BatchNormConfig, DropoutConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, Optimizer, SgdConfig};
use burn::tensor::activation::relu;
use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, TensorData};
use clap::{Parser, ValueEnum};

const WARM_UP: usize = 3;
const LEARNING_RATE: f64 = 1e-3;

#[derive(Parser)]
struct Arguments {
    #[arg(long)]
    architecture: Architecture,
    #[arg(long)]
    batch_size: usize,
    #[arg(long)]
    steps: usize,
    #[arg(long)]
    threads: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Architecture {
    Compact,
    Vgg,
    Bnvgg,
}

#[derive(Clone, Copy)]
enum Layer {
    /// Number of filters, and whether the padding keeps the size.
    ConvRelu(usize, bool),
    Norm,
    Pool,
    Dropout(f64),
    Flatten,
    DenseRelu(usize),
    Logits(usize),
}

use Layer::{ConvRelu, DenseRelu, Dropout, Flatten, Logits, Norm, Pool};

/// Returns the side and the channels of the input, and the layers.
fn network(architecture: Architecture) -> (usize, usize, Vec<Layer>) {
    match architecture {
        Architecture::Compact => (
            28,
            1,
            vec![
                ConvRelu(32, false),
                Norm,
                ConvRelu(32, false),
                Norm,
                Pool,
                Dropout(0.25),
                Flatten,
                DenseRelu(512),
                Logits(10),
            ],
        ),
        Architecture::Vgg => (
            28,
            1,
            vec![
                ConvRelu(64, true),
                ConvRelu(64, true),
                Pool,
                ConvRelu(128, true),
                ConvRelu(256, false),
                Pool,
                Flatten,
                DenseRelu(512),
                Dropout(0.5),
                DenseRelu(256),
                Dropout(0.5),
                Logits(10),
            ],
        ),
        Architecture::Bnvgg => {
            let block = |filters| {
                [
                    ConvRelu(filters, false),
                    Norm,
                    ConvRelu(filters, false),
                    Norm,
                    Pool,
                    Dropout(0.25),
                ]
            };
            let mut layers = [block(32), block(64)].concat();
            layers.extend([Flatten, DenseRelu(512), Dropout(0.5), Logits(100)]);
            (32, 3, layers)
        }
    }
}

/// Parameters of the layers, in the order of the layers.
#[derive(Module, Debug)]
struct Network<B: Backend> {
    convolutions: Vec<Conv2d<B>>,
    norms: Vec<BatchNorm<B>>,
    dense: Vec<Linear<B>>,
}

impl<B: Backend> Network<B> {
    fn new(mut side: usize, mut channels: usize, layers: &[Layer], device: &B::Device) -> Self {
        let mut network = Self {
            convolutions: vec![],
            norms: vec![],
            dense: vec![],
        };
        for layer in layers {
            match *layer {
                ConvRelu(filters, same) => {
                    let padding = if same {
                        PaddingConfig2d::Same
                    } else {
                        PaddingConfig2d::Valid
                    };
                    let config = Conv2dConfig::new([channels, filters], [3, 3]);
                    network
                        .convolutions
                        .push(config.with_padding(padding).init(device));
                    (side, channels) = (if same { side } else { side - 2 }, filters);
                }
                Norm => network
                    .norms
                    .push(BatchNormConfig::new(channels).init(device)),
                Pool => side /= 2,
                Flatten => (side, channels) = (1, side * side * channels),
                DenseRelu(units) | Logits(units) => {
                    network
                        .dense
                        .push(LinearConfig::new(channels, units).init(device));
                    channels = units;
                }
                Dropout(_) => {}
            }
        }
        network
    }

    fn logits(&self, layers: &[Layer], images: Tensor<B, 4>) -> Tensor<B, 2> {
        let mut convolutions = self.convolutions.iter();
        let mut norms = self.norms.iter();
        let mut dense = self.dense.iter();
        let mut image = images;
        let mut layers = layers.iter();
        for layer in layers.by_ref() {
            image = match layer {
                ConvRelu(..) => relu(convolutions.next().expect("a module for each layer").forward(image)),
                Norm => norms.next().expect("a module for each layer").forward(image),
                Pool => MaxPool2dConfig::new([2, 2])
                    .with_strides([2, 2])
                    .init()
                    .forward(image),
                Dropout(rate) => DropoutConfig::new(*rate).init().forward(image),
                _ => break,
            };
        }
        let mut values = image.flatten::<2>(1, 3);
        for layer in layers {
            values = match layer {
                DenseRelu(_) => relu(dense.next().expect("a module for each layer").forward(values)),
                Logits(_) => dense.next().expect("a module for each layer").forward(values),
                Dropout(rate) => DropoutConfig::new(*rate).init().forward(values),
                _ => values,
            };
        }
        values
    }
}

fn milliseconds(count: usize, mut work: impl FnMut()) -> Vec<f64> {
    let mut times = Vec::new();
    for number in 0..WARM_UP + count {
        let start = Instant::now();
        work();
        if number >= WARM_UP {
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    times
}

fn main() {
    type Training = Autodiff<Flex>;

    let arguments = Arguments::parse();
    rayon::ThreadPoolBuilder::new()
        .num_threads(arguments.threads)
        .build_global()
        .expect("a pool");
    let (side, channels, layers) = network(arguments.architecture);
    let device = Default::default();
    let len = arguments.batch_size * side * side * channels;
    let pixels: Vec<f32> = (0..len)
        .map(|i| (i * 7919 % 1009) as f32 / 1009.0)
        .collect();
    let data = TensorData::new(pixels, [arguments.batch_size, channels, side, side]);
    let labels: Vec<i64> = (0..arguments.batch_size as i64).map(|i| i % 10).collect();
    let images = Tensor::<Training, 4>::from_data(data.clone(), &device);
    let targets = Tensor::<Training, 1, Int>::from_data(
        TensorData::new(labels, [arguments.batch_size]),
        &device,
    );
    let mut model = Network::<Training>::new(side, channels, &layers, &device);
    let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0);
    let mut optimizer = SgdConfig::new().with_momentum(Some(momentum)).init();
    let loss = CrossEntropyLossConfig::new().init::<Training>(&device);

    let steps = milliseconds(arguments.steps, || {
        let logits = model.logits(&layers, images.clone());
        let loss = loss.forward(logits, targets.clone());
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(LEARNING_RATE, model.clone(), gradients);
        loss.into_scalar();
    });
    let model = model.valid();
    let images = Tensor::<Flex, 4>::from_data(data, &device);
    let evaluations = milliseconds(arguments.steps, || {
        model.logits(&layers, images.clone()).into_data();
    });
    println!(
        "{}",
        serde_json::json!({ "version": "0.21, flex", "steps": steps, "evaluations": evaluations })
    );
}
