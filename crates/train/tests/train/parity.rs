use candle_core::Device;
use modiste_train::EngineChoice;

use crate::compare::{Case, Deviation, compare};
use crate::golden::Golden;

#[track_caller]
fn check(json: &str) {
    let golden: Golden = serde_json::from_str(json).expect("reference numbers");
    let gray = modiste_dataset::fashion_mnist_mini().train;
    assert_eq!(golden.models.len(), 3);
    for name in golden.models.keys() {
        for engine in [EngineChoice::Candle, EngineChoice::Kernels] {
            let comparison = compare(&Case {
                golden: &golden,
                name,
                engine,
                device: &Device::Cpu,
                gray: &gray,
            })
            .expect("it runs");
            let plain: Vec<String> = comparison.plain.iter().map(Deviation::to_string).collect();
            assert!(comparison.holds(), "{name} {engine}: {plain:?}");
        }
    }
}

#[test]
fn plain_sgd_agrees_with_keras() {
    check(include_str!("../golden/sgd.json"));
}

#[test]
fn nesterov_with_a_decaying_rate_agrees_with_keras() {
    check(include_str!("../golden/nesterov-decay.json"));
}

#[test]
fn a_wrong_learning_rate_is_noticed() {
    let json = include_str!("../golden/sgd.json");
    let mut golden: Golden = serde_json::from_str(json).expect("reference numbers");
    golden.learning_rate *= 1.001;
    let comparison = compare(&Case {
        golden: &golden,
        name: "compact",
        engine: EngineChoice::Kernels,
        device: &Device::Cpu,
        gray: &modiste_dataset::fashion_mnist_mini().train,
    });
    assert!(!comparison.expect("it runs").holds());
}
