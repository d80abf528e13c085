//! Both engines against reference values from Keras, which `../golden/layers.py` produced.

use std::collections::HashMap;

use candle_core::Device;
use modiste_core::Rng;
use modiste_kernels::{SgdStep, sgd_update};
use modiste_model::{
    Activation, Architecture, CandleNetwork, Inference, Initializer, InstructionSet, KernelNetwork,
    KernelOptions, Layer, NetworkPlan, Padding, Parameters, zoo,
};
use serde::Deserialize;

use crate::engines::{Fixture, deviation};

#[derive(Deserialize)]
struct Reference {
    seed: u64,
    learning_rate: f32,
    momentum: f32,
    batch: usize,
    logits: Vec<f32>,
    losses: Vec<f32>,
    gradients: HashMap<String, Vec<f32>>,
    variables_after: HashMap<String, Vec<f32>>,
    logits_after: Vec<f32>,
    /// Trainable and other parameters of the networks of the zoo.
    parameters: HashMap<String, [usize; 2]>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../golden/layers.json")).expect("the file of the script")
}

/// The network of the script.
fn every_layer() -> Architecture {
    let conv = |filters, kernel_size, stride: usize, use_bias, activation| Layer::Conv2d {
        filters,
        kernel_size,
        stride: [stride; 2],
        padding: if use_bias {
            Padding::Valid
        } else {
            Padding::Same
        },
        use_bias,
        activation,
        initializer: Initializer::GlorotUniform,
    };
    let plain = |filters, side, stride| conv(filters, [side; 2], stride, false, Activation::Linear);
    let norm = || Layer::BatchNorm {
        momentum: 0.9,
        epsilon: 1e-3,
    };
    let relu = || Layer::activation(Activation::Relu);
    let pool = |pool_size, stride| ([pool_size; 2], Some([stride; 2]), Padding::Same);
    let (pool_size, stride, padding) = pool(3, 2);
    let average = Layer::AveragePool2d {
        pool_size,
        stride,
        padding,
    };
    let (pool_size, stride, padding) = pool(2, 1);
    let max = Layer::MaxPool2d {
        pool_size,
        stride,
        padding,
    };
    Architecture {
        name: "every-layer".into(),
        input: [15, 13, 3],
        layers: vec![
            Layer::ZeroPadding2d {
                padding: [[1, 0], [0, 2]],
            },
            plain(6, 3, 1),
            norm(),
            relu(),
            Layer::DepthwiseConv2d {
                kernel_size: [3, 3],
                stride: [2, 2],
                padding: Padding::Same,
                use_bias: true,
                activation: Activation::Gelu,
                initializer: Initializer::GlorotUniform,
            },
            average,
            Layer::Residual {
                layers: vec![plain(8, 3, 2), norm(), relu(), plain(8, 3, 1), norm()],
                shortcut: vec![plain(8, 1, 2), norm()],
            },
            relu(),
            conv(8, [1, 2], 1, true, Activation::Silu),
            Layer::activation(Activation::HardSwish),
            max,
            Layer::GlobalAveragePool2d,
            Layer::Dense {
                units: 10,
                activation: Activation::Relu6,
                initializer: Initializer::GlorotUniform,
            },
            Layer::logits(5),
        ],
    }
}

/// Parameters, images and labels by the script's formula.
fn fixture(reference: &Reference) -> Fixture {
    let uniform = |stream: u64| Rng::new(reference.seed * 1_000_003 + stream);
    let mut fixture = Fixture::new(&every_layer(), reference.batch);
    let plan = &fixture.plan;
    let mut parameters = Parameters::initialize(plan, 1);
    for (index, variable) in plan.variables.iter().enumerate() {
        let mut rng = uniform(index as u64 + 1);
        let axes = match variable.name.starts_with("depthwise") {
            true => 2,
            false => variable.shape.len() - 1,
        };
        let fan_in = variable.shape.iter().take(axes).product::<usize>() as f64;
        let (start, width) = match variable.name.split('/').next_back() {
            Some("kernel") => (-(6.0 / fan_in).sqrt(), 2.0 * (6.0 / fan_in).sqrt()),
            Some("bias" | "beta") => (-0.1, 0.2),
            Some("gamma") => (0.75, 0.5),
            _ => continue,
        };
        for value in parameters.values_mut(variable) {
            *value = (start + width * rng.uniform()) as f32;
        }
    }
    fixture.parameters = parameters;
    let mut rng = uniform(1000);
    fixture
        .images
        .iter_mut()
        .for_each(|pixel| *pixel = rng.uniform() as f32);
    let mut rng = uniform(1001);
    fixture
        .labels
        .iter_mut()
        .for_each(|label| *label = (rng.uniform() * 5.0) as u16);
    fixture
}

#[track_caller]
fn check(what: &str, found: &[f32], expected: &[f32], bound: f32) {
    let off = deviation(found, expected);
    assert!(off < bound, "{what}: off by {off:.1e}");
}

/// Values of every variable by name.
#[track_caller]
fn check_variables(
    plan: &NetworkPlan,
    values: &Parameters,
    expected: &HashMap<String, Vec<f32>>,
    bound: f32,
) {
    for variable in &plan.variables {
        if let Some(expected) = expected.get(&variable.name) {
            check(&variable.name, values.values(variable), expected, bound);
        }
    }
}

fn step(reference: &Reference) -> SgdStep {
    SgdStep {
        learning_rate: reference.learning_rate,
        momentum: reference.momentum,
        nesterov: false,
        weight_decay: 0.0,
    }
}

fn inference_logits(
    fixture: &Fixture,
    parameters: &Parameters,
    options: &KernelOptions,
) -> Vec<f32> {
    let mut inference = Inference::new(fixture.plan.clone(), fixture.labels.len(), options);
    inference.load(parameters);
    inference.logits(&fixture.images).to_vec()
}

#[test]
fn kernels_agree_with_keras() {
    let reference = reference();
    let fixture = fixture(&reference);
    for instructions in InstructionSet::available() {
        for exact in [true, false] {
            let options = KernelOptions {
                exact,
                instructions,
            };
            let mut parameters = fixture.parameters.clone();
            let logits = inference_logits(&fixture, &parameters, &options);
            check("logits", &logits, &reference.logits, 1e-5);
            let batch = reference.batch;
            let mut network = KernelNetwork::new(fixture.plan.clone(), batch, &options);
            let mut gradients = Parameters::zeros(&fixture.plan);
            let mut velocities = gradients.trainable.clone();
            for (number, loss) in reference.losses.iter().enumerate() {
                let metrics = network.gradients(
                    &mut parameters,
                    &fixture.images,
                    &fixture.labels,
                    &mut Rng::new(1),
                    &mut gradients.trainable,
                );
                check("loss", &[metrics.loss as f32], &[*loss], 1e-5);
                if number == 0 {
                    check_variables(&fixture.plan, &gradients, &reference.gradients, 1e-4);
                }
                sgd_update(
                    &step(&reference),
                    &mut parameters.trainable,
                    &mut velocities,
                    &gradients.trainable,
                );
            }
            check_variables(&fixture.plan, &parameters, &reference.variables_after, 1e-4);
            let logits = inference_logits(&fixture, &parameters, &options);
            check("final logits", &logits, &reference.logits_after, 1e-4);
        }
    }
}

#[test]
fn candle_agrees_with_keras() {
    let reference = reference();
    let fixture = fixture(&reference);
    let mut parameters = fixture.parameters.clone();
    let logits = CandleNetwork::new(&fixture.plan, &parameters, &Device::Cpu)
        .and_then(|network| {
            network
                .forward(&fixture.tensor())?
                .flatten_all()?
                .to_vec1::<f32>()
        })
        .expect("candle");
    check("logits", &logits, &reference.logits, 1e-5);
    let mut velocities = vec![0.0; parameters.trainable.len()];
    for (number, expected) in reference.losses.iter().enumerate() {
        let (loss, gradients, running_stats) = fixture
            .candle_step(&parameters, &mut Rng::new(1))
            .expect("candle");
        check("loss", &[loss], &[*expected], 1e-5);
        if number == 0 {
            let mut values = Parameters::zeros(&fixture.plan);
            values.trainable.copy_from_slice(&gradients);
            check_variables(&fixture.plan, &values, &reference.gradients, 1e-4);
        }
        parameters.running_stats = running_stats;
        let weights = &mut parameters.trainable;
        sgd_update(&step(&reference), weights, &mut velocities, &gradients);
    }
    check_variables(&fixture.plan, &parameters, &reference.variables_after, 1e-4);
}

#[test]
fn zoo_has_as_many_parameters_as_in_keras() {
    for (name, expected) in reference().parameters {
        let plan = zoo::find(&name)
            .expect("a name of the zoo")
            .plan()
            .expect("valid network");
        assert_eq!(
            [plan.trainable_len(), plan.running_stats_len()],
            expected,
            "{name}"
        );
    }
}
