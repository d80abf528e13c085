//! `evaluate`: a model on a dataset's test images.

use anyhow::{Result, bail, ensure};
use modiste_train::evaluate;
use serde_json::json;

use crate::compute::ComputeArguments;
use crate::loading::Loading;
use crate::messages::say;
use crate::model::ModelArguments;
use crate::output;

/// The flags of `evaluate`.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  modiste evaluate --model runs/fashion-1/model.safetensors")]
pub(crate) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    /// The dataset [default: the one that the model was trained on].
    #[arg(long, value_name = "D")]
    dataset: Option<String>,
    /// Use only the first N test images.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Take the mean of the answers for each image and for its mirror image.
    #[arg(long)]
    flips: bool,
    #[command(flatten)]
    loading: Loading,
    #[command(flatten)]
    compute: ComputeArguments,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// Where the model or the dataset cannot be read, or they do not fit each other.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    ensure!(arguments.limit != Some(0), "limit is 0; take at least 1");
    let network = arguments.model.network()?;
    let trained_on = &network.metadata.dataset;
    let name = arguments.dataset.as_ref().unwrap_or(trained_on);
    if name.is_empty() {
        bail!("the model does not say what it was trained on: name a dataset with --dataset");
    }
    let chosen = arguments.compute.start()?;
    let dataset = arguments.loading.load(name)?;
    if dataset.classes != network.metadata.classes {
        say(format_args!(
            "warning: the model tells other classes apart than {name} has; it was trained on \
             {trained_on}"
        ));
    }
    let images = match arguments.limit {
        Some(limit) => dataset.test.first(limit),
        None => dataset.test,
    };
    let result = evaluate(&network, &images, arguments.flips, &chosen.compute)?;
    let share = |correct: usize, images: usize| correct as f64 / images.max(1) as f64;
    let classes = || network.metadata.classes.iter().zip(&result.per_class);
    if arguments.json {
        return output::json(&json!({
            "model": arguments.model.name().display().to_string(),
            "dataset": name,
            "images": result.images,
            "flips": arguments.flips,
            "loss": result.loss,
            "accuracy": result.accuracy,
            "calibration_error": result.calibration_error,
            "per_class": classes().map(|(class, count)| json!({
                "class": class,
                "images": count.images,
                "correct": count.correct,
                "accuracy": (count.images > 0).then(|| share(count.correct, count.images)),
            })).collect::<Vec<_>>(),
        }));
    }
    let rows: Vec<_> = classes()
        .map(|(class, count)| {
            [
                class.clone(),
                count.images.to_string(),
                count.correct.to_string(),
                match count.images {
                    0 => "-".into(),
                    images => format!("{:.1} %", 100.0 * share(count.correct, images)),
                },
            ]
        })
        .collect();
    output::line(output::table(
        ["class", ">images", ">right", ">accuracy"],
        &rows,
    ))?;
    output::line(format_args!(
        "loss: {:.4} - accuracy: {:.4} - calibration error: {:.4} on {} test images of {name}",
        result.loss, result.accuracy, result.calibration_error, result.images
    ))
}
