//! `reproduce`: repeats a run and verifies that the result is bit-identical.

use std::process::ExitCode;

use anyhow::Result;
use modiste_experiment::{Record, reproduce};

use crate::flags::reproduce::Arguments;
use crate::terminal::interrupt::INTERRUPTED;
use crate::terminal::messages::say;
use crate::terminal::output;
use crate::terminal::progress::Progress;

/// Runs the command.
///
/// # Errors
/// If the run does not exist, its data have changed, or it cannot be trained. If the result differs, the exit
/// code is 1.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let options = arguments.options(arguments.compute.choice()?);
    let (original, epochs) = (&arguments.original, arguments.epochs);
    let record = Record::read(original)?;
    let mut progress = Progress::new(record.config.train.epochs, arguments.watch.quiet);
    let result = progress.watch(|on_event| reproduce(original, epochs, &options, on_event))?;
    let Some(result) = result else {
        say("interrupted before the epochs to compare were complete");
        return Ok(ExitCode::from(INTERRUPTED));
    };
    output::if_read(match arguments.json {
        true => output::json(&result),
        false => output::line(&result),
    })?;
    Ok(match result.identical {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
