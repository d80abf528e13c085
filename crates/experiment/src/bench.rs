//! Benchmark of a training step and of inference.

use modiste_model::Architecture;
use modiste_train::{EngineKind, MAX_BATCH_SIZE, Timings, median};
use serde::Serialize;

use crate::compute::ComputeSetup;
use crate::error::{Error, Result};
use crate::machine::{Machine, peak_resident_mib};

/// Largest number of steps: more than anybody waits for is a typing error.
const MAX_STEPS: usize = 100_000;

/// Times of training steps and of inference on synthetic images.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct BenchReport {
    /// Name of the network.
    pub architecture: String,
    /// Images per step.
    pub batch_size: usize,
    /// Steps, and inference passes, that were measured.
    pub steps: usize,
    /// Median duration of a step in milliseconds.
    pub step_ms_median: f64,
    /// Least duration of a step in milliseconds.
    pub step_ms_min: f64,
    /// Median duration of an inference pass in milliseconds.
    pub eval_ms_median: f64,
    /// Least duration of an inference pass in milliseconds.
    pub eval_ms_min: f64,
    /// Images that are trained per second.
    pub images_per_second: f64,
    /// Peak memory of the process in MiB, if the system reports it.
    pub peak_resident_mib: Option<f64>,
    /// `avx512`, `avx2`, `portable`, or `candle`.
    pub kernels: String,
    /// Whether every convolution is computed by its definition.
    pub exact: bool,
    /// Number of threads.
    pub threads: usize,
    /// Processor and cores.
    pub machine: String,
    /// Every single time.
    pub timings: Timings,
}

/// Measures `steps` training steps, and as many inference passes, on batches of `batch_size` images.
///
/// # Errors
/// Returns [`Error::Setting`] if a number is out of range, and an error if the engine cannot run.
pub fn bench(
    architecture: &Architecture,
    batch_size: usize,
    steps: usize,
    setup: &ComputeSetup,
) -> Result<BenchReport> {
    for (name, value, most) in [
        ("batch size", batch_size, MAX_BATCH_SIZE),
        ("number of steps", steps, MAX_STEPS),
    ] {
        if !(1..=most).contains(&value) {
            return Err(Error::setting(format!(
                "{name} is {value}; take 1 to {most}"
            )));
        }
    }
    let compute = &setup.compute;
    let timings = modiste_train::bench(&architecture.resolve()?, batch_size, steps, compute)?;
    let step = median(&timings.steps);
    let kernels = match &compute.engine {
        EngineKind::Kernels => compute.kernels.instructions.name(),
        other => other.name(),
    };
    Ok(BenchReport {
        architecture: architecture.name.clone(),
        batch_size,
        steps,
        step_ms_median: step,
        step_ms_min: least(&timings.steps),
        eval_ms_median: median(&timings.evaluations),
        eval_ms_min: least(&timings.evaluations),
        images_per_second: batch_size as f64 / step * 1e3,
        peak_resident_mib: peak_resident_mib(),
        kernels: kernels.to_owned(),
        exact: compute.kernels.exact,
        threads: rayon::current_num_threads(),
        machine: Machine::current().processor(),
        timings,
    })
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}
