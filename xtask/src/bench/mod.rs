//! `bench`: Modiste's steps and inference beside its peers', interleaved, as a table of ratios.

mod contender;
mod job;
mod table;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::bench::contender::{Contender, Measured, Size};
use crate::bench::table::table;
use crate::modiste::Modiste;
use crate::python;
use crate::workspace;

/// The networks of the zoo.
const NETWORKS: [&str; 3] = ["vgg", "compact", "bnvgg"];

/// Flags of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Instead of steps, the whole training by this recipe, by Modiste and by Keras.
    #[arg(long, value_name = "RECIPE", conflicts_with_all = ["architectures", "batch_sizes", "contenders", "rounds", "steps", "json"])]
    job: Option<String>,
    /// Networks.
    #[arg(long, value_delimiter = ',', default_values_t = NETWORKS.map(String::from))]
    architectures: Vec<String>,
    /// Batch sizes.
    #[arg(long, value_delimiter = ',', default_values_t = [100])]
    batch_sizes: Vec<usize>,
    /// Who is measured: modiste, modiste-exact, modiste-avx2, modiste-portable, candle, burn,
    /// torch, keras, onnx.
    #[arg(long, value_delimiter = ',', default_values_t = ["modiste", "candle", "burn", "torch", "keras", "onnx"].map(String::from))]
    contenders: Vec<String>,
    /// How often each is started anew, one after the other.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Steps, and evaluations, in each round.
    #[arg(long, default_value_t = 10)]
    steps: usize,
    /// Threads of each.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// A Python that has the peers' packages; without it an environment is made in `target/peers/python`.
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,
    /// Also write every single time to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Measures and prints.
///
/// # Errors
/// Where a name is not known or a contender fails.
pub(crate) fn bench(arguments: &Arguments) -> Result<()> {
    ensure!(
        arguments.rounds > 0 && arguments.steps > 0 && arguments.threads > 0,
        "rounds, steps and threads are at least 1"
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
    for architecture in &arguments.architectures {
        for &batch_size in &arguments.batch_sizes {
            let size = Size {
                architecture: architecture.clone(),
                batch_size,
                steps: arguments.steps,
                threads: arguments.threads,
            };
            let first = measured.len();
            measured.extend(contenders.iter().map(|c| Measured::new(c, &size)));
            for round in 0..arguments.rounds {
                eprintln!(
                    "{architecture}, batches of {batch_size}: round {} of {}",
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

/// A Python for these contenders; without one Modiste is measured alone.
fn find_python(arguments: &Arguments, contenders: &[Contender]) -> Result<Option<PathBuf>> {
    let packages = contenders.iter().flat_map(Contender::packages).copied();
    python::find(arguments.python.as_deref(), &packages.collect())
}
