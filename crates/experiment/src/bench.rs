//! Benchmark of a training step and of inference.

use std::fmt;

use modiste_model::Architecture;
use modiste_train::{EngineKind, MAX_BATCH_SIZE, Timings, median};
use serde::Serialize;

use crate::compute::ComputeSetup;
use crate::error::{Error, Result};
use crate::machine::{Machine, peak_resident_mib};
use crate::table::table;

/// Maximum number of steps: a larger number is probably a typing error.
const MAX_STEPS: usize = 100_000;

/// Times of training steps and of inference on synthetic images.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct BenchReport {
    /// Name of the network.
    pub architecture: String,
    /// Number of images per step.
    pub batch_size: usize,
    /// Number of training steps, and of inference passes, that were measured.
    pub steps: usize,
    /// Median duration of a step in milliseconds.
    pub step_ms_median: f64,
    /// Minimum duration of a step in milliseconds.
    pub step_ms_min: f64,
    /// Median duration of an inference pass in milliseconds.
    pub eval_ms_median: f64,
    /// Minimum duration of an inference pass in milliseconds.
    pub eval_ms_min: f64,
    /// Number of training images per second.
    pub images_per_second: f64,
    /// Peak memory of the process in MiB, if the system reports it.
    pub peak_resident_mib: Option<f64>,
    /// Instruction set of the kernels, `avx512`, `avx2` or `portable`; `candle` for the candle engine.
    pub kernels: String,
    /// True if every convolution is computed by its definition.
    pub exact: bool,
    /// Number of threads.
    pub threads: usize,
    /// Processor and number of cores.
    pub machine: String,
    /// All measured times.
    pub timings: Timings,
}

/// Measures `steps` training steps, and as many inference passes, on batches of `batch_size` images.
///
/// # Errors
/// Returns [`Error::Setting`] if a number is out of range, [`Error::Architecture`] if the layers do not fit, and
/// [`Error::Train`] if the engine fails.
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
    let timings = modiste_train::bench(&architecture.plan()?, batch_size, steps, compute)?;
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

impl fmt::Display for BenchReport {
    /// Writes the configuration, the times and the memory.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BenchReport {
            architecture,
            batch_size,
            steps,
            kernels,
            threads,
            machine,
            ..
        } = self;
        let exact = if self.exact { ", exact" } else { "" };
        let mut lines = vec![
            format!(
                "{architecture}, batch size {batch_size}: {kernels}{exact}, {threads} threads, {machine}"
            ),
            format!(
                "step       {:.2} ms (median of {steps}; least {:.2}), {:.0} images per second",
                self.step_ms_median, self.step_ms_min, self.images_per_second
            ),
            format!(
                "inference  {:.2} ms (median of {steps}; least {:.2})",
                self.eval_ms_median, self.eval_ms_min
            ),
        ];
        lines.extend(
            self.peak_resident_mib
                .map(|peak| format!("memory     {peak:.0} MiB at peak")),
        );
        f.write_str(&lines.join("\n"))
    }
}

impl BenchReport {
    /// Returns a table of the times of each fused operation in milliseconds; `None` if the engine does not measure
    /// them.
    pub fn profile(&self) -> Option<String> {
        let ops = &self.timings.ops;
        if ops.is_empty() {
            return None;
        }
        let milliseconds = |value: f64| format!("{value:.2}");
        let rate = |value: f64| match value < 0.05 {
            true => String::new(),
            false => format!("{value:.0}"),
        };
        let rows: Vec<[String; 6]> = ops
            .iter()
            .map(|op| {
                [
                    op.name.clone(),
                    op.method.unwrap_or_default().to_owned(),
                    milliseconds(op.forward_ms),
                    rate(op.forward_gflops),
                    milliseconds(op.backward_ms),
                    rate(op.backward_gflops),
                ]
            })
            .collect();
        let headings = [
            "layers",
            "method",
            ">forward ms",
            ">GFLOP/s",
            ">backward ms",
            ">GFLOP/s",
        ];
        let sum: f64 = ops.iter().map(|op| op.forward_ms + op.backward_ms).sum();
        Some(format!(
            "{}\n\nThe rest of a step, {:.2} ms, is the loss and the optimizer. GFLOP/s count the operations of \
         the direct method.",
            table(headings, &rows),
            self.step_ms_median - sum
        ))
    }
}
