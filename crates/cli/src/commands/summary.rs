//! `summary`: prints a network's layers, shapes and parameters.

use anyhow::Result;
use modiste_dataset::lookup;
use modiste_experiment::{find_architecture, fitted_architecture};

use crate::flags::summary::Arguments;
use crate::terminal::output;

/// Runs the command.
///
/// # Errors
/// If the network is not known, its file cannot be read, or it does not fit the dataset.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let own = find_architecture(&arguments.network)?;
    let (input, classes) = match &arguments.dataset {
        Some(name) => {
            let info = lookup(name)?;
            (info.shape, info.classes.len())
        }
        None => (arguments.input.shape(own.input), own.plan()?.classes()),
    };
    let architecture = fitted_architecture(&arguments.network, input, classes)?;
    let summary = architecture.summary()?;
    match arguments.json {
        true => output::json(&summary),
        false => output::write(summary.to_string().as_bytes()),
    }
}
