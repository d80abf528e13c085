//! Flags of `train`.

use std::path::PathBuf;

use anyhow::Result;
use modiste_experiment::{ComputeChoice, Plan, RunOptions};

use super::{ComputeFlags, DataFlags, PlanFlags, WatchFlags};

/// Flags of `train`.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  modiste train\n  modiste train --recipe lecture --epochs 1\n  \
                  modiste train --dataset mnist --architecture vgg --schedule cosine+warmup:300\n  \
                  modiste train --resume runs/fashion-1\n\n\
                  Schedules: constant, cosine, one-cycle, exponential:STEPS,RATE[,staircase],\n\
                  piecewise:STEP=FACTOR,...; each may end in +warmup:STEPS.\n\n\
                  Ctrl-C stops the run after the current batch and saves a checkpoint; a second Ctrl-C stops it\n\
                  at once. In both cases, and after a crash, --resume continues from the last checkpoint and ends\n\
                  with the same model as a run that was never stopped."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) plan: PlanFlags,
    /// Folder for the files of the run: new or empty [default: runs/NAME-N].
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Resume this run with its settings from its last checkpoint.
    #[arg(long, value_name = "RUN", conflicts_with_all = PlanFlags::ALL)]
    pub(crate) resume: Option<PathBuf>,
    /// Also classify the labelled photos of this folder with the finished network (`modiste photos --help`
    /// describes the labels).
    #[arg(long, value_name = "DIR")]
    photos: Option<PathBuf>,
    /// Also write event files for TensorBoard into the run's folder; view them with `tensorboard
    /// --logdir runs`.
    #[arg(long)]
    tensorboard: bool,
    #[command(flatten)]
    pub(crate) watch: WatchFlags,
    #[command(flatten)]
    data: DataFlags,
    #[command(flatten)]
    pub(crate) compute: ComputeFlags,
    /// Print the contents of run.json.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Arguments {
    /// Returns the plan of a new run.
    ///
    /// # Errors
    /// If a setting cannot be used.
    pub(crate) fn plan(&self) -> Result<Plan> {
        self.plan.plan(&self.data.folder())
    }

    /// Returns the options of the run on `compute`.
    pub(crate) fn options(&self, compute: ComputeChoice) -> RunOptions<'_> {
        RunOptions {
            folder: self.run.clone(),
            data: self.data.source_of_run(self.watch.quiet),
            compute,
            photos: self.photos.clone(),
            tensorboard: self.tensorboard,
            checkpoint_interval: self.watch.checkpoint_seconds,
            stop_after: None,
        }
    }
}
