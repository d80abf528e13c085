//! `bench`: how long a step of training and inference take.

use anyhow::{Result, bail};
use modiste_model::zoo;
use modiste_train::{EngineKind, MAX_BATCH_SIZE, Timings, bench, median};
use serde::Serialize;

use crate::compute::ComputeArguments;
use crate::machine::{machine, peak_resident_mib};
use crate::names::unknown;
use crate::output;

/// More steps than anybody waits for are a slip.
const MAX_STEPS: usize = 100_000;

/// The flags of `bench`.
#[derive(clap::Args)]
#[command(
    after_help = "Times are of this machine, now: compare only what ran side by side.\n\nExamples:\n  \
                  modiste bench --architecture vgg --profile\n  \
                  modiste bench --batch-size 1 --steps 200 --json\n  \
                  MODISTE_KERNELS=avx2 modiste bench"
)]
pub(crate) struct Arguments {
    /// The network: compact, vgg, bnvgg, closet.
    #[arg(long, value_name = "A", default_value = "compact")]
    architecture: String,
    /// Images of a step.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        allow_negative_numbers = true
    )]
    batch_size: usize,
    /// Steps, and evaluations, that are measured.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20,
        allow_negative_numbers = true
    )]
    steps: usize,
    #[command(flatten)]
    compute: ComputeArguments,
    /// Say how long each layer took forwards and backwards.
    #[arg(long)]
    profile: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    architecture: String,
    batch_size: usize,
    steps: usize,
    step_ms_median: f64,
    step_ms_min: f64,
    eval_ms_median: f64,
    eval_ms_min: f64,
    /// Trained in a second.
    images_per_second: f64,
    /// The most memory that the process had at once; `null` where the system does not tell.
    peak_resident_mib: Option<f64>,
    /// `avx512`, `avx2` or `portable`; or `candle`.
    kernels: String,
    exact: bool,
    threads: usize,
    machine: String,
    /// Every single time.
    timings: Timings,
}

/// Runs the command.
///
/// # Errors
/// Where the network is not known, a number is out of range, or the engine cannot run.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let Some(architecture) = zoo::find(&arguments.architecture) else {
        return Err(unknown(
            "architecture",
            &arguments.architecture,
            zoo::names(),
        ));
    };
    let (batch_size, steps) = (arguments.batch_size, arguments.steps);
    if !(1..=MAX_BATCH_SIZE).contains(&batch_size) {
        bail!("batch-size is {batch_size}; take 1 to {MAX_BATCH_SIZE}");
    }
    if !(1..=MAX_STEPS).contains(&steps) {
        bail!("steps is {steps}; take 1 to {MAX_STEPS}");
    }
    let chosen = arguments.compute.start()?;
    let compute = &chosen.compute;
    let timings = bench(&architecture.plan()?, batch_size, steps, compute)?;
    let step = median(&timings.steps);
    let kernels = match &compute.engine {
        EngineKind::Kernels => compute.kernels.instructions.name(),
        _ => "candle",
    };
    let report = Report {
        architecture: architecture.name,
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
        threads: chosen.threads,
        machine: machine(),
        timings,
    };
    if arguments.json {
        return output::json(&report);
    }
    print(&report)?;
    if arguments.profile {
        print_profile(&report)?;
    }
    Ok(())
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn print(report: &Report) -> Result<()> {
    let Report {
        architecture,
        batch_size,
        steps,
        kernels,
        threads,
        machine,
        ..
    } = report;
    let exact = if report.exact { ", exact" } else { "" };
    output::line(format_args!(
        "{architecture}, batches of {batch_size}: {kernels}{exact}, threads {threads}, {machine}"
    ))?;
    output::line(format_args!(
        "step       {:.2} ms (median of {steps}; least {:.2}), {:.0} images a second",
        report.step_ms_median, report.step_ms_min, report.images_per_second
    ))?;
    output::line(format_args!(
        "inference  {:.2} ms (median of {steps}; least {:.2})",
        report.eval_ms_median, report.eval_ms_min
    ))?;
    match report.peak_resident_mib {
        Some(peak) => output::line(format_args!("memory     {peak:.0} MiB at most")),
        None => Ok(()),
    }
}

fn print_profile(report: &Report) -> Result<()> {
    if report.timings.ops.is_empty() {
        return output::line(
            "\nOnly the kernels tell their layers apart: take `--engine kernels`.",
        );
    }
    let milliseconds = |value: f64| format!("{value:.2}");
    let rate = |value: f64| {
        if value < 0.05 {
            String::new()
        } else {
            format!("{value:.0}")
        }
    };
    let rows: Vec<[String; 6]> = report
        .timings
        .ops
        .iter()
        .map(|stage| {
            [
                stage.name.clone(),
                stage.method.unwrap_or_default().to_owned(),
                milliseconds(stage.forward_ms),
                rate(stage.forward_gflops),
                milliseconds(stage.backward_ms),
                rate(stage.backward_gflops),
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
    output::line(format_args!("\n{}", output::table(headings, &rows)))?;
    let sum: f64 = report
        .timings
        .ops
        .iter()
        .map(|stage| stage.forward_ms + stage.backward_ms)
        .sum();
    output::line(format_args!(
        "\nThe rest of a step, {:.2} ms, is the loss and the optimiser. GFLOP/s as the direct method \
         counts operations.",
        report.step_ms_median - sum
    ))
}
