//! `preprocess`: what a network sees of a picture.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use modiste_dataset::{ImageShape, write_atomic};
use modiste_infer::{Interpolation, Preprocessing, preprocess};
use serde_json::json;

use crate::messages::say;
use crate::output;
use crate::pictures;

/// What the networks of the MNIST family take.
const SHAPE: ImageShape = ImageShape {
    height: 28,
    width: 28,
    channels: 1,
};

/// From black to white, for a picture in letters.
const SHADES: [char; 10] = [' ', '.', ':', '-', '=', '+', '*', '#', '%', '@'];

/// The flags of `preprocess`.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  modiste preprocess shoe.jpg\n  \
                        modiste preprocess photos/ --interpolation area --out seen/")]
pub(crate) struct Arguments {
    /// Pictures, folders of them, `-` for a list on standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The preprocessing: notebook (gray, 255 minus it, stretched to 28x28).
    #[arg(long, value_name = "P", default_value = "notebook")]
    preprocess: String,
    /// How the picture becomes small: nearest, linear, area [default: the preprocessing's].
    #[arg(long, value_name = "I")]
    interpolation: Option<String>,
    /// Write PNGs into this folder, where no file of the name is yet, instead of printing.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print one JSON array: file, width, height, pixels row by row.
    #[arg(long)]
    json: bool,
}

/// Runs the command. A file that fails is told and does not stop the others.
///
/// # Errors
/// Where a name is not known or results cannot be written; where a file failed, exit code 1.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let preprocessing = preprocessing(arguments)?;
    if let Some(folder) = &arguments.out {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let files = pictures::expand(&arguments.files)?;
    ensure!(!files.is_empty(), "the list on standard input is empty");
    let mut code = ExitCode::SUCCESS;
    let mut objects = Vec::new();
    let mut written = HashSet::new();
    for file in &files {
        let name = file.display();
        let pixels = pictures::read(file)
            .and_then(|bytes| Ok(preprocess(&bytes, &preprocessing, SHAPE)?))
            .and_then(|pixels| {
                if let Some(folder) = &arguments.out {
                    save(folder, file, &pixels, &mut written)?;
                }
                Ok(pixels)
            });
        match pixels {
            Ok(pixels) if arguments.json => objects.push(json!({
                "file": name.to_string(),
                "width": SHAPE.width,
                "height": SHAPE.height,
                "pixels": pixels,
            })),
            Ok(_) if arguments.out.is_some() => {}
            Ok(pixels) => output::line(format_args!("{name}\n{}", letters(&pixels)))?,
            Err(error) => {
                code = ExitCode::FAILURE;
                say(format_args!("error: {name}: {error:#}"));
                objects.push(json!({ "file": name.to_string(), "error": format!("{error:#}") }));
            }
        }
    }
    if arguments.json {
        output::json(&objects)?;
    }
    Ok(code)
}

fn preprocessing(arguments: &Arguments) -> Result<Preprocessing> {
    let preset: Preprocessing = arguments.preprocess.parse()?;
    Ok(match &arguments.interpolation {
        Some(name) => Preprocessing::Notebook {
            interpolation: name.parse::<Interpolation>()?,
        },
        None => preset,
    })
}

/// Writes `folder/STEM.png` and says so, unless there is such a file.
fn save(folder: &Path, file: &Path, pixels: &[u8], written: &mut HashSet<PathBuf>) -> Result<()> {
    let stem = file.file_stem().context("the file has no name")?;
    let mut path = folder.join(stem);
    path.as_mut_os_string().push(".png");
    ensure!(
        !path.exists(),
        "{} is there already{}",
        path.display(),
        if written.contains(&path) {
            ": two of the files have this name"
        } else {
            "; it is not overwritten"
        }
    );
    let png = modiste_infer::gray_png(pixels, SHAPE.height, SHAPE.width);
    write_atomic(&path, &png).with_context(|| path.display().to_string())?;
    output::line(path.display())?;
    written.insert(path);
    Ok(())
}

/// A picture of two letters per pixel, which is about square on a terminal.
fn letters(pixels: &[u8]) -> String {
    let rows: Vec<String> = pixels
        .chunks_exact(SHAPE.width)
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
