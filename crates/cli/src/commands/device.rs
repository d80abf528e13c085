//! `device`: what there is to compute with.

use anyhow::{Error, Result};
use modiste_model::select_device;
use serde_json::json;

use crate::compute::start_default_threads;
use crate::output;

/// The flags of `device`.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  modiste device\n  modiste device --device cuda:1 --json")]
pub(crate) struct Arguments {
    /// The device to look for: auto, cpu, cuda, cuda:N; one that is not there is exit code 1.
    #[arg(long, value_name = "D", default_value = "auto")]
    device: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// Where the device that was asked for is not there.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let selected = select_device(arguments.device.parse().map_err(Error::msg)?)?;
    start_default_threads()?;
    let threads = rayon::current_num_threads();
    if arguments.json {
        return output::json(&json!({
            "device": selected.name(),
            "description": selected.description,
            "threads": threads,
        }));
    }
    output::line(&selected.description)?;
    output::line(format_args!("Threads: {threads}"))
}
