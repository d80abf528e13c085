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

/// Candle's graph, and the kernels exact and as they come, on every set of instructions.
fn ways() -> Vec<(String, Compute, Bounds)> {
    let graph = Compute::default().with(EngineKind::Candle(Device::Cpu));
    let mut ways = vec![("candle".to_owned(), graph, Bounds::EXACT)];
    for set in InstructionSet::available() {
        let name = set.name();
        ways.push((format!("{name}, exact"), kernels(true, set), Bounds::EXACT));
        ways.push((name.to_owned(), kernels(false, set), Bounds::FAST));
    }
    ways
}

#[track_caller]
fn check(json: &str) {
    let golden: Golden = serde_json::from_str(json).expect("reference numbers");
    let gray = modiste_dataset::fashion_mnist_mini().train;
    assert_eq!(golden.models.len(), 3);
    for name in golden.models.keys() {
        for (way, compute, bounds) in ways() {
            let comparison = compare(&Case {
                golden: &golden,
                name,
                compute: &compute,
                bounds,
                gray: &gray,
            })
            .expect("it runs");
            let plain: Vec<String> = comparison.plain.iter().map(Deviation::to_string).collect();
            assert!(comparison.holds(), "{name}, {way}: {plain:?}");
        }
    }
}

#[test]
#[ignore = "slow; cargo xtask test --all runs it"]
fn plain_sgd_agrees_with_keras() {
    check(include_str!("../golden/sgd.json"));
}

#[test]
#[ignore = "slow; cargo xtask test --all runs it"]
fn nesterov_with_a_decaying_rate_agrees_with_keras() {
    check(include_str!("../golden/nesterov-decay.json"));
}

#[test]
#[ignore = "slow; cargo xtask test --all runs it"]
fn a_wrong_learning_rate_is_noticed() {
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
