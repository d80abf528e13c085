//! `compare`: runs beside each other, and whether one is better or was lucky.

mod candidate;
mod page;

use std::path::PathBuf;

use anyhow::{Result, anyhow};
use modiste_core::four_decimals;
use modiste_metrics::EpochMetrics;
use modiste_metrics::argmax;
use modiste_metrics::mcnemar;
use serde::Serialize;
use serde_json::Value;

use self::candidate::candidates;
use crate::compute::ComputeArguments;
use crate::files;
use crate::json::differences;
use crate::loading::Loading;
use crate::measured::Measured;
use crate::output;
use crate::run::Record;

/// Below this the difference is taken for more than chance.
const SIGNIFICANT: f64 = 0.05;

/// Letters of a setting that are shown.
const LONGEST: usize = 40;

/// The flags of `compare`.
#[derive(clap::Args)]
#[command(
    after_help = "Two runs that are measured on the same test images are compared by McNemar's exact test: of\n\
                        the images that only one of them tells right, is one's share more than chance would give?\n\
                        It speaks of these two networks; another seed may turn it around.\n\n\
                        Examples:\n  modiste compare runs/fashion-1 runs/fashion-2\n  \
                        modiste compare runs/* --out comparison.html"
)]
pub(crate) struct Arguments {
    /// The folders of two or more runs.
    #[arg(value_name = "RUN", required = true, num_args = 2..)]
    runs: Vec<PathBuf>,
    /// Also write a page of HTML (- is standard output), with their curves over each other.
    #[arg(long, value_name = "FILE.html")]
    out: Option<PathBuf>,
    #[command(flatten)]
    loading: Loading,
    #[command(flatten)]
    compute: ComputeArguments,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// One of the runs.
struct Compared {
    name: String,
    record: Record,
    history: Vec<EpochMetrics>,
    measured: Measured,
}

#[derive(Serialize)]
struct Comparison {
    runs: Vec<RunResult>,
    differences: Vec<Difference>,
    pairs: Vec<Pair>,
}

#[derive(Serialize)]
struct RunResult {
    run: String,
    images: usize,
    accuracy: f64,
    interval: [f64; 2],
    loss: f64,
    epochs: usize,
    seconds: f64,
}

#[derive(Serialize)]
struct Difference {
    setting: String,
    /// In the order of the runs.
    values: Vec<String>,
}

/// Two runs on the same images.
#[derive(Serialize)]
struct Pair {
    first: String,
    second: String,
    /// Images that only the one, or only the other, tells right.
    only_first: usize,
    only_second: usize,
    /// McNemar's.
    p: f64,
}

/// Runs the command. Paths that hold no run, or a run without a model, are skipped with a warning.
///
/// # Errors
/// If a path does not exist or fewer than two runs with a model remain. If one cannot be measured, after
/// the others were compared.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let to_stdout = files::page_to_stdout(arguments.out.as_deref(), arguments.json)?;
    files::check_target(arguments.out.as_deref(), [])?;
    let chosen = arguments.compute.start()?;
    let mut runs = Vec::new();
    let mut failed = Vec::new();
    for candidate in candidates(&arguments.runs)? {
        match candidate.compared(&arguments.loading, &chosen) {
            Ok(compared) => runs.push(compared),
            Err(error) => failed.push(format!("{error:#}")),
        }
    }
    let left_out = match failed.is_empty() {
        true => Ok(()),
        false => Err(anyhow!("left out:\n  {}", failed.join("\n  "))),
    };
    if runs.len() < 2 {
        return left_out;
    }
    let comparison = Comparison::new(&runs)?;
    if let Some(path) = &arguments.out {
        let html = comparison.page(&runs);
        files::write(path, html.as_bytes())?;
    }
    match arguments.json {
        _ if to_stdout => {}
        true => output::json(&comparison)?,
        false => output::line(comparison.text())?,
    }
    left_out
}

impl Comparison {
    fn new(runs: &[Compared]) -> Result<Self> {
        let settings: Vec<Value> = runs
            .iter()
            .map(|run| settings(&run.record))
            .collect::<Result<_>>()?;
        let settings: Vec<&Value> = settings.iter().collect();
        let differences = differences(&settings).into_iter();
        let mut pairs = Vec::new();
        for (index, first) in runs.iter().enumerate() {
            for second in &runs[index + 1..] {
                if first.measured.images == second.measured.images {
                    pairs.push(pair(first, second));
                }
            }
        }
        Ok(Self {
            runs: runs.iter().map(result).collect(),
            differences: differences
                .map(|(setting, values)| Difference {
                    setting,
                    values: values.iter().map(|value| shortened(value)).collect(),
                })
                .collect(),
            pairs,
        })
    }

    fn text(&self) -> String {
        let mut lines = Vec::new();
        for Difference { setting, values } in &self.differences {
            lines.push(format!("{setting}: {}", values.join(" | ")));
        }
        if self.differences.is_empty() {
            lines.push("no setting differs".into());
        }
        let rows: Vec<[String; 5]> = self.runs.iter().map(RunResult::cells).collect();
        lines.push(String::new());
        lines.push(output::table(RESULTS, &rows));
        lines.push(String::new());
        lines.extend(self.verdicts());
        lines.join("\n")
    }

    fn verdicts(&self) -> Vec<String> {
        if self.pairs.is_empty() {
            return vec!["no two runs are measured on the same test images".into()];
        }
        self.pairs.iter().map(Pair::verdict).collect()
    }
}

/// Headings of the results; those with `>` are of numbers.
const RESULTS: [&str; 5] = ["run", ">accuracy", ">95 % interval", ">loss", ">seconds"];

impl RunResult {
    fn cells(&self) -> [String; 5] {
        let [low, high] = self.interval.map(|end| 100.0 * end);
        [
            self.run.clone(),
            format!("{:.2} %", 100.0 * self.accuracy),
            format!("{low:.2} to {high:.2} %"),
            four_decimals(self.loss),
            format!("{:.0}", self.seconds),
        ]
    }
}

impl Pair {
    fn verdict(&self) -> String {
        format!(
            "{} and {}: {} images are classified correctly by the first only, {} by the second only: p = {}, {}",
            self.first,
            self.second,
            self.only_first,
            self.only_second,
            match self.p < 1e-3 {
                true => format!("{:.1e}", self.p),
                false => format!("{:.3}", self.p),
            },
            match self.p < SIGNIFICANT {
                true => "significant",
                false => "not significant",
            }
        )
    }
}

fn result(run: &Compared) -> RunResult {
    RunResult {
        run: run.name.clone(),
        images: run.measured.evaluation.images,
        accuracy: run.measured.evaluation.accuracy,
        interval: run.measured.interval(),
        loss: run.measured.evaluation.loss,
        epochs: run.history.len(),
        seconds: run
            .history
            .iter()
            .fold(0.0, |sum, epoch| sum + epoch.seconds),
    }
}

fn pair(first: &Compared, second: &Compared) -> Pair {
    let right = |run: &Compared| -> Vec<bool> {
        let answers = run.measured.answers();
        answers
            .map(|(row, truth)| argmax(row) == usize::from(*truth))
            .collect()
    };
    let (mut only_first, mut only_second) = (0, 0);
    for (one, other) in right(first).into_iter().zip(right(second)) {
        only_first += usize::from(one && !other);
        only_second += usize::from(other && !one);
    }
    Pair {
        first: first.name.clone(),
        second: second.name.clone(),
        only_first,
        only_second,
        p: mcnemar(only_first, only_second),
    }
}

/// All of a record that is no result.
fn settings(record: &Record) -> Result<Value> {
    const RESULTS: [&str; 16] = [
        "format_version",
        "state",
        "photos_folder",
        "photos_folder_in_run",
        "data_folder",
        "data_folder_in_run",
        "tensorboard",
        "machine",
        "started_unix",
        "seconds",
        "epochs",
        "test",
        "best",
        "photos",
        "error",
        "diverged",
    ];
    let mut value = serde_json::to_value(record)?;
    if let Value::Object(fields) = &mut value {
        fields.retain(|name, _| !RESULTS.contains(&name.as_str()));
    }
    Ok(value)
}

fn shortened(value: &str) -> String {
    match value.chars().count() > LONGEST {
        true => value.chars().take(LONGEST).chain("...".chars()).collect(),
        false => value.to_owned(),
    }
}
