//! `evaluate`: a model on a dataset's test images.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use modiste_core::four_decimals;
use modiste_metrics::argmax;
use modiste_report::{CLASS_HEADINGS, class_rows};
use serde_json::{Value, json};

use crate::compute::ComputeArguments;
use crate::files;
use crate::loading::Loading;
use crate::measured::{Measured, TestArguments};
use crate::messages::say;
use crate::model::ModelArguments;
use crate::output;
use crate::run::Record;

/// The flags of `evaluate`.
#[derive(clap::Args)]
#[command(
    after_help = "Intervals are Wilson's, 95 %. A class's recall is the share of its images that are told right,\n\
                        its precision the share of what is taken for it that is of it, F1 their harmonic mean.\n\
                        The calibration error is the mean distance between how sure answers are and how often\n\
                        they are right, in 15 bins.\n\n\
                        Examples:\n  modiste evaluate\n  modiste evaluate --model runs/fashion-1/model.safetensors \
                        --per-class --confusion\n  modiste evaluate --predictions answers.csv --json"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    test: TestArguments,
    /// Show precision, recall and F1 of each class.
    #[arg(long)]
    per_class: bool,
    /// Show what was taken for what.
    #[arg(long)]
    confusion: bool,
    /// Also write a CSV file (- is standard output) with a line for each image: its class, the answer, every probability.
    #[arg(long, value_name = "FILE.csv")]
    predictions: Option<PathBuf>,
    #[command(flatten)]
    loading: Loading,
    #[command(flatten)]
    compute: ComputeArguments,
    /// Print JSON, all of it.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// Where the model or the dataset cannot be read, they do not fit each other, or the file cannot be
/// written.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let to_stdout = arguments
        .predictions
        .as_deref()
        .is_some_and(files::is_stdout);
    if to_stdout && (arguments.json || arguments.per_class || arguments.confusion) {
        bail!("the predictions and the results cannot both go to standard output; name a file");
    }
    files::check_target(
        arguments.predictions.as_deref(),
        arguments.model.model.as_deref(),
    )?;
    let network = arguments.model.network()?;
    let chosen = arguments.compute.start()?;
    // A model in a run's folder is measured on the data that the run was trained from.
    let record = arguments.model.model.as_deref().and_then(Record::of_model);
    let loading = match record {
        Some(record) => record.loading(&arguments.loading),
        None => arguments.loading.clone(),
    };
    let measured = Measured::new(&network, &arguments.test, &loading, &chosen)?;
    // Neither result is lost if the other cannot be written.
    let printed = print(arguments, &measured, to_stdout);
    if let Some(path) = &arguments.predictions {
        write_predictions(path, &measured)?;
    }
    printed
}

fn print(arguments: &Arguments, measured: &Measured, to_stdout: bool) -> Result<()> {
    if arguments.json {
        let mut json = measured.json();
        json["model"] = arguments.model.name().display().to_string().into();
        json["flips"] = arguments.test.flips.into();
        return output::json(&json);
    }
    if arguments.per_class {
        output::line(per_class(measured))?;
    }
    if arguments.confusion {
        output::line(&measured.confusion)?;
    }
    let [low, high] = measured.interval();
    let evaluation = &measured.evaluation;
    let line = format!(
        "loss: {} - accuracy: {:.4} ({low:.4} to {high:.4}) - top 3: {:.4} - calibration error: {:.4} \
         on {} test images of {}",
        four_decimals(evaluation.loss),
        evaluation.accuracy,
        measured.top(3),
        evaluation.calibration_error,
        evaluation.images,
        measured.dataset
    );
    if to_stdout {
        say(line);
        return Ok(());
    }
    output::line(line)
}

fn per_class(measured: &Measured) -> String {
    let [class, numbers @ ..] = CLASS_HEADINGS;
    let numbers = numbers.map(|heading| format!(">{heading}"));
    let mut headings = [class; 7];
    for (heading, number) in headings[1..].iter_mut().zip(&numbers) {
        *heading = number;
    }
    output::table(headings, &class_rows(&measured.confusion))
}

fn write_predictions(path: &Path, measured: &Measured) -> Result<()> {
    let classes = measured.confusion.classes();
    let mut csv = csv::Writer::from_writer(Vec::new());
    let columns = ["image", "truth", "predicted", "probability"].map(String::from);
    csv.write_record(columns.iter().chain(classes))?;
    for (image, (row, &truth)) in measured.answers().enumerate() {
        let best = argmax(row);
        let mut record = vec![
            image.to_string(),
            classes[usize::from(truth)].clone(),
            classes[best].clone(),
            row[best].to_string(),
        ];
        record.extend(row.iter().map(f32::to_string));
        csv.write_record(record)?;
    }
    files::write(path, &csv.into_inner()?)
}

impl Measured {
    /// All that was measured.
    fn json(&self) -> Value {
        let evaluation = &self.evaluation;
        let classes = self.confusion.per_class().map(|class| {
            json!({
                "class": class.class,
                "images": class.total,
                "correct": class.correct,
                "accuracy": (class.total > 0).then(|| class.recall()),
                "interval": class.interval,
                "precision": class.precision(),
                "recall": class.recall(),
                "f1": class.f1(),
            })
        });
        json!({
            "dataset": self.dataset,
            "images": evaluation.images,
            "correct": evaluation.correct,
            "loss": evaluation.loss,
            "accuracy": evaluation.accuracy,
            "interval": self.interval(),
            "top_k": (1..=self.confusion.classes().len().min(5)).map(|k| self.top(k)).collect::<Vec<_>>(),
            "macro_f1": self.confusion.macro_f1(),
            "calibration_error": evaluation.calibration_error,
            "reliability": self.reliability(),
            "per_class": classes.collect::<Vec<_>>(),
            "confusion": self.confusion.counts(),
        })
    }
}
