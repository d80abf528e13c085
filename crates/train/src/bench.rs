//! How long steps and inference take.

use std::time::Instant;

use modiste_core::Rng;
use modiste_dataset::Batch;
use modiste_model::{Parameters, Resolved};
use serde::Serialize;

use crate::engine::{Compute, engine};
use crate::error::TrainError;
use crate::memory::require_step_memory;
use crate::optimizer::{Optimizer, OptimizerStep};

/// What [`bench()`] measured, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timings {
    /// One step of training on one batch, each.
    pub steps: Vec<f64>,
    /// The logits of one batch, each.
    pub evaluations: Vec<f64>,
    /// The stages of a step, where the kernels ran it.
    pub stages: Vec<StageTimings>,
}

/// One stage's times in milliseconds, the medians.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageTimings {
    /// Its layers: `conv2d + max_pooling2d`.
    pub name: String,
    /// `winograd` or `direct`, where it is a convolution.
    pub method: Option<&'static str>,
    /// Forwards.
    pub forward_ms: f64,
    /// Backwards.
    pub backward_ms: f64,
    /// Operations per nanosecond forwards, as the direct method counts them: a multiplication and
    /// an addition are two.
    pub forward_gflops: f64,
    /// The same backwards, where there are twice as many.
    pub backward_gflops: f64,
}

/// Takes `steps` steps of training and as many evaluations of a batch of made-up images, after
/// some that do not count.
///
/// # Errors
/// [`TrainError`] where the engine cannot run or the device refuses.
///
/// ```
/// use modiste_train::{Compute, bench, median};
///
/// let network = modiste_model::zoo::compact().resolve()?;
/// let timings = bench(&network, 4, 3, &Compute::default())?;
/// assert_eq!(timings.steps.len(), 3);
/// assert!(median(&timings.steps) > 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn bench(
    resolved: &Resolved,
    batch_size: usize,
    steps: usize,
    compute: &Compute,
) -> Result<Timings, TrainError> {
    const WARM_UP: usize = 3;
    let parameters = Parameters::initialize(resolved, 1);
    require_step_memory(resolved, batch_size, compute)?;
    let mut engine = engine(compute, resolved, &parameters, batch_size)?;
    let mut rng = Rng::new(1);
    let images: Vec<f32> = (0..batch_size * resolved.input.size())
        .map(|_| rng.uniform() as f32)
        .collect();
    let classes = resolved.classes();
    let labels: Vec<u16> = (0..batch_size).map(|_| rng.below(classes) as u16).collect();
    let batch = Batch {
        images: &images,
        labels: &labels,
    };
    let update = OptimizerStep {
        optimizer: Optimizer::Sgd {
            momentum: 0.9,
            nesterov: false,
            weight_decay: 0.0,
        },
        learning_rate: 1e-3,
    };
    let mut timings = Timings {
        steps: Vec::new(),
        evaluations: Vec::new(),
        stages: Vec::new(),
    };
    let mut profile: Vec<Vec<[f64; 2]>> = Vec::new();
    for number in 0..WARM_UP + steps {
        let start = Instant::now();
        engine.gradients(&batch, &mut rng)?;
        engine.update(&update)?;
        let step = milliseconds(start);
        if number >= WARM_UP {
            timings.steps.push(step);
            let times = engine.stage_times();
            profile.resize(times.len(), Vec::new());
            for (stage, time) in profile.iter_mut().zip(&times) {
                stage.push([time.forward, time.backward].map(|t| t.as_secs_f64() * 1e3));
            }
        }
    }
    for number in 0..WARM_UP + steps {
        let start = Instant::now();
        engine.logits(&images)?;
        if number >= WARM_UP {
            timings.evaluations.push(milliseconds(start));
        }
    }
    for (stage, times) in engine.stage_times().into_iter().zip(&profile) {
        let median_of = |way: usize| median(&times.iter().map(|t| t[way]).collect::<Vec<_>>());
        let [forward_ms, backward_ms] = [median_of(0), median_of(1)];
        let operations = 2.0 * (batch_size * stage.multiply_adds) as f64;
        timings.stages.push(StageTimings {
            name: stage.name,
            method: stage.method,
            forward_ms,
            backward_ms,
            forward_gflops: operations / (forward_ms * 1e6),
            backward_gflops: 2.0 * operations / (backward_ms * 1e6),
        });
    }
    Ok(timings)
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

/// The middle of some numbers, the mean of the middle two where their count is even; no number
/// where there are none.
///
/// ```
/// assert_eq!(modiste_train::median(&[3.0, 1.0, 2.0, 10.0]), 2.5);
/// ```
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}
