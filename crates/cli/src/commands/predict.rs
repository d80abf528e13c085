//! `predict`: what pictures show.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use modiste_dataset::PictureFiles;
use modiste_infer::{Prediction, is_unsure};
use serde_json::json;

use crate::classify::classify_files;
use crate::messages::say;
use crate::model::ClassifierArguments;
use crate::output;
use crate::pictures;
use modiste_core::printable;

/// The flags of `predict`.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  modiste predict shoe.jpg\n  \
                        modiste predict photos/ --top 1 --csv > answers.csv\n  \
                        find . -name '*.png' | modiste predict - --json\n  \
                        modiste predict digit.png --model runs/lecture-1/model.safetensors\n\n\
                        An answer is called a guess where the best class is less probable than 50 %.")]
pub(crate) struct Arguments {
    /// Pictures (PNG, JPEG, WebP, GIF, BMP, TIFF), folders of them, `-` for a list on standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    classifier: ClassifierArguments,
    /// How many classes to name, the most probable first.
    #[arg(long, value_name = "N", default_value_t = 3)]
    top: usize,
    /// Print one JSON array: a file, its predictions and whether they are a guess, or its error.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV: a line per file and class.
    #[arg(long)]
    csv: bool,
}

/// Runs the command. A file that fails is told and does not stop the others.
///
/// # Errors
/// Where the model cannot be read or the results cannot be written; where a file failed, exit
/// code 1.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    ensure!(arguments.top > 0, "top is 0; take at least 1");
    let mut classifier = arguments.classifier.classifier()?;
    let PictureFiles { files, skipped } = pictures::expand(&arguments.files)?;
    ensure!(!files.is_empty(), "the list on standard input is empty");
    let mut failed = 0;
    let mut objects = Vec::new();
    if arguments.csv {
        write_csv(&[["file", "rank", "class", "index", "probability"]])?;
    }
    classify_files(&mut classifier, &files, None, |index, classified| {
        let name = files[index].display().to_string();
        let ranked = classified.map(|classified| classified.ranked);
        let unsure = ranked.as_deref().is_ok_and(is_unsure);
        let ranked = ranked.map(|mut ranked| {
            ranked.truncate(arguments.top);
            ranked
        });
        match ranked {
            Ok(ranked) if arguments.json => {
                objects.push(json!({ "file": name, "predictions": ranked, "unsure": unsure }));
            }
            Ok(ranked) if arguments.csv => write_csv(&csv_rows(&name, &ranked))?,
            Ok(ranked) => {
                let note = if unsure { " (a guess)" } else { "" };
                output::line(format_args!(
                    "{}: {}{note}",
                    printable(&name),
                    phrase(&ranked)
                ))?;
            }
            Err(error) => {
                failed += 1;
                say(format_args!("error: {}: {error:#}", printable(&name)));
                objects.push(json!({ "file": name, "error": format!("{error:#}") }));
            }
        }
        Ok(())
    })?;
    if arguments.json {
        output::json(&objects)?;
    }
    pictures::tell_skipped(skipped);
    if failed > 0 && files.len() > 1 {
        say(format_args!("{failed} of {} files failed", files.len()));
    }
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// `Sneaker 97.2 %, Sandal 1.1 %`
fn phrase(ranked: &[Prediction]) -> String {
    let parts: Vec<String> = ranked
        .iter()
        .map(|one| format!("{} {:.1} %", one.class, 100.0 * one.probability))
        .collect();
    parts.join(", ")
}

fn csv_rows(file: &str, ranked: &[Prediction]) -> Vec<[String; 5]> {
    (1..)
        .zip(ranked)
        .map(|(rank, one): (usize, _)| {
            [
                file.to_owned(),
                rank.to_string(),
                one.class.clone(),
                one.index.to_string(),
                one.probability.to_string(),
            ]
        })
        .collect()
}

fn write_csv<T: AsRef<[u8]>>(rows: &[[T; 5]]) -> Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row)?;
    }
    output::write(&writer.into_inner()?)
}
