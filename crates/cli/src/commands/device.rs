//! `device`: lists available compute devices.

use anyhow::Result;
use modiste_experiment::{ComputeChoice, start_threads};
use serde_json::json;

use crate::flags::device::Arguments;
use crate::terminal::output;

/// Runs the command.
///
/// # Errors
/// If the requested device does not exist.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let choice = ComputeChoice {
        device: arguments.device.clone(),
        ..ComputeChoice::default()
    };
    let setup = choice.select()?;
    start_threads(None)?;
    let threads = rayon::current_num_threads();
    if arguments.json {
        return output::json(&json!({
            "device": setup.device,
            "description": setup.description,
            "threads": threads,
        }));
    }
    output::line(&setup.description)?;
    output::line(format_args!("Threads: {threads}"))
}
