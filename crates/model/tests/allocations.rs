//! Steps and inference allocate no memory after the first call. This is a separate test binary because
//! it counts all allocations of the process.

use std::alloc::System;

use modiste_core::Rng;
use modiste_kernels::{SgdStep, sgd_update};
use modiste_model::{
    Inference, KernelNetwork, KernelOptions, Parameters, inference_bytes, training_bytes, zoo,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[test]
fn steps_and_inference_allocate_once() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build();
    pool.expect("threads start").install(|| {
        for name in ["compact", "vgg", "bnvgg", "resnet", "mobile"] {
            for exact in [false, true] {
                let options = KernelOptions {
                    exact,
                    ..KernelOptions::default()
                };
                check(name, &options);
            }
        }
    });
}

#[track_caller]
fn check(name: &str, options: &KernelOptions) {
    const BATCH: usize = 9;
    let plan = zoo::find(name)
        .and_then(|architecture| architecture.plan().ok())
        .expect("zoo architectures are valid");
    let mut parameters = Parameters::initialize(&plan, 1);
    let mut gradients = vec![0.0; plan.trainable_len()];
    let mut velocities = gradients.clone();
    let images = vec![0.5; BATCH * plan.input.size()];
    let labels = [1; BATCH];
    let step = SgdStep {
        learning_rate: 0.01,
        momentum: 0.9,
        nesterov: false,
        weight_decay: 0.0,
    };
    let mut rng = Rng::new(1);
    let region = Region::new(ALLOCATOR);
    let mut network = KernelNetwork::new(plan.clone(), BATCH, options);
    check_estimate(&region, training_bytes(&plan, BATCH, options));
    let mut train_step = |batch: usize| {
        let images = &images[..batch * plan.input.size()];
        let labels = &labels[..batch];
        network.gradients(&mut parameters, images, labels, &mut rng, &mut gradients);
        sgd_update(
            &step,
            &mut parameters.trainable,
            &mut velocities,
            &gradients,
        );
    };
    train_step(BATCH);
    let steps = Region::new(ALLOCATOR);
    // The last batch of an epoch is shorter.
    for batch in [BATCH, BATCH, 4, BATCH] {
        train_step(batch);
    }
    let allocations = steps.change().allocations;
    assert_eq!(allocations, 0, "{name}, {options:?}: steps allocate");

    let region = Region::new(ALLOCATOR);
    let mut inference = Inference::new(plan.clone(), BATCH, options);
    check_estimate(&region, inference_bytes(&plan, BATCH, options));
    inference.load(&parameters);
    inference.logits(&images);
    let evaluations = Region::new(ALLOCATOR);
    inference.logits(&images);
    inference.load(&parameters);
    inference.logits(&images[..plan.input.size()]);
    let allocations = evaluations.change().allocations;
    assert_eq!(allocations, 0, "{name}, {options:?}: inference allocates");
}

/// Checks that the estimate matches the allocated bytes, except for small tables.
#[track_caller]
fn check_estimate(region: &Region<'_, System>, estimate: u64) {
    let taken = region.change().bytes_allocated as f64;
    let ratio = estimate as f64 / taken;
    assert!(
        (0.95..1.15).contains(&ratio),
        "{estimate} bytes estimated, {taken} allocated"
    );
}
