//! `runs`: lists the runs in a folder.

use anyhow::Result;
use modiste_core::shown;
use modiste_experiment::{list_runs, runs_table};

use crate::flags::runs::Arguments;
use crate::terminal::advice::warn;
use crate::terminal::messages::say;
use crate::terminal::output;

/// Runs the command.
///
/// # Errors
/// If the folder cannot be read. A run whose record cannot be read is reported and left out.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let runs = list_runs(&arguments.folder, &mut warn)?;
    if arguments.json {
        return output::json(&runs);
    }
    if runs.is_empty() {
        say(format_args!("no runs in {}", shown(&arguments.folder)));
        return Ok(());
    }
    output::line(runs_table(&runs))
}
