//! Benchmark of training steps and inference.

use std::time::Instant;

use modiste_core::Rng;
use modiste_dataset::Batch;
use modiste_model::{NetworkPlan, Parameters};
use serde::Serialize;

use crate::engine::{Compute, engine};
use crate::error::TrainError;
use crate::memory::require_step_memory;
use crate::optimizer::{Optimizer, OptimizerStep};

/// Results of [`bench()`], in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timings {
    /// Durations of training steps on one batch.
    pub steps: Vec<f64>,
    /// Durations of the inference of one batch.
    pub evaluations: Vec<f64>,
    /// Timings of the fused operations of a step; empty if the engine does not measure them.
    #[serde(rename = "stages")]
    pub ops: Vec<FusedOpTimings>,
}

/// Median durations of one fused operation, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FusedOpTimings {
    /// Names of the layers, such as `conv2d + max_pooling2d`.
    pub name: String,
    /// Method of a convolution, `winograd` or `direct`; `None` for other operations.
    pub method: Option<&'static str>,
    /// Duration of the forward pass.
    pub forward_ms: f64,
    /// Duration of the backward pass.
    pub backward_ms: f64,
    /// Throughput of the forward pass in GFLOP/s. Operations are counted as in the direct method; a
    /// multiply-add is two.
    pub forward_gflops: f64,
    /// Throughput of the backward pass in GFLOP/s; it has twice as many operations.
    pub backward_gflops: f64,
}

/// Measures `steps` training steps and as many inference calls on a batch of random images, after a
/// warm-up.
///
/// # Errors
/// Returns [`TrainError::Memory`] if there is not enough memory, and `TrainError::Candle` if candle
/// fails.
///
/// ```
/// use modiste_train::{Compute, bench, median};
///
/// let network = modiste_model::zoo::compact().plan()?;
/// let timings = bench(&network, 4, 3, &Compute::default())?;
/// assert_eq!(timings.steps.len(), 3);
/// assert!(median(&timings.steps) > 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn bench(
    plan: &NetworkPlan,
    batch_size: usize,
    steps: usize,
    compute: &Compute,
) -> Result<Timings, TrainError> {
    const WARM_UP: usize = 3;
    let parameters = Parameters::initialize(plan, 1);
    require_step_memory(plan, batch_size, compute)?;
    let mut engine = engine(compute, plan, &parameters, batch_size)?;
    let mut rng = Rng::new(1);
    let images: Vec<f32> = (0..batch_size * plan.input.size())
        .map(|_| rng.uniform() as f32)
        .collect();
    let classes = plan.classes();
    let labels: Vec<u16> = (0..batch_size).map(|_| rng.below(classes) as u16).collect();
    let indices: Vec<usize> = (0..batch_size).collect();
    let batch = Batch {
        images: &images,
        indices: &indices,
        labels: &labels,
        mixed: None,
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
        ops: Vec::new(),
    };
    let mut profile: Vec<Vec<[f64; 2]>> = Vec::new();
    for number in 0..WARM_UP + steps {
        let start = Instant::now();
        engine.gradients(&batch, &mut rng)?;
        engine.update(&update)?;
        let step = milliseconds(start);
        if number >= WARM_UP {
            timings.steps.push(step);
            let times = engine.op_times();
            profile.resize(times.len(), Vec::new());
            for (op, time) in profile.iter_mut().zip(&times) {
                op.push([time.forward, time.backward].map(|t| t.as_secs_f64() * 1e3));
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
    for (op, times) in engine.op_times().into_iter().zip(&profile) {
        let median_of = |pass: usize| median(&times.iter().map(|t| t[pass]).collect::<Vec<_>>());
        let [forward_ms, backward_ms] = [median_of(0), median_of(1)];
        let operations = 2.0 * (batch_size * op.multiply_adds) as f64;
        timings.ops.push(FusedOpTimings {
            name: op.name,
            method: op.method,
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

/// Median of `values`: the mean of the middle two if their number is even, NaN if there are none.
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
