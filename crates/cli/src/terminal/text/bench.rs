//! Benchmark results.

use modiste_experiment::BenchReport;

use crate::terminal::table::table;

/// Configuration, times, memory.
pub(crate) fn summary(report: &BenchReport) -> String {
    let BenchReport {
        architecture,
        batch_size,
        steps,
        kernels,
        threads,
        machine,
        ..
    } = report;
    let exact = if report.exact { ", exact" } else { "" };
    let mut lines = vec![
        format!(
            "{architecture}, batch size {batch_size}: {kernels}{exact}, {threads} threads, {machine}"
        ),
        format!(
            "step       {:.2} ms (median of {steps}; least {:.2}), {:.0} images per second",
            report.step_ms_median, report.step_ms_min, report.images_per_second
        ),
        format!(
            "inference  {:.2} ms (median of {steps}; least {:.2})",
            report.eval_ms_median, report.eval_ms_min
        ),
    ];
    lines.extend(
        report
            .peak_resident_mib
            .map(|peak| format!("memory     {peak:.0} MiB at peak")),
    );
    lines.join("\n")
}

/// A table of the times of each fused operation.
pub(crate) fn profile(report: &BenchReport) -> String {
    let stages = &report.timings.stages;
    if stages.is_empty() {
        return "\nOnly the kernels measure their layers: use `--engine kernels`.".into();
    }
    let milliseconds = |value: f64| format!("{value:.2}");
    let rate = |value: f64| match value < 0.05 {
        true => String::new(),
        false => format!("{value:.0}"),
    };
    let rows: Vec<[String; 6]> = stages
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
    let sum: f64 = stages
        .iter()
        .map(|stage| stage.forward_ms + stage.backward_ms)
        .sum();
    format!(
        "\n{}\n\nThe rest of a step, {:.2} ms, is the loss and the optimizer. GFLOP/s count the operations of \
         the direct method.",
        table(headings, &rows),
        report.step_ms_median - sum
    )
}
