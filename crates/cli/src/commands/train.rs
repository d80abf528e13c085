//! `train`: trains a network, or resumes a run.

use std::process::ExitCode;

use anyhow::Result;
use modiste_experiment::{Run, State};

use crate::flags::train::Arguments;
use crate::terminal::advice::warn;
use crate::terminal::interrupt::INTERRUPTED;
use crate::terminal::messages::say;
use crate::terminal::output;
use crate::terminal::progress::Progress;
use crate::terminal::text::run::interrupted;

/// Runs the command.
///
/// # Errors
/// If a setting, the data, the device or the folder does not permit the run, or training diverges.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let run = match &arguments.resume {
        None => {
            // Before the plan, which decodes some of the user's own images on all threads.
            let compute = arguments.compute.choice()?;
            let plan = arguments.plan()?;
            let options = arguments.options(compute);
            Run::start(&plan, &options, &mut warn)?
        }
        Some(folder) => {
            let options = arguments.options(arguments.compute.choice()?);
            Run::resume(folder, &options, &mut warn)?
        }
    };
    let quiet = arguments.watch.quiet;
    if !quiet {
        say(run.description());
    }
    let folder = run.path().to_owned();
    let mut progress = Progress::new(run.record().config.train.epochs, quiet);
    let record = progress.watch(|on_event| run.train(on_event))?;
    let is_interrupted = record.state == State::Interrupted;
    if arguments.json {
        output::if_read(output::json(&record.as_stored()))?;
    }
    if is_interrupted {
        say(interrupted(&folder, &record));
        return Ok(ExitCode::from(INTERRUPTED));
    }
    if !arguments.json {
        output::line(record.results(&folder).join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}
