//! Gradients of both engines against finite differences of the loss.

use candle_core::Device;
use modiste_core::Rng;
use modiste_model::{
    Activation, Architecture, CandleNetwork, Initializer, KernelNetwork, KernelOptions, Layer,
    Padding, Parameters,
};

use crate::engines::Fixture;

/// Loss in f64 of the candle engine in training mode.
fn loss(fixture: &Fixture, parameters: &Parameters) -> f64 {
    let candle = CandleNetwork::new(&fixture.plan, parameters, &Device::Cpu).expect("candle");
    let logits = candle
        .forward_train(&fixture.tensor(), &mut Rng::new(1))
        .expect("logits")
        .flatten_all()
        .and_then(|logits| logits.to_vec1::<f32>())
        .expect("values");
    let classes = fixture.plan.classes();
    let rows = logits.chunks_exact(classes).zip(&fixture.labels);
    let total: f64 = rows
        .map(|(row, &label)| {
            let sum: f64 = row.iter().map(|&logit| f64::from(logit).exp()).sum();
            sum.ln() - f64::from(row[usize::from(label)])
        })
        .sum();
    total / fixture.labels.len() as f64
}

/// Compares the derivative of the loss along the gradient of each variable with its central difference.
#[track_caller]
fn check(architecture: &Architecture) {
    let fixture = Fixture::new(architecture, 4);
    let (_, candle, _) = fixture
        .candle_step(&fixture.parameters, &mut Rng::new(1))
        .expect("candle");
    let mut kernels = vec![0.0; candle.len()];
    let mut network = KernelNetwork::new(fixture.plan.clone(), 4, &KernelOptions::default());
    network.gradients(
        &mut fixture.parameters.clone(),
        &fixture.images,
        &fixture.labels,
        &mut Rng::new(1),
        &mut kernels,
    );
    for variable in fixture.plan.variables.iter().filter(|v| v.trainable) {
        for gradients in [&candle, &kernels] {
            let gradient = &gradients[variable.range.clone()];
            let norm = gradient
                .iter()
                .map(|g| f64::from(*g).powi(2))
                .sum::<f64>()
                .sqrt();
            if norm < 1e-3 {
                // The bias before a batch norm has no effect.
                continue;
            }
            let moved = |by: f64| {
                let mut parameters = fixture.parameters.clone();
                let values = parameters.values_mut(variable).iter_mut();
                for (value, gradient) in values.zip(gradient) {
                    *value += (by * f64::from(*gradient) / norm) as f32;
                }
                loss(&fixture, &parameters)
            };
            let slope = (moved(5e-3) - moved(-5e-3)) / 1e-2;
            let off = (slope - norm).abs() / norm;
            assert!(
                off < 2e-2,
                "{}: slope {slope}, gradient {norm}",
                variable.name
            );
        }
    }
}

/// Smooth layers only: with a kink or a maximum, a difference may step over it.
#[test]
fn smooth_layers() {
    let conv = |filters, stride, activation, use_bias| Layer::Conv2d {
        filters,
        kernel_size: [3, 2],
        stride,
        padding: Padding::Same,
        use_bias,
        activation,
        initializer: Initializer::GlorotUniform,
    };
    let depthwise = |stride, padding, activation| Layer::DepthwiseConv2d {
        kernel_size: [3, 3],
        stride,
        padding,
        use_bias: true,
        activation,
        initializer: Initializer::GlorotUniform,
    };
    let norm = Layer::BatchNorm {
        momentum: 0.9,
        epsilon: 1e-3,
    };
    let layers = vec![
        conv(4, [1, 2], Activation::Silu, false),
        depthwise([2, 1], Padding::Same, Activation::Gelu),
        Layer::Residual {
            layers: vec![conv(5, [2, 2], Activation::Linear, false), norm.clone()],
            shortcut: vec![
                Layer::AveragePool2d {
                    pool_size: [2, 2],
                    stride: None,
                    padding: Padding::Same,
                },
                conv(5, [1, 1], Activation::Linear, true),
            ],
        },
        Layer::activation(Activation::Silu),
        Layer::ZeroPadding2d {
            padding: [[1, 0], [0, 2]],
        },
        depthwise([1, 1], Padding::Valid, Activation::Linear),
        norm,
        Layer::activation(Activation::Gelu),
        Layer::GlobalAveragePool2d,
        Layer::logits(3),
    ];
    check(&Architecture {
        name: "smooth".into(),
        input: [9, 10, 2],
        layers,
    });
}
