//! `train`: from a recipe and flags to a run folder.

mod photos;
mod plan;
mod progress;
mod record;
mod run_folder;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Error, Result, ensure};
use modiste_dataset::{Dataset, Images};
use modiste_model::{Metadata, Network};
use modiste_train::{
    EpochSummary, Evaluation, Event, FitOutcome, MADE_UP, TrainData, TrainError, Validation,
    evaluate, fit, fit_temperature, made_up_pictures,
};
use serde_json::json;

use crate::compute::{Chosen, ComputeArguments};
use crate::labels;
use crate::loading::Loading;
use crate::messages::say;
use crate::output;
use photos::photos_result;
use plan::{Overrides, Plan};
use progress::Progress;
use record::{Record, State, TestResult};
use run_folder::RunFolder;

/// What a program that was interrupted by Ctrl-C exits with: 128 + SIGINT.
const INTERRUPTED: u8 = 130;

/// The flags of `train`.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  modiste train\n  modiste train --recipe lecture --epochs 1\n  \
                        modiste train --dataset mnist --architecture vgg --schedule cosine+warmup:300\n\n\
                        Schedules: constant, cosine, one-cycle, exponential:STEPS,RATE[,staircase],\n\
                        piecewise:STEP=FACTOR,...; each may end in +warmup:STEPS.\n\n\
                        Ctrl-C ends the run after the batch and saves what there is; once more ends it at once."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    overrides: Overrides,
    /// Use only the first N training images and the first N test images.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// The folder for the run's files: new or empty [default: runs/NAME-N].
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Also count how many photos of this folder the finished network tells right: see `modiste
    /// photos --help` for how they are labelled.
    #[arg(long, value_name = "DIR")]
    photos: Option<PathBuf>,
    /// Say nothing but errors and the result.
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    loading: Loading,
    #[command(flatten)]
    compute: ComputeArguments,
}

/// Runs the command.
///
/// # Errors
/// Bad settings, a dataset or a device that cannot be had, a run folder that cannot be written, a
/// loss that is no number any more; an interrupted run is exit code 130.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let plan = Plan::new(&arguments.overrides)?;
    ensure!(arguments.limit != Some(0), "limit is 0; take at least 1");
    let chosen = arguments.compute.start()?;
    let data = limited(arguments.loading.load(plan.dataset)?, arguments.limit);
    let photos = match &arguments.photos {
        Some(folder) => Some((folder, labels::read(folder, &data.classes)?)),
        None => None,
    };
    let (train, validation) = plan.config.validation.split(&data)?;
    let pictures = pictures(&plan, arguments)?;
    let mut network = Network::initialize(
        plan.architecture.clone(),
        metadata(&plan, &data, train.len())?,
        plan.config.seed,
    )?;
    let folder = RunFolder::create(arguments.run.as_deref(), plan.recipe)?;
    let mut record = Record::new(&plan, &chosen, &arguments.loading.folder.data)?;
    record.limit = arguments.limit;
    // Now, not after an hour: a folder that takes no file, a disk without room.
    folder.reserve(network.to_bytes()?.len())?;
    folder.write_record(&record)?;
    if !arguments.quiet {
        say(&chosen.selected.description);
        say(format_args!(
            "Training {} on {} images of {}, into {}",
            plan.architecture.name,
            train.len(),
            plan.dataset,
            folder.path().display()
        ));
    }

    let start = Instant::now();
    let mut history = Vec::new();
    let mut progress = Progress::new(plan.config.epochs, arguments.quiet);
    let fitted = fit_until_interrupted(
        &mut network,
        TrainData {
            train: &train,
            validation: &validation,
            pictures: pictures.as_ref(),
        },
        &plan,
        &chosen,
        &mut history,
        &mut progress,
    );
    progress.finish();
    record.seconds = Some(start.elapsed().as_secs_f64());
    record.epochs = history.len();
    // First of all what was learned. Before the first good epoch of a run that failed it is nothing.
    network.round_to(plan.config.precision);
    if fitted.is_ok() || !history.is_empty() {
        folder.write_results(&network, &history)?;
    }
    let concluded = fitted.map_err(Error::from).and_then(|outcome| {
        if let Validation::Split(_) = plan.config.validation {
            network.metadata.temperature = fit_temperature(&network, &validation, &chosen.compute)?;
            folder.write_results(&network, &history)?;
        }
        if outcome.stopped {
            return Ok(State::Interrupted);
        }
        record.test = Some(test_result(&network, &data.test, &chosen)?);
        if let Some((photos_folder, photos)) = &photos {
            record.photos = Some(photos_result(&network, photos_folder, photos)?);
        }
        Ok(State::Finished)
    });
    record.state = *concluded.as_ref().unwrap_or(&State::Failed);
    record.error = concluded.as_ref().err().map(|error| format!("{error:#}"));
    folder.write_record(&record)?;
    let state = concluded.with_context(|| format!("the run {}", folder.path().display()))?;
    if state == State::Interrupted {
        say(format_args!(
            "interrupted after {} whole epochs; the model and its history are in {}",
            history.len(),
            folder.path().display()
        ));
        return Ok(ExitCode::from(INTERRUPTED));
    }
    print_results(folder.path(), &record)?;
    Ok(ExitCode::SUCCESS)
}

fn print_results(run: &Path, record: &Record) -> Result<()> {
    if let Some(test) = &record.test {
        output::line(format_args!(
            "{}: test loss {:.4}, test accuracy {:.4} on {} images",
            run.display(),
            test.loss,
            test.accuracy,
            test.images
        ))?;
    }
    if let Some(photos) = &record.photos {
        output::line(photos)?;
    }
    Ok(())
}

/// How many pictures are made up where backgrounds are cut out of such.
const MADE_UP_PICTURES: usize = 10_000;

/// What backgrounds are cut out of, where the plan has variations.
fn pictures(plan: &Plan, arguments: &Arguments) -> Result<Option<Images>> {
    let Some(augmentation) = &plan.config.augmentation else {
        return Ok(None);
    };
    let name = &augmentation.background.pictures;
    Ok(Some(match name.as_str() {
        MADE_UP => made_up_pictures(MADE_UP_PICTURES, plan.config.seed),
        _ => arguments.loading.load(name)?.train.to_gray(),
    }))
}

fn limited(mut data: Dataset, limit: Option<usize>) -> Dataset {
    if let Some(limit) = limit {
        data.train = data.train.first(limit);
        data.test = data.test.first(limit);
    }
    data
}

/// What the model file says of itself. Nothing that differs when the same is trained again.
fn metadata(plan: &Plan, data: &Dataset, training_images: usize) -> Result<Metadata> {
    Ok(Metadata {
        dataset: data.name.clone(),
        classes: data.classes.clone(),
        preprocessing: serde_json::to_value(&plan.preprocessing)?,
        temperature: 1.0,
        training: json!({
            "modiste": env!("CARGO_PKG_VERSION"),
            "recipe": plan.recipe,
            "training_images": training_images,
            "config": plan.config,
        }),
    })
}

fn fit_until_interrupted(
    network: &mut Network,
    data: TrainData<'_>,
    plan: &Plan,
    chosen: &Chosen,
    history: &mut Vec<EpochSummary>,
    progress: &mut Progress,
) -> Result<FitOutcome, TrainError> {
    let interrupted = interrupt_flag();
    fit(network, data, &plan.config, &chosen.compute, &mut |event| {
        if let Event::Epoch(summary) = event {
            history.push(*summary);
        }
        progress.show(event);
        if interrupted.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
}

/// A flag that Ctrl-C, or a request to end, raises; the second one ends the process at once.
fn interrupt_flag() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        let at_once = signal_hook::flag::register_conditional_shutdown(
            signal,
            INTERRUPTED.into(),
            Arc::clone(&flag),
        );
        let raised = signal_hook::flag::register(signal, Arc::clone(&flag));
        if let Err(error) = at_once.and(raised) {
            tracing::warn!(%error, "Ctrl-C will end the run at once");
        }
    }
    flag
}

/// Loss and accuracy on the test images, of the network as its file keeps it.
fn test_result(network: &Network, test: &Images, chosen: &Chosen) -> Result<TestResult> {
    let Evaluation {
        loss,
        accuracy,
        images,
        ..
    } = evaluate(network, test, false, &chosen.compute)?;
    Ok(TestResult {
        images,
        loss,
        accuracy,
    })
}
