//! `summary`: prints a network's layers, shapes and parameters.

use std::path::Path;

use anyhow::Result;
use modiste_dataset::lookup;
use modiste_experiment::{Error, load_model};
use modiste_model::{Architecture, zoo};

use crate::flags::summary::Arguments;
use crate::terminal::output;

/// Runs the command.
///
/// # Errors
/// If the network is not known, its file cannot be read, or it does not fit the dataset.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut architecture = architecture(&arguments.network)?;
    if let Some(name) = &arguments.dataset {
        let info = lookup(name)?;
        architecture = architecture.fitted(info.shape, info.classes.len());
    }
    let summary = architecture.summary()?;
    match arguments.json {
        true => output::json(&summary),
        false => output::write(summary.to_string().as_bytes()),
    }
}

/// The zoo's architecture of a name, else the one in a file.
fn architecture(name: &Path) -> Result<Architecture> {
    let text = name.to_string_lossy();
    if let Some(architecture) = zoo::find(&text) {
        return Ok(architecture);
    }
    if name.exists() || name.extension().is_some() || name.components().count() > 1 {
        return Ok(load_model(name)?.architecture);
    }
    Err(Error::unknown("architecture or file", &text, zoo::names()).into())
}
