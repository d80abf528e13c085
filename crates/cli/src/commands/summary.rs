//! `summary`: prints a network's layers, shapes and parameters.

use anyhow::Result;
use modiste_dataset::lookup;
use modiste_experiment::fitted_architecture;

use crate::flags::summary::Arguments;
use crate::terminal::output;

/// Runs the command.
///
/// # Errors
/// If the network is not known, its file cannot be read, or it does not fit the dataset.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let architecture = match &arguments.dataset {
        Some(name) => {
            let info = lookup(name)?;
            fitted_architecture(&arguments.network, info.shape, info.classes.len())?
        }
        None => arguments.input.network(&arguments.network, None)?,
    };
    let summary = architecture.summary()?;
    match arguments.json {
        true => output::json(&summary),
        false => output::write(summary.to_string().as_bytes()),
    }
}
