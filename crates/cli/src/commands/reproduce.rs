//! `reproduce`: a run trained anew, and whether it comes to the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use modiste_dataset::sha256;
use modiste_metrics::EpochMetrics;
use modiste_model::Network;
use serde::Serialize;

use crate::compute::ComputeArguments;
use crate::interrupt::INTERRUPTED;
use crate::loading::Loading;
use crate::messages::say;
use crate::output;
use crate::run::{
    Conditions, EVENTS, MODEL, Record, RunFolder, RunImages, State, WatchArguments, conduct,
    epoch_weights, read_history,
};
use crate::version::{COMMIT, VERSION};
use modiste_core::shown;

/// The flags of `reproduce`.
#[derive(clap::Args)]
#[command(
    after_help = "Compared are every number of history.csv but the seconds, the weights after each epoch (by\n\
                        their hash in events.jsonl) and, of a whole run, the bytes of model.safetensors.\n\
                        Exit code 0: identical; 1: it parted, and the output says where and by how much.\n\n\
                        Examples:\n  modiste reproduce runs/fashion-1\n  \
                        modiste reproduce runs/fashion-1 --epochs 1 --threads 1"
)]
pub(crate) struct Arguments {
    /// The folder of the run that is to be trained anew.
    #[arg(value_name = "RUN")]
    original: PathBuf,
    /// Stop after so many epochs of it.
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// The folder for the new run's files: new or empty [default: runs/NAME-N].
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    #[command(flatten)]
    watch: WatchArguments,
    #[command(flatten)]
    loading: Loading,
    #[command(flatten)]
    compute: ComputeArguments,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What came of it.
#[derive(Serialize)]
struct Verdict {
    original: String,
    again: String,
    identical: bool,
    /// Whole epochs that were compared.
    epochs: usize,
    /// Epochs whose weights were compared by their hashes.
    weights_compared: usize,
    /// The first epoch after which a number of the history or the weights differ.
    first_difference: Option<EpochDifference>,
    /// Of the final models, where both runs came to their end.
    model: Option<ModelDifference>,
}

#[derive(Serialize)]
struct EpochDifference {
    epoch: usize,
    /// Column, value then, value now.
    columns: Vec<(&'static str, f64, f64)>,
    weights_differ: bool,
}

#[derive(Serialize)]
struct ModelDifference {
    identical: bool,
    sha256: [String; 2],
    /// The largest difference between two numbers, and the variable that it lies in.
    largest: Option<(f64, String)>,
}

/// Runs the command.
///
/// # Errors
/// Where there is no such run, its data have changed, or it cannot be trained; where it comes to
/// something else, exit code 1.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let original = &arguments.original;
    let path = shown(original);
    let before = Record::read(original)?;
    let history = read_history(original)?;
    ensure!(
        !history.is_empty(),
        "{path} has no whole epoch: there is nothing to compare with"
    );
    ensure!(arguments.epochs != Some(0), "epochs is 0; take at least 1");
    if (before.modiste.as_str(), before.commit.as_deref()) != (VERSION, COMMIT) {
        let name = |version: &str, commit: Option<&str>| match commit {
            Some(commit) => format!("{version} ({commit})"),
            None => version.to_owned(),
        };
        say(format_args!(
            "note: {path} is by Modiste {}, and this is {}",
            name(&before.modiste, before.commit.as_deref()),
            name(VERSION, COMMIT)
        ));
    }
    let chosen = before.compute.again(&arguments.compute).start()?;
    before.compare_arithmetic(original, &chosen);

    let plan = before.plan();
    let loading = before.loading(&arguments.loading);
    let images = RunImages::load(&plan, &loading)?;
    before.check_data(original, &loading)?;
    let network = images.network(&plan)?;
    images.require_memory(&network, &plan, &chosen)?;
    let folder = RunFolder::create(arguments.run.as_deref(), &plan.recipe)?;
    let mut record = Record::new(&plan, &chosen, &loading)?;
    record.locate_folders(folder.path());
    // No more than there is to compare with.
    let epochs = arguments.epochs.unwrap_or(history.len()).min(history.len());
    let conditions = Conditions {
        images: &images,
        photos: None,
        start: None,
        stop_after: Some(epochs),
        chosen: &chosen,
        watch: &arguments.watch,
    };
    conduct(&folder, &mut record, network, conditions)?;
    let again = read_history(folder.path())?;
    if again.len() < epochs {
        say("interrupted before there was enough to compare");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let whole = [&before, &record].map(|record| record.state) == [State::Finished; 2];
    let model = whole.then(|| compare_models(original, folder.path()));
    let weights = [original, folder.path()].map(|run| epoch_weights(&run.join(EVENTS)));
    let differences = history.iter().zip(&again).map(|(then, now)| {
        let [before, after] = weights.each_ref().map(|all| all.get(&then.epoch));
        EpochDifference {
            epoch: then.epoch,
            columns: differing_columns(then, now),
            weights_differ: before
                .zip(after)
                .is_some_and(|(before, after)| before != after),
        }
    });
    let first_difference = differences
        .into_iter()
        .find(|epoch| !epoch.columns.is_empty() || epoch.weights_differ);
    let model = model.transpose()?;
    let verdict = Verdict {
        original: path.to_string(),
        again: folder.path().display().to_string(),
        identical: first_difference.is_none() && model.as_ref().is_none_or(|model| model.identical),
        epochs,
        weights_compared: (1..=epochs)
            .filter(|epoch| weights.iter().all(|all| all.contains_key(epoch)))
            .count(),
        first_difference,
        model,
    };
    output::if_read(match arguments.json {
        true => output::json(&verdict),
        false => output::line(verdict.text()),
    })?;
    Ok(match verdict.identical {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

impl Verdict {
    fn text(&self) -> String {
        let Self {
            original, again, ..
        } = self;
        if self.identical {
            let model = match &self.model {
                Some(model) => format!(" and model.safetensors (sha256 {})", model.sha256[0]),
                None => String::new(),
            };
            return format!(
                "identical: {again} and {original}, {} epochs of history, the weights after {} of them{model}",
                self.epochs, self.weights_compared
            );
        }
        let mut lines = vec![format!("different: {again} is not {original}")];
        if let Some(first) = &self.first_difference {
            for (column, then, now) in &first.columns {
                lines.push(format!(
                    "  epoch {}: {column} was {then}, is {now} (by {:.1e})",
                    first.epoch,
                    (now - then).abs()
                ));
            }
            if first.weights_differ {
                lines.push(format!(
                    "  epoch {}: the weights after it differ",
                    first.epoch
                ));
            }
        }
        if let Some(model) = self.model.as_ref().filter(|model| !model.identical) {
            lines.push(match &model.largest {
                Some((difference, variable)) => {
                    format!("  model.safetensors: by {difference:.1e} at most, in {variable}")
                }
                None => "  model.safetensors: the same numbers, another description".into(),
            });
        }
        lines.join("\n")
    }
}

fn differing_columns(then: &EpochMetrics, now: &EpochMetrics) -> Vec<(&'static str, f64, f64)> {
    [
        ("loss", then.loss, now.loss),
        ("accuracy", then.accuracy, now.accuracy),
        ("val_loss", then.val_loss, now.val_loss),
        ("val_accuracy", then.val_accuracy, now.val_accuracy),
        ("learning_rate", then.learning_rate, now.learning_rate),
    ]
    .into_iter()
    .filter(|(_, then, now)| then.to_bits() != now.to_bits())
    .collect()
}

fn compare_models(original: &Path, again: &Path) -> Result<ModelDifference> {
    let paths = [original, again].map(|run| run.join(MODEL));
    let read = |path: &Path| fs::read(path).with_context(|| shown(path));
    let bytes = [read(&paths[0])?, read(&paths[1])?];
    let networks = [
        Network::from_bytes(&paths[0], &bytes[0])?,
        Network::from_bytes(&paths[1], &bytes[1])?,
    ];
    let resolved = networks[0].architecture.plan()?;
    let mut largest: Option<(f64, String)> = None;
    for variable in &resolved.variables {
        let [then, now] = networks
            .each_ref()
            .map(|network| network.parameters.values(variable));
        for (then, now) in then.iter().zip(now) {
            let difference = f64::from((then - now).abs());
            if difference > largest.as_ref().map_or(0.0, |(most, _)| *most) {
                largest = Some((difference, variable.name.clone()));
            }
        }
    }
    Ok(ModelDifference {
        identical: bytes[0] == bytes[1],
        sha256: bytes.map(|bytes| sha256([&*bytes])),
        largest,
    })
}
