//! Flags of `reproduce`.

use std::path::PathBuf;

use modiste_experiment::{ComputeChoice, RunOptions};

use super::{ComputeFlags, DataFlags, WatchFlags};

/// Flags of `reproduce`.
#[derive(clap::Args)]
#[command(
    after_help = "The comparison covers every number of history.csv except the seconds, the weights after each epoch\n\
                  (by their hash in events.jsonl) and, for a finished run, the bytes of model.safetensors.\n\
                  Exit code 0: identical; 1: different, and the output shows where and by how much.\n\n\
                  Examples:\n  modiste reproduce runs/fashion-1\n  \
                  modiste reproduce runs/fashion-1 --epochs 1 --threads 1"
)]
pub(crate) struct Arguments {
    /// Folder of the run to repeat.
    #[arg(value_name = "RUN")]
    pub(crate) original: PathBuf,
    /// Repeat only the first N epochs.
    #[arg(long, value_name = "N")]
    pub(crate) epochs: Option<usize>,
    /// Folder for the files of the new run: new or empty [default: runs/NAME-N].
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) watch: WatchFlags,
    #[command(flatten)]
    data: DataFlags,
    #[command(flatten)]
    pub(crate) compute: ComputeFlags,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Arguments {
    /// Returns the options of the new run on `compute`.
    pub(crate) fn options(&self, compute: ComputeChoice) -> RunOptions<'_> {
        RunOptions {
            folder: self.run.clone(),
            data: self.data.source_of_run(self.watch.quiet),
            compute,
            checkpoint_interval: self.watch.checkpoint_seconds,
            ..RunOptions::default()
        }
    }
}
