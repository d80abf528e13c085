//! `compare`: settings, results and training curves of several runs.

use std::path::PathBuf;

use anyhow::{Result, anyhow};
use modiste_experiment::{compare, pages};

use crate::flags::compare::Arguments;
use crate::terminal::advice::{explained_library, warn};
use crate::terminal::files;
use crate::terminal::output;

/// Runs the command.
///
/// # Errors
/// If a path does not exist or fewer than two runs with a model remain. If one cannot be measured, after the
/// others were compared.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let to_stdout = files::page_to_stdout(arguments.out.as_deref(), arguments.json)?;
    let data = arguments.data.folder();
    let inputs = arguments.runs.iter().chain([&data]);
    files::check_target(arguments.out.as_deref(), inputs.map(PathBuf::as_path))?;
    let setup = arguments.compute.setup()?;
    let source = arguments.data.source();
    let result = compare(&arguments.runs, &source, &setup, &mut warn)?;
    let failed: Vec<String> = result.failed.iter().map(explained_library).collect();
    let left_out = match failed.is_empty() {
        true => Ok(()),
        false => Err(anyhow!("left out:\n  {}", failed.join("\n  "))),
    };
    if result.runs.len() < 2 {
        return left_out;
    }
    if let Some(path) = &arguments.out {
        files::write(path, pages::comparison(&result).as_bytes())?;
    }
    match arguments.json {
        _ if to_stdout => {}
        true => output::json(&result)?,
        false => output::line(&result)?,
    }
    left_out
}
