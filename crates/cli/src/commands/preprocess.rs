//! `preprocess`: what a network sees of a picture.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use modiste_core::{ImageShape, write_atomic};
use modiste_dataset::{PictureFiles, read_picture};
use modiste_imaging::picture_png;
use modiste_infer::{Classifier, StepResult, explain};
use modiste_report::{Cell, Column, picture_sheet};
use serde::Serialize;

use crate::messages::say;
use crate::model::ClassifierArguments;
use crate::output;
use crate::pictures;
use modiste_core::{printable, shown};

/// From black to white, for a picture in letters.
const SHADES: [char; 10] = [' ', '.', ':', '-', '=', '+', '*', '#', '%', '@'];

/// The flags of `preprocess`.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  modiste preprocess shoe.jpg\n  \
                        modiste preprocess shoe.jpg --explain --out seen/\n  \
                        modiste preprocess photos/ --preprocess notebook:area --out seen/\n\n\
                        Where the network sees several views of a picture, the first is shown; JSON has all.")]
pub(crate) struct Arguments {
    /// Pictures, folders of them, `-` for a list on standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    classifier: ClassifierArguments,
    /// Say what each step does; with --out also as a picture, STEM-steps.png: a column for each step.
    #[arg(long, conflicts_with = "json")]
    explain: bool,
    /// Write PNGs into this folder, where no file of the name is yet, instead of printing pictures.
    #[arg(long, value_name = "DIR", conflicts_with = "json")]
    out: Option<PathBuf>,
    /// Print one JSON array: file, width, height, and of each view the pixels row by row.
    #[arg(long)]
    json: bool,
}

/// Runs the command. A file that fails is told and does not stop the others.
///
/// # Errors
/// Where the model or the preprocessing cannot be read or results cannot be written; where a file
/// failed, exit code 1.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let classifier = arguments.classifier.classifier()?;
    let shape = classifier.input();
    ensure!(
        shape.channels == 1,
        "the network sees colours; only gray pictures are shown"
    );
    if let Some(folder) = &arguments.out {
        fs::create_dir_all(folder).with_context(|| shown(folder))?;
    }
    let PictureFiles { files, skipped } = pictures::expand(&arguments.files)?;
    ensure!(!files.is_empty(), "the list on standard input is empty");
    let mut code = ExitCode::SUCCESS;
    let mut objects: Vec<Seen> = Vec::new();
    let mut written = HashSet::new();
    for file in &files {
        match show(arguments, &classifier, file, &mut written) {
            Ok(views) if arguments.json => objects.push(Seen {
                file: file.display().to_string(),
                found: Found::Views {
                    width: shape.width,
                    height: shape.height,
                    views,
                },
            }),
            Ok(_) => {}
            Err(error) if output::is_of_stdout(&error) => return Err(error),
            Err(error) => {
                let file = file.display().to_string();
                code = ExitCode::FAILURE;
                say(format_args!("error: {}: {error:#}", printable(&file)));
                let error = format!("{error:#}");
                objects.push(Seen {
                    file,
                    found: Found::Error { error },
                });
            }
        }
    }
    if arguments.json {
        output::json(&objects)?;
    }
    pictures::tell_skipped(skipped);
    Ok(code)
}

/// What JSON says of a file.
#[derive(Serialize)]
struct Seen {
    file: String,
    #[serde(flatten)]
    found: Found,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Found {
    Views {
        width: usize,
        height: usize,
        views: Vec<Vec<u8>>,
    },
    Error {
        error: String,
    },
}

/// Shows one picture as the flags ask; gives its views.
fn show(
    arguments: &Arguments,
    classifier: &Classifier,
    file: &Path,
    written: &mut HashSet<PathBuf>,
) -> Result<Vec<Vec<u8>>> {
    let shape = classifier.input();
    let bytes = read_picture(file)?;
    let views = if arguments.explain {
        let stages = explain(&bytes, classifier.preprocessing(), shape)?;
        let last = stages.last().map_or(&[][..], |stage| &stage.views);
        let views = last
            .iter()
            .map(|view| view.picture.pixels.clone())
            .collect();
        let name = shown(file);
        output::line(format_args!("{name}\n{}", words(&stages)))?;
        if let Some(folder) = &arguments.out {
            save(folder, file, "-steps.png", &sheet(&stages)?, written)?;
        }
        views
    } else {
        classifier.prepare(&bytes)?
    };
    let first = views.first().context("the preprocessing gives no view")?;
    if let Some(folder) = &arguments.out {
        let png = picture_png(first, shape);
        save(folder, file, ".png", &png, written)?;
    } else if !arguments.json {
        let picture = letters(first, shape);
        match arguments.explain {
            true => output::line(picture)?,
            false => {
                let name = shown(file);
                output::line(format_args!("{name}\n{picture}"))?;
            }
        }
    }
    Ok(views)
}

/// A line per step: what it does, and the size of what comes out.
fn words(stages: &[StepResult]) -> String {
    let line = |(number, stage): (usize, &StepResult)| {
        let views = stage.views.len();
        let several = if views == 1 { "" } else { "s" };
        let size = stage.views.first().map_or(String::new(), |view| {
            let shape = view.picture.shape;
            format!(
                ": {views} view{several} of {}x{}",
                shape.width, shape.height
            )
        });
        format!("  {number:2} {}{size}", stage.step)
    };
    let lines: Vec<String> = (1..).zip(stages).map(line).collect();
    lines.join("\n")
}

/// A column for each step, a row for each view.
fn sheet(stages: &[StepResult]) -> Result<Vec<u8>> {
    let columns: Vec<Column> = (1..)
        .zip(stages)
        .map(|(number, stage): (usize, _)| {
            let cell = |view: &modiste_infer::View| {
                let shown = view.overlay();
                Cell {
                    height: shown.shape.height,
                    width: shown.shape.width,
                    pixels: shown.pixels,
                }
            };
            Column {
                heading: format!("{number} {}", stage.step.name()),
                cells: stage.views.iter().map(cell).collect(),
            }
        })
        .collect();
    Ok(picture_sheet(&columns)?)
}

/// Writes `folder/STEM` and the ending, with a number if another of the pictures has this name, and prints
/// the path. A file that was there before is not overwritten.
fn save(
    folder: &Path,
    file: &Path,
    ending: &str,
    png: &[u8],
    written: &mut HashSet<PathBuf>,
) -> Result<()> {
    let stem = file.file_stem().context("the file has no name")?;
    let named = |number: usize| {
        let mut path = folder.join(stem).into_os_string();
        if number > 1 {
            path.push(format!("-{number}"));
        }
        path.push(ending);
        PathBuf::from(path)
    };
    let free = (1..).map(named).find(|path| !written.contains(path));
    let path = free.context("no name is free")?;
    ensure!(
        !path.exists(),
        "{} is there already; it is not overwritten",
        shown(&path)
    );
    write_atomic(&path, png).with_context(|| shown(&path))?;
    output::line(shown(&path))?;
    written.insert(path);
    Ok(())
}

/// A picture of two letters per pixel, which is about square on a terminal.
fn letters(pixels: &[u8], shape: ImageShape) -> String {
    let rows: Vec<String> = pixels
        .chunks_exact(shape.width)
        .map(|row| {
            let row: String = row
                .iter()
                .map(|&value| SHADES[usize::from(value) * SHADES.len() / 256])
                .flat_map(|shade| [shade, shade])
                .collect();
            row.trim_end().to_owned()
        })
        .collect();
    rows.join("\n")
}
