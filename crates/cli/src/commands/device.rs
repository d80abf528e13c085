//! `device`: lists available compute devices.

use anyhow::{Error, Result};
use modiste_experiment::start_threads;
use modiste_model::select_device;
use serde_json::json;

use crate::flags::device::Arguments;
use crate::terminal::output;

/// Runs the command.
///
/// # Errors
/// If the requested device does not exist.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let selected = select_device(arguments.device.parse().map_err(Error::msg)?)?;
    start_threads(None)?;
    let threads = rayon::current_num_threads();
    if arguments.json {
        return output::json(&json!({
            "device": selected.name(),
            "description": selected.description,
            "threads": threads,
        }));
    }
    output::line(format_args!("{}\nThreads: {threads}", selected.description))
}
