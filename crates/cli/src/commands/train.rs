//! `train`: from a recipe and flags, or from a run that was stopped, to a finished run.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, anyhow, bail};
use modiste_core::four_decimals;
use modiste_dataset::LabelledFile;

use crate::compute::ComputeArguments;
use crate::interrupt::INTERRUPTED;
use crate::labels;
use crate::loading::Loading;
use crate::messages::say;
use crate::output;
use crate::run::{
    BEGINNING, ComputeRecord, Conditions, Machine, Overrides, Plan, Record, RunFolder, RunImages,
    State, WatchArguments, conduct, recordable,
};
use crate::shell;
use crate::version::VERSION;
use modiste_core::shown;

/// The flags of `train`.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  modiste train\n  modiste train --recipe lecture --epochs 1\n  \
                        modiste train --dataset mnist --architecture vgg --schedule cosine+warmup:300\n  \
                        modiste train --resume runs/fashion-1\n\n\
                        Schedules: constant, cosine, one-cycle, exponential:STEPS,RATE[,staircase],\n\
                        piecewise:STEP=FACTOR,...; each may end in +warmup:STEPS.\n\n\
                        Ctrl-C ends the run after the batch and saves what there is; once more ends it at once.\n\
                        Either way, and after a crash, --resume goes on from the last checkpoint and ends with\n\
                        the same model as a run that was never stopped."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    overrides: Overrides,
    /// The folder for the run's files: new or empty [default: runs/NAME-N].
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Go on with this run, as it was begun, from its last checkpoint.
    #[arg(long, value_name = "RUN", conflicts_with_all = BEGINNING)]
    resume: Option<PathBuf>,
    /// Also count how many photos of this folder the finished network tells right: see `modiste
    /// photos --help` for how they are labelled.
    #[arg(long, value_name = "DIR")]
    photos: Option<PathBuf>,
    /// Also write files for TensorBoard into the run's folder: tensorboard --logdir runs.
    #[arg(long)]
    tensorboard: bool,
    #[command(flatten)]
    watch: WatchArguments,
    #[command(flatten)]
    loading: Loading,
    #[command(flatten)]
    compute: ComputeArguments,
    /// Print the run's record, as run.json has it, as the result.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// Bad settings, a dataset or a device that cannot be had, a run folder that cannot be written, a
/// loss that is no number any more, a run that cannot go on; an interrupted run is exit code 130.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.resume {
        None => begin(arguments),
        Some(run) => go_on(arguments, run),
    }
}

fn begin(arguments: &Arguments) -> Result<ExitCode> {
    let plan = Plan::new(&arguments.overrides)?;
    let chosen = arguments.compute.start()?;
    let images = RunImages::load(&plan, &arguments.loading)?;
    let photos = labelled(arguments.photos.as_deref(), &images)?;
    let photos_folder = arguments.photos.as_deref().map(recordable).transpose()?;
    let network = images.network(&plan)?;
    images.require_memory(&network, &plan, &chosen)?;
    let mut record = Record::new(&plan, &chosen, &arguments.loading)?;
    let folder = RunFolder::create(arguments.run.as_deref(), &plan.recipe)?;
    record.photos_folder = photos_folder;
    record.locate_folders(folder.path());
    record.tensorboard = arguments.tensorboard;
    // Now, not after an hour: a folder that takes no file, a disk without room.
    folder.reserve(network.to_bytes()?.len())?;
    if !arguments.watch.quiet {
        say(&chosen.selected.description);
        say(format_args!(
            "Training {} on {} images of {}, into {}",
            plan.architecture.name,
            images.train.len(),
            plan.dataset,
            shown(folder.path())
        ));
    }
    let conditions = Conditions {
        images: &images,
        photos,
        start: None,
        stop_after: None,
        chosen: &chosen,
        watch: &arguments.watch,
    };
    conduct(&folder, &mut record, network, conditions)?;
    conclude(arguments, folder.path(), &record)
}

fn go_on(arguments: &Arguments, run: &Path) -> Result<ExitCode> {
    let (folder, mut record) = RunFolder::open(run)?;
    let path = shown(folder.path());
    if record.state == State::Finished {
        // Where the process was killed before it could.
        folder.checkpoints.remove();
        bail!(
            "{path} is finished: nothing is left to train\n{}",
            shell::advice(
                "to train it again and compare",
                &shell::reproduce(folder.path())
            )
        );
    }
    if record.diverged {
        bail!(
            "{path} cannot go on, since from its last checkpoint it would diverge again: {}. Train anew \
             with other settings, into another folder",
            record.error.as_deref().unwrap_or("the loss became NaN")
        );
    }
    if record.modiste != VERSION {
        bail!(
            "{path} was begun by Modiste {}, and this is {VERSION}, which may come to other numbers: go \
             on with that version, or train it anew",
            record.modiste
        );
    }
    let chosen = record.compute.again(&arguments.compute).start()?;
    record.compare_arithmetic(folder.path(), &chosen);
    record.compute = ComputeRecord::of(&chosen);
    record.machine = Machine::here();
    record.tensorboard |= arguments.tensorboard;
    if let Some(photos) = &arguments.photos {
        record.photos_folder = Some(recordable(photos)?);
    }
    let plan = record.plan();
    let loading = record.loading(&arguments.loading);
    let images = RunImages::load(&plan, &loading)?;
    record.check_data(folder.path(), &loading)?;
    record.use_data_of(&loading)?;
    record.locate_folders(folder.path());
    let photos = labelled(record.photos_folder.as_deref(), &images).map_err(|error| {
        anyhow!("the photos that the run ends with: {error:#}; --photos names another folder")
    })?;
    let network = images.network(&plan)?;
    images.require_memory(&network, &plan, &chosen)?;
    let start = folder.checkpoints.newest()?;
    if !arguments.watch.quiet {
        say(&chosen.selected.description);
        say(match &start {
            None => format!("Beginning {path} again: it has no checkpoint"),
            Some(checkpoint) => {
                let position = &checkpoint.position;
                format!(
                    "Going on with {path} after {} epochs and {} steps of {} epochs",
                    position.epochs_done, position.steps_done, plan.config.epochs
                )
            }
        });
    }
    let conditions = Conditions {
        images: &images,
        photos,
        start,
        stop_after: None,
        chosen: &chosen,
        watch: &arguments.watch,
    };
    conduct(&folder, &mut record, network, conditions)?;
    conclude(arguments, folder.path(), &record)
}

fn labelled(folder: Option<&Path>, images: &RunImages) -> Result<Option<Vec<LabelledFile>>> {
    let read = |folder| labels::read_all(folder, &images.data.classes);
    folder.map(read).transpose()
}

/// Says what came of the run.
fn conclude(arguments: &Arguments, run: &Path, record: &Record) -> Result<ExitCode> {
    let resume = shell::resume(run);
    let run = shown(run);
    if arguments.json {
        output::if_read(output::json(&record.as_stored()))?;
    }
    if record.state == State::Interrupted {
        say(format_args!(
            "interrupted after {} whole epochs; the model and its history are in {run}\n{}",
            record.epochs,
            shell::advice("to go on", &resume)
        ));
        return Ok(ExitCode::from(INTERRUPTED));
    }
    if arguments.json {
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(test) = &record.test {
        let [low, high] = test.interval;
        output::line(format_args!(
            "{run}: test loss {}, test accuracy {:.4} ({low:.4} to {high:.4}) on {} images",
            four_decimals(test.loss),
            test.accuracy,
            test.images
        ))?;
    }
    if let Some(best) = &record.best {
        let [low, high] = best.test.interval;
        output::line(format_args!(
            "{run}: epoch {} was the best on the images held back ({:.4}); its test accuracy is {:.4} \
             ({low:.4} to {high:.4})",
            best.epoch, best.val_accuracy, best.test.accuracy
        ))?;
    }
    if let Some(photos) = &record.photos {
        output::line(photos)?;
    }
    Ok(ExitCode::SUCCESS)
}
