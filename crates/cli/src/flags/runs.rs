//! Flags of `runs`.

use std::path::PathBuf;

use modiste_experiment::RUNS;

/// Flags of `runs`.
#[derive(clap::Args)]
#[command(
    after_help = "A run is running, finished, interrupted (by Ctrl-C), failed, or killed: its process no longer\n\
                  exists. `modiste train --resume RUN` resumes a run that is interrupted or killed. Accuracy and\n\
                  loss are those on the test images; in parentheses, those on the validation images after the\n\
                  last epoch of a run that is not finished.\n\n\
                  Examples:\n  modiste runs\n  modiste runs elsewhere/ --json"
)]
pub(crate) struct Arguments {
    /// Folder that contains runs.
    #[arg(value_name = "DIR", default_value = RUNS)]
    pub(crate) folder: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
