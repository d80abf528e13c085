//! `photos`: a folder of labelled photos, and how many are told right.

use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use modiste_core::ImageShape;
use modiste_dataset::{LabelError, LabelledFile, LabelledFolder};
use modiste_imaging::picture_png;
use modiste_infer::{Prediction, is_unsure};
use modiste_metrics::{Confusion, wilson_interval};
use modiste_report::{PhotoRow, photos_page};
use serde::Serialize;
use serde_json::{Value, json};

use crate::classify::{Classified, classify_files};
use crate::files;
use crate::labels;
use crate::messages::say;
use crate::model::ClassifierArguments;
use crate::output;
use modiste_core::shown;

/// The flags of `photos`.
#[derive(clap::Args)]
#[command(
    after_help = "The folder's labels.csv has the columns `file` and `label` (others are ignored):\n  \
                        file,label\n  01.jpg,Trouser\n  02.jpg,3\n\
                        Without it the photos lie in folders that are called like classes: bag/1.jpg.\n\n\
                        Printed are, for each photo, the number of its class and of the predicted one; then\n\
                        the accuracy, the numbers (from 0) of the photos that are wrong, each class with the\n\
                        95 % confidence interval of its accuracy, and what was taken for what: a row for\n\
                        each true class, a column for each predicted one.\n\n\
                        Examples:\n  modiste photos wardrobe/\n  \
                        modiste photos wardrobe/ --report wardrobe.html\n  \
                        modiste photos wardrobe/ --preprocess notebook"
)]
pub(crate) struct Arguments {
    /// The folder of the photos.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    classifier: ClassifierArguments,
    /// Also write a page (- is standard output) of all photos, what the network saw of them and its
    /// three best answers.
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command. A photo that cannot be read is told, not counted, and does not stop the others.
///
/// # Errors
/// Where the model or the labels cannot be read, or the page cannot be written; where a photo could
/// not be read, exit code 1.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let to_stdout = files::page_to_stdout(arguments.report.as_deref(), arguments.json)?;
    let mut classifier = arguments.classifier.classifier()?;
    let classes = classifier.network().metadata.classes.clone();
    let LabelledFolder { photos, errors, .. } = labels::read(&arguments.folder, &classes)?;
    for error in &errors {
        say(format_args!("error: {error}"));
    }
    let mut failed: Vec<Failed> = errors.iter().map(Failed::of_label).collect();
    let mut confusion = Confusion::new(classes.clone());
    let mut answers: Vec<Answer> = Vec::new();
    let mut rows = Vec::new();
    // A page must come to its file also where nobody reads the lines any more: `... | head -1`.
    let mut lines = Lines {
        wanted: !arguments.json && !to_stdout,
    };
    let paths: Vec<PathBuf> = photos
        .iter()
        .map(|photo| arguments.folder.join(&photo.file))
        .collect();
    files::check_target(
        arguments.report.as_deref(),
        paths.iter().map(PathBuf::as_path),
    )?;
    let shape = classifier.input();
    let small = arguments.report.as_ref().map(|_| LONGEST);
    lines.print("truth predicted")?;
    classify_files(&mut classifier, &paths, small, |index, classified| {
        let photo = &photos[index];
        let found = match classified {
            Ok(found) => found,
            Err(error) => {
                say(format_args!("error: {}: {error:#}", shown(&paths[index])));
                failed.push(Failed {
                    file: Some(photo.file.display().to_string()),
                    error: format!("{error:#}"),
                });
                return Ok(());
            }
        };
        let best = found.ranked.first().context("a network of no classes")?;
        confusion.add(photo.class, best.index);
        lines.print(verdict(photo, best.index, &classes))?;
        answers.push(Answer {
            index,
            best: best.clone(),
            unsure: is_unsure(&found.ranked),
        });
        if arguments.report.is_some() {
            rows.push(row(photo, found, &classes, shape));
        }
        Ok(())
    })?;
    let printed = match arguments.json {
        true => output::if_read(output::json(&as_json(
            &photos, &answers, &failed, &confusion,
        ))),
        false if answers.is_empty() => Ok(()),
        false => lines.print(summary(&photos, &answers, &confusion)),
    };
    // A page must come to its file also if the lines cannot be written.
    if let Some(path) = &arguments.report {
        let title = format!("Photos of {}", shown(&arguments.folder));
        let unread: Vec<(String, String)> = failed.iter().map(Failed::row).collect();
        let page = photos_page(&title, &rows, &unread, &confusion);
        files::write(path, page.as_bytes())?;
        if !to_stdout {
            say(format_args!("written: {}", shown(path)));
        }
    }
    printed?;
    ensure!(!answers.is_empty(), "none of the photos could be read");
    Ok(match failed.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// A photo that could not be read, or a label that names no class.
#[derive(Serialize)]
struct Failed {
    /// `None` of a label.
    file: Option<String>,
    error: String,
}

impl Failed {
    fn of_label(error: &LabelError) -> Self {
        Self {
            file: None,
            error: error.to_string(),
        }
    }

    fn row(&self) -> (String, String) {
        let file = self.file.clone().unwrap_or_else(|| "label".into());
        (file, self.error.clone())
    }
}

/// The lines on standard output.
struct Lines {
    /// False if the page takes their place, or their reader has closed the pipe.
    wanted: bool,
}

impl Lines {
    fn print(&mut self, text: impl Display) -> Result<()> {
        if !self.wanted {
            return Ok(());
        }
        match output::line(text) {
            Err(error) if output::is_closed_pipe(&error) => self.wanted = false,
            other => return other,
        }
        Ok(())
    }
}

/// Pixels of a small photo's longest edge.
const LONGEST: usize = 160;

/// What a photo was taken for.
struct Answer {
    /// The photo's place in the list.
    index: usize,
    best: Prediction,
    unsure: bool,
}

impl Answer {
    fn is_wrong(&self, photos: &[LabelledFile]) -> bool {
        self.best.index != photos[self.index].class
    }
}

/// `    3         0  02.jpg  Dress, taken for T-shirt/top`
fn verdict(photo: &LabelledFile, predicted: usize, classes: &[String]) -> String {
    let truth = photo.class;
    let note = match predicted == truth {
        true => classes[truth].clone(),
        false => format!("{}, taken for {}", classes[truth], classes[predicted]),
    };
    let file = shown(&photo.file);
    format!("{truth:5} {predicted:9}  {file}  {note}")
}

fn summary(photos: &[LabelledFile], answers: &[Answer], confusion: &Confusion) -> String {
    let (right, total) = (confusion.correct(), confusion.total());
    let [low, high] = wilson_interval(right, total).map(|end| 100.0 * end);
    let accuracy = right as f64 / total as f64;
    let wrong = answers.iter().filter(|answer| answer.is_wrong(photos));
    let false_number: Vec<usize> = wrong.map(|answer| answer.index).collect();
    let rows: Vec<_> = confusion
        .per_class()
        .filter(|class| class.total > 0)
        .map(|class| {
            let [low, high] = class.interval.map(|end| 100.0 * end);
            [
                class.class.to_owned(),
                class.total.to_string(),
                class.correct.to_string(),
                format!("{:.1} %", 100.0 * class.correct as f64 / class.total as f64),
                format!("{low:.1} to {high:.1} %"),
            ]
        })
        .collect();
    let headings = ["class", ">photos", ">right", ">accuracy", ">95 % interval"];
    let table = output::table(headings, &rows);
    format!(
        "accuracy = {accuracy} ({right} of {total}; 95 % interval {low:.1} to {high:.1} %)\n\
         false_number = {false_number:?}\n\n{table}\n\n{confusion}"
    )
}

fn as_json(
    photos: &[LabelledFile],
    answers: &[Answer],
    failed: &[Failed],
    confusion: &Confusion,
) -> Value {
    let classes = confusion.classes();
    let (right, total) = (confusion.correct(), confusion.total());
    let answer = |answer: &Answer| {
        json!({
            "index": answer.index,
            "file": photos[answer.index].file.display().to_string(),
            "truth": classes[photos[answer.index].class],
            "predicted": answer.best.class,
            "probability": answer.best.probability,
            "unsure": answer.unsure,
        })
    };
    let wrong = answers.iter().filter(|answer| answer.is_wrong(photos));
    let counts = |truth| (0..classes.len()).map(move |predicted| confusion.count(truth, predicted));
    json!({
        "photos": total,
        "right": right,
        "accuracy": right as f64 / total as f64,
        "interval": wilson_interval(right, total),
        "per_class": confusion.per_class().map(|class| json!({
            "class": class.class,
            "photos": class.total,
            "right": class.correct,
            "interval": class.interval,
        })).collect::<Vec<_>>(),
        "confusion": (0..classes.len())
            .map(|truth| counts(truth).collect::<Vec<_>>())
            .collect::<Vec<_>>(),
        "answers": answers.iter().map(answer).collect::<Vec<_>>(),
        "wrong": wrong.map(answer).collect::<Vec<_>>(),
        "errors": failed,
    })
}

/// What the page shows of a photo.
fn row(photo: &LabelledFile, found: Classified, classes: &[String], shape: ImageShape) -> PhotoRow {
    let unsure = is_unsure(&found.ranked);
    let ranked = found.ranked.into_iter().take(3);
    // Coloured views are not shown: they are the photo itself, only smaller.
    let seen = found.views.iter().filter(|_| shape.channels == 1);
    PhotoRow {
        name: photo.file.display().to_string(),
        truth: classes[photo.class].clone(),
        ranked: ranked.map(|one| (one.class, one.probability)).collect(),
        photo: found.thumbnail.unwrap_or_default(),
        views: seen.map(|view| picture_png(view, shape)).collect(),
        unsure,
    }
}
