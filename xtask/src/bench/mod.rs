//! `bench`: times of training steps and of inference, of Modiste and of other frameworks in turn.

mod contender;
mod job;
mod network;
mod table;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::bench::contender::{Contender, Measured, Size};
use crate::bench::network::Network;
use crate::bench::table::table;
use crate::modiste::Modiste;
use crate::python;
use crate::workspace;

/// Networks that are measured by default: names of the zoo, with the side of the images behind an `@` if it is not the
/// network's own.
const NETWORKS: [&str; 6] = [
    "vgg",
    "compact",
    "bnvgg",
    "resnet-1m",
    "resnet-1m@64",
    "mobile",
];

/// Flags of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Compare the whole training of this recipe with Keras instead of steps.
    #[arg(long, value_name = "RECIPE", conflicts_with_all = ["architectures", "batch_sizes", "contenders", "rounds", "steps", "json"])]
    job: Option<String>,
    /// Networks to measure: names as `modiste architectures` lists them, and the side of the images, as in
    /// resnet-1m@64.
    #[arg(long, value_delimiter = ',', default_values_t = NETWORKS.map(String::from))]
    architectures: Vec<String>,
    /// Numbers of images per step.
    #[arg(long, value_delimiter = ',', default_values_t = [100])]
    batch_sizes: Vec<usize>,
    /// Contenders: modiste, modiste-exact, modiste-avx2, modiste-portable, candle, burn, torch, keras,
    /// onnx.
    #[arg(long, value_delimiter = ',', default_values_t = ["modiste", "torch", "keras", "onnx"].map(String::from))]
    contenders: Vec<String>,
    /// Number of rounds; each starts every contender once.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Number of training steps, and of inference passes, per round.
    #[arg(long, default_value_t = 10)]
    steps: usize,
    /// Number of threads of each contender.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Python with the packages of the contenders [default: an environment in target/peers/python].
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,
    /// Also write all times to this JSON file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Measures the contenders and prints a table for each network and batch size.
///
/// # Errors
/// If a name is unknown, a number is 0, or a contender fails.
pub(crate) fn bench(arguments: &Arguments) -> Result<()> {
    ensure!(
        arguments.rounds > 0 && arguments.steps > 0 && arguments.threads > 0,
        "rounds, steps and threads must be at least 1"
    );
    if let Some(recipe) = &arguments.job {
        let python = find_python(arguments, &[Contender::named("keras")?])?;
        return job::job(recipe, arguments.threads, python.as_deref());
    }
    let mut contenders: Vec<Contender> = arguments
        .contenders
        .iter()
        .map(|name| Contender::named(name))
        .collect::<Result<_>>()?;
    let python = find_python(arguments, &contenders)?;
    if python.is_none() {
        contenders.retain(|contender| contender.script().is_none());
    }
    let modiste = Modiste::build(workspace::root().join("datasets"))?;
    let mut measured: Vec<Measured> = Vec::new();
    let folder = tempfile::tempdir().context("temporary folder")?;
    for name in &arguments.architectures {
        let network = Network::named(name, folder.path())?;
        network.write(&modiste)?;
        for &batch_size in &arguments.batch_sizes {
            let size = Size {
                network: network.clone(),
                batch_size,
                steps: arguments.steps,
                threads: arguments.threads,
            };
            let first = measured.len();
            let able = contenders
                .iter()
                .filter(|contender| contender.has(&network));
            measured.extend(able.map(|contender| Measured::new(contender, &size)));
            for round in 0..arguments.rounds {
                eprintln!(
                    "{network}, batch size {batch_size}: round {} of {}",
                    round + 1,
                    arguments.rounds
                );
                for measured in &mut measured[first..] {
                    measured.run(&modiste, python.as_deref())?;
                }
            }
            println!("{}\n", table(&size, &measured[first..]));
        }
    }
    if let Some(path) = &arguments.json {
        let all: Vec<_> = measured.iter().map(Measured::json).collect();
        let text =
            serde_json::to_string_pretty(&json!({ "rounds": arguments.rounds, "measured": all }))?;
        fs::write(path, text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// Returns a Python with the packages of these contenders; `None` leaves out those that need it.
fn find_python(arguments: &Arguments, contenders: &[Contender]) -> Result<Option<PathBuf>> {
    let packages = contenders.iter().flat_map(Contender::packages).copied();
    python::find(arguments.python.as_deref(), &packages.collect())
}
