//! Holds both ways of running a network against reference numbers from Keras.
//!
//! ```text
//! cargo run -q --release -p modiste-train --example parity -- FILE.json --data datasets
//! ```
//!
//! Runs candle's graph and the kernels as `--exact` makes them; with `--default-kernels` the kernels
//! as they come. Prints the largest deviations per network and engine; exits 1 where one is beyond its bound and
//! stays so when the weights are disturbed by at most 6e-8 (why: `compare::compare`).
//! The bounds: losses 1e-5 (relative), norms of the first gradients and of the weights after all
//! steps 1e-4 (relative), single values 1e-2 of the variable's usual size (a transposed variable
//! has the same norm), logits 1e-3 of the largest. With `--default-kernels` losses 1e-4 and norms of
//! the first gradients 1e-3: Winograd's method rounds more.
#![allow(clippy::print_stdout, reason = "a program, not a library")]

mod compare;
mod golden;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use modiste_dataset::LoadOptions;
use modiste_model::{DeviceChoice, InstructionSet, KernelOptions, select_device};
use modiste_train::{Compute, EngineKind};

use crate::compare::{Bounds, Case, Comparison, DISTURBANCES, Deviation};

#[derive(Parser)]
#[command(about = "Holds the graph and the walk against reference numbers from Keras")]
struct Arguments {
    /// Reference numbers, as `crates/train/tests/golden/keras.py` writes them.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The folder of the datasets; without it the embedded first 5,000 images are taken.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Where the graph runs: auto, cpu, cuda, cuda:N.
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
    /// Run the kernels as training does by default, not exact.
    #[arg(long)]
    default_kernels: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let gray = match arguments.data {
        Some(data) => {
            let options = LoadOptions {
                data,
                ..LoadOptions::default()
            };
            modiste_dataset::load("fashion-mnist", &options)?.train
        }
        None => modiste_dataset::fashion_mnist_mini().train,
    };
    let selected = select_device(arguments.device)?;
    println!("{}", selected.description);
    let kernels = KernelOptions {
        exact: !arguments.default_kernels,
        instructions: InstructionSet::from_env()?,
    };
    println!(
        "Kernels: {}, exact: {}",
        kernels.instructions.name(),
        kernels.exact
    );
    let way = |engine| Compute { engine, kernels };
    let on_cpu = way(EngineKind::Kernels);
    let ways = if arguments.default_kernels {
        vec![(on_cpu, Bounds::FAST)]
    } else {
        let graph = way(EngineKind::Candle(selected.device.clone()));
        vec![(graph, Bounds::EXACT), (on_cpu, Bounds::EXACT)]
    };
    let mut all_hold = true;
    for file in &arguments.files {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let golden: golden::Golden = serde_json::from_str(&text)
            .with_context(|| format!("{} is no file of reference numbers", file.display()))?;
        println!("{}", file.display());
        for name in golden.models.keys() {
            for (compute, bounds) in &ways {
                let engine = compute.engine.name();
                let comparison = compare::compare(&Case {
                    golden: &golden,
                    name,
                    compute,
                    bounds: *bounds,
                    gray: &gray,
                })
                .map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
                print(name, engine, &comparison);
                all_hold &= comparison.holds();
            }
        }
    }
    Ok(if all_hold {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn print(name: &str, engine: &str, comparison: &Comparison) {
    let engine = engine.to_string();
    let print = |deviations: &[Deviation]| {
        for deviation in deviations {
            println!("  {name:<8} {engine:<8} {deviation}");
        }
    };
    print(&comparison.plain);
    match &comparison.disturbed {
        Some((disturbance, deviations)) => {
            println!(
                "  {name} {engine}: rounding decides; with weights disturbed by at most 6e-8 \
                 (try {disturbance} of {DISTURBANCES}):"
            );
            print(deviations);
        }
        None if comparison.holds() => {}
        None => println!("  {name} {engine}: DIFFERS, also with {DISTURBANCES} disturbances"),
    }
}
