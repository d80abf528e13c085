use candle_core::Device;
use modiste_model::{InstructionSet, KernelOptions};
use modiste_train::{Compute, EngineKind};

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
