//! `bench`: measures a training step and inference.

use anyhow::Result;
use modiste_experiment::bench;

use crate::flags::bench::Arguments;
use crate::terminal::output;

/// Runs the command.
///
/// # Errors
/// If the network is not known, a number is out of range, or the engine cannot run.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let architecture = arguments.input.network(&arguments.architecture, None)?;
    let setup = arguments.compute.setup()?;
    let report = bench(&architecture, arguments.batch_size, arguments.steps, &setup)?;
    if arguments.json {
        return output::json(&report);
    }
    output::line(&report)?;
    match arguments.profile {
        true => output::line(format_args!(
            "\n{}",
            report.profile().unwrap_or_else(|| {
                "Only the kernels measure their layers: use `--engine kernels`.".into()
            })
        )),
        false => Ok(()),
    }
}
