//! Holds both ways of running a network against reference numbers from Keras.
//!
//! ```text
//! cargo run -q --release -p modiste-train --example parity -- FILE.json --data datasets
//! ```
//!
//! Prints the largest deviations per network and engine; exits 1 where one is beyond its bound and
//! stays so when the weights are disturbed by at most 6e-8 (why: `compare::compare`).
//! The bounds: losses 1e-5 (relative), norms of the first gradients and of the weights after all
//! steps 1e-4 (relative), single values 1e-2 of the variable's usual size (a transposed variable
//! has the same norm), logits 1e-3 of the largest.
#![allow(clippy::print_stdout, reason = "a program, not a library")]

mod compare;
mod golden;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use modiste_dataset::LoadOptions;
use modiste_model::{DeviceChoice, select_device};
use modiste_train::EngineChoice;

use crate::compare::{Case, Comparison, DISTURBANCES, Deviation};

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
    let mut all_hold = true;
    for file in &arguments.files {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let golden: golden::Golden = serde_json::from_str(&text)
            .with_context(|| format!("{} is no file of reference numbers", file.display()))?;
        println!("{}", file.display());
        for name in golden.models.keys() {
            for engine in [EngineChoice::Candle, EngineChoice::Kernels] {
                let cpu = candle_core::Device::Cpu;
                let device = match engine {
                    EngineChoice::Kernels => &cpu,
                    _ => &selected.device,
                };
                let comparison = compare::compare(&Case {
                    golden: &golden,
                    name,
                    engine,
                    device,
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

fn print(name: &str, engine: EngineChoice, comparison: &Comparison) {
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
