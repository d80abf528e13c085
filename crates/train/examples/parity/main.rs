//! Compares both engines with reference numbers from Keras.
//!
//! ```text
//! cargo run -q --release -p modiste-train --example parity -- FILE.json --data datasets
//! ```
//!
//! Runs the candle engine and the exact kernels; with `--default-kernels` only the default kernels. Prints
//! the largest deviations per network and engine. Exits with 1 if a deviation exceeds its bound even with
//! weights that are perturbed by at most 6e-8 (the reason is in `compare::compare`).
//!
//! The bounds are 1e-5 for losses (relative), 1e-4 for norms of the first gradients and of the final weights
//! (relative), 1e-2 for single values (relative to the variable's root mean square; a transposed variable
//! has the same norm), and 1e-3 for logits (relative to the largest). With `--default-kernels` they are 1e-4
//! for losses and 1e-3 for norms of the first gradients, since Winograd convolution rounds more.
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

use crate::compare::{Bounds, Case, Comparison, Deviation, PERTURBATIONS};

#[derive(Parser)]
#[command(about = "Compares both engines with reference numbers from Keras")]
struct Arguments {
    /// Reference numbers, as `crates/train/tests/golden/keras.py` writes them.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Folder of the datasets [default: the embedded first 5,000 images].
    #[arg(long)]
    data: Option<PathBuf>,
    /// Device of the candle engine: auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
    /// Run only the default kernels, instead of candle and the exact kernels.
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
    let compute = |engine| Compute { engine, kernels };
    let cpu = compute(EngineKind::Kernels);
    let configurations = if arguments.default_kernels {
        vec![(cpu, Bounds::FAST)]
    } else {
        let candle = compute(EngineKind::Candle(selected.device.clone()));
        vec![(candle, Bounds::EXACT), (cpu, Bounds::EXACT)]
    };
    let mut all_hold = true;
    for file in &arguments.files {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let golden: golden::Golden = serde_json::from_str(&text)
            .with_context(|| format!("{} is not a file of reference numbers", file.display()))?;
        println!("{}", file.display());
        for name in golden.models.keys() {
            for (compute, bounds) in &configurations {
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
    match &comparison.perturbed {
        Some((perturbation, deviations)) => {
            println!(
                "  {name} {engine}: agrees with weights perturbed by at most 6e-8 (perturbation \
                 {perturbation} of {PERTURBATIONS}):"
            );
            print(deviations);
        }
        None if comparison.holds() => {}
        None => println!("  {name} {engine}: DIFFERS, also with {PERTURBATIONS} perturbations"),
    }
}
