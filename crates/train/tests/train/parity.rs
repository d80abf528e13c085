use candle_core::Device;
use modiste_kernels::{AdamWStep, adamw_update, clip_global_norm};
use modiste_model::{InstructionSet, KernelOptions};
use modiste_train::{Compute, EngineKind};
use serde::Deserialize;

use crate::compare::{Bounds, Case, Deviation, compare};
use crate::golden::Golden;

fn kernels(exact: bool, instructions: InstructionSet) -> Compute {
    Compute {
        kernels: KernelOptions {
            exact,
            instructions,
        },
        ..Compute::default().with(EngineKind::Kernels)
    }
}

/// The candle engine, and the exact and the default kernels with every available instruction set.
fn configurations() -> Vec<(String, Compute, Bounds)> {
    let candle = Compute::default().with(EngineKind::Candle(Device::Cpu));
    let mut configurations = vec![("candle".to_owned(), candle, Bounds::EXACT)];
    for set in InstructionSet::available() {
        let name = set.name();
        configurations.push((format!("{name}, exact"), kernels(true, set), Bounds::EXACT));
        configurations.push((name.to_owned(), kernels(false, set), Bounds::FAST));
    }
    configurations
}

#[track_caller]
fn check(json: &str) {
    let golden: Golden = serde_json::from_str(json).expect("reference numbers");
    let gray = modiste_dataset::fashion_mnist_mini().train;
    assert_eq!(golden.models.len(), 3);
    for name in golden.models.keys() {
        for (configuration, compute, bounds) in configurations() {
            let comparison = compare(&Case {
                golden: &golden,
                name,
                compute: &compute,
                bounds,
                gray: &gray,
            })
            .expect("it runs");
            let plain: Vec<String> = comparison.plain.iter().map(Deviation::to_string).collect();
            assert!(comparison.holds(), "{name}, {configuration}: {plain:?}");
        }
    }
}

#[test]
#[ignore = "slow; cargo xtask test --all runs it"]
fn sgd_matches_keras() {
    check(include_str!("../golden/sgd.json"));
}

#[test]
#[ignore = "slow; cargo xtask test --all runs it"]
fn nesterov_with_decay_matches_keras() {
    check(include_str!("../golden/nesterov-decay.json"));
}

#[test]
#[ignore = "slow; cargo xtask test --all runs it"]
fn detects_wrong_learning_rate() {
    let json = include_str!("../golden/sgd.json");
    let mut golden: Golden = serde_json::from_str(json).expect("reference numbers");
    golden.learning_rate *= 1.001;
    let comparison = compare(&Case {
        golden: &golden,
        name: "compact",
        compute: &kernels(true, InstructionSet::best()),
        bounds: Bounds::EXACT,
        gray: &modiste_dataset::fashion_mnist_mini().train,
    });
    assert!(!comparison.expect("it runs").holds());
}

#[test]
fn adamw_with_clipping_matches_keras() {
    #[derive(Deserialize)]
    struct Golden {
        adamw: AdamW,
    }
    #[derive(Deserialize)]
    struct AdamW {
        learning_rate: f64,
        beta_1: f64,
        beta_2: f64,
        epsilon: f64,
        weight_decay: f64,
        clip_norm: f64,
        start: Vec<f32>,
        gradients: Vec<Vec<f32>>,
        after: Vec<Vec<f32>>,
    }
    let json = include_str!("../golden/optimization.json");
    let golden: Golden = serde_json::from_str(json).expect("reference numbers");
    let golden = golden.adamw;
    let mut weights = golden.start;
    let [mut first, mut second] = [vec![0.0; weights.len()], vec![0.0; weights.len()]];
    let mut clipped = 0;
    for (index, (mut gradients, after)) in
        golden.gradients.into_iter().zip(golden.after).enumerate()
    {
        let norm = clip_global_norm(&mut gradients, golden.clip_norm);
        clipped += usize::from(norm > golden.clip_norm);
        let step = AdamWStep {
            learning_rate: golden.learning_rate,
            beta1: golden.beta_1,
            beta2: golden.beta_2,
            epsilon: golden.epsilon,
            weight_decay: golden.weight_decay,
            step: index as u64 + 1,
        };
        adamw_update(&step, &mut weights, &mut first, &mut second, &gradients);
        // Keras computes the bias correction in f32, which loses digits in the first steps.
        for (found, expected) in weights.iter().zip(&after) {
            assert!(
                (found - expected).abs() < 1e-6,
                "step {index}: {found} {expected}"
            );
        }
    }
    assert!(
        (1..12).contains(&clipped),
        "{clipped} of 12 gradients are clipped"
    );
}
