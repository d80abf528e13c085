//! Batch norm of the networks for any size is right after few steps.

use modiste_core::{ImageShape, Rng};
use modiste_kernels::{SgdStep, sgd_update};
use modiste_model::{
    Architecture, Inference, KernelNetwork, KernelOptions, Layer, NetworkPlan, Parameters, zoo,
};

const BATCH: usize = 64;
const CLASSES: usize = 4;

/// Images of vertical or horizontal stripes with one of two periods, each on noise.
fn batch(input: ImageShape, rng: &mut Rng) -> (Vec<f32>, Vec<u16>) {
    let mut images = Vec::new();
    let mut labels = Vec::new();
    for _ in 0..BATCH {
        let class = rng.below(CLASSES);
        let (phase, period) = (rng.below(8), if class < 2 { 4 } else { 6 });
        labels.push(class as u16);
        for y in 0..input.height {
            for x in 0..input.width {
                let along = if class.is_multiple_of(2) { x } else { y };
                let stripe = if (along + phase) % period < period / 2 {
                    0.25
                } else {
                    0.0
                };
                images.push((0.2 + stripe + 0.5 * rng.uniform()) as f32);
            }
        }
    }
    (images, labels)
}

/// Accuracies after 60 steps on new images: with batch statistics, and with running statistics.
fn accuracies(architecture: &Architecture) -> [f64; 2] {
    let plan: NetworkPlan = architecture.plan().expect("valid network");
    let options = KernelOptions::default();
    let mut network = KernelNetwork::new(plan.clone(), BATCH, &options);
    let mut parameters = Parameters::initialize(&plan, 2);
    let mut gradients = vec![0.0; plan.trainable_len()];
    let mut velocities = gradients.clone();
    let mut rng = Rng::new(3);
    let step = SgdStep {
        learning_rate: 0.02,
        momentum: 0.9,
        nesterov: false,
        weight_decay: 0.0,
    };
    for _ in 0..60 {
        let (images, labels) = batch(plan.input, &mut rng);
        let targets = &labels;
        network.gradients(&mut parameters, &images, targets, &mut rng, &mut gradients);
        sgd_update(
            &step,
            &mut parameters.trainable,
            &mut velocities,
            &gradients,
        );
    }
    let mut inference = Inference::new(plan.clone(), BATCH, &options);
    inference.load(&parameters);
    let mut correct = [0; 2];
    const BATCHES: usize = 8;
    for _ in 0..BATCHES {
        let (images, labels) = batch(plan.input, &mut rng);
        let logits = inference.logits(&images);
        correct[1] += modiste_metrics::count_correct(logits, &labels, CLASSES);
        let mut copy = parameters.clone();
        let metrics = network.gradients(&mut copy, &images, &labels, &mut rng, &mut gradients);
        correct[0] += metrics.correct;
    }
    correct.map(|correct| correct as f64 / (BATCHES * BATCH) as f64)
}

#[test]
#[ignore = "slow; cargo xtask test --all runs it"]
fn running_statistics_agree_with_batch_statistics() {
    for name in ["resnet", "mobile"] {
        let architecture = zoo::build(name, ImageShape::new(16, 12, 1), CLASSES).expect(name);
        let [batch, running] = accuracies(&architecture);
        assert!(batch > 0.6, "{name} learns: {batch}");
        assert!(
            (batch - running).abs() < 0.05,
            "{name}: {batch} and {running}"
        );
    }
}

/// Keras's default momentum is the reason for that of the zoo.
#[test]
#[ignore = "slow; cargo xtask test --all runs it"]
fn momentum_of_99_percent_lags_behind() {
    let mut architecture =
        zoo::build("resnet", ImageShape::new(16, 12, 1), CLASSES).expect("resnet");
    let slow = |layers: &mut Vec<Layer>| {
        for layer in layers {
            if let Layer::BatchNorm { momentum, .. } = layer {
                *momentum = 0.99;
            }
        }
    };
    slow(&mut architecture.layers);
    for layer in &mut architecture.layers {
        if let Layer::Residual { layers, shortcut } = layer {
            slow(layers);
            slow(shortcut);
        }
    }
    let [batch, running] = accuracies(&architecture);
    assert!(batch - running > 0.05, "{batch} and {running}");
}
