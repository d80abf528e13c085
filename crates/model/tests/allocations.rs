//! A step allocates nothing after the first. A binary of its own: it counts the whole process's
//! allocations, and tests that run beside it would be counted too.

use std::alloc::System;

use modiste_core::Rng;
use modiste_kernels::{SgdStep, sgd_update};
use modiste_model::{
    Inference, KernelOptions, Parameters, Walk, inference_bytes, training_bytes, zoo,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[test]
fn steps_and_inference_allocate_once() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build();
    pool.expect("threads start").install(|| {
        for name in zoo::names() {
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
    let resolved = zoo::find(name)
        .and_then(|architecture| architecture.resolve().ok())
        .expect("a network of the zoo");
    let mut parameters = Parameters::initialize(&resolved, 1);
    let mut gradients = vec![0.0; resolved.trainable_len()];
    let mut velocities = gradients.clone();
    let images = vec![0.5; BATCH * resolved.input.size()];
    let labels = [1; BATCH];
    let step = SgdStep {
        learning_rate: 0.01,
        momentum: 0.9,
        nesterov: false,
        weight_decay: 0.0,
    };
    let mut rng = Rng::new(1);
    let region = Region::new(ALLOCATOR);
    let mut walk = Walk::new(resolved.clone(), BATCH, options);
    check_estimate(&region, training_bytes(&resolved, BATCH, options));
    let mut take = |batch: usize| {
        let images = &images[..batch * resolved.input.size()];
        let labels = &labels[..batch];
        walk.gradients(&mut parameters, images, labels, &mut rng, &mut gradients);
        sgd_update(
            &step,
            &mut parameters.trainable,
            &mut velocities,
            &gradients,
        );
    };
    take(BATCH);
    let steps = Region::new(ALLOCATOR);
    // An epoch's last batch is shorter.
    for batch in [BATCH, BATCH, 4, BATCH] {
        take(batch);
    }
    let allocations = steps.change().allocations;
    assert_eq!(allocations, 0, "{name}, {options:?}: steps allocate");

    let region = Region::new(ALLOCATOR);
    let mut inference = Inference::new(resolved.clone(), BATCH, options);
    check_estimate(&region, inference_bytes(&resolved, BATCH, options));
    inference.load(&parameters);
    inference.logits(&images);
    let evaluations = Region::new(ALLOCATOR);
    inference.logits(&images);
    inference.load(&parameters);
    inference.logits(&images[..resolved.input.size()]);
    let allocations = evaluations.change().allocations;
    assert_eq!(allocations, 0, "{name}, {options:?}: inference allocates");
}

/// What was allocated is what was estimated, but for small tables.
#[track_caller]
fn check_estimate(region: &Region<'_, System>, estimate: u64) {
    let taken = region.change().bytes_allocated as f64;
    let ratio = estimate as f64 / taken;
    assert!(
        (0.95..1.15).contains(&ratio),
        "{estimate} bytes estimated, {taken} allocated"
    );
}
