//! `preprocess`: shows the network's input for an image.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use modiste_core::{ImageShape, shown};
use modiste_dataset::read_picture;
use modiste_experiment::{FileViews, Warning, pages};
use modiste_imaging::picture_png;
use modiste_infer::{Preprocessing, explain, preprocess};

use crate::flags::preprocess::Arguments;
use crate::terminal::advice::warn;
use crate::terminal::files;
use crate::terminal::messages::say;
use crate::terminal::output;
use crate::terminal::pictures;
use crate::terminal::text::preprocessing::{picture, steps as step_lines};

/// Runs the command. A file that fails is reported and does not stop the others.
///
/// # Errors
/// If the model or the preprocessing cannot be read or results cannot be written. If a file failed, the exit
/// code is 1.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let (preprocessing, shape) = arguments.classifier.preprocessing()?;
    if let Some(folder) = &arguments.out {
        fs::create_dir_all(folder).with_context(|| shown(folder))?;
    }
    let found = pictures::expand(&arguments.files)?;
    let mut code = ExitCode::SUCCESS;
    let mut objects = Vec::new();
    let mut written = HashSet::new();
    for file in &found.files {
        match show(arguments, &preprocessing, shape, file, &mut written) {
            Ok(views) => objects.push(FileViews::new(file, shape, views)),
            Err(error) if output::is_of_stdout(&error) => return Err(error),
            Err(error) => {
                code = ExitCode::FAILURE;
                say(format_args!("error: {}: {error:#}", shown(file)));
                objects.push(FileViews::failed(file, &format!("{error:#}")));
            }
        }
    }
    if arguments.json {
        output::json(&objects)?;
    }
    if found.skipped > 0 {
        warn(Warning::NotImages(found.skipped));
    }
    Ok(code)
}

/// Shows one image as the flags ask; returns its views.
fn show(
    arguments: &Arguments,
    preprocessing: &Preprocessing,
    shape: ImageShape,
    file: &Path,
    written: &mut HashSet<PathBuf>,
) -> Result<Vec<Vec<u8>>> {
    let bytes = read_picture(file)?;
    let explained = || explain(&bytes, preprocessing, shape);
    let steps = arguments.explain.then(explained).transpose()?;
    let views = match steps.as_deref().and_then(<[_]>::last) {
        Some(last) => last.pixels(),
        None => preprocess(&bytes, preprocessing, shape)?,
    };
    let first = views.first().context("the preprocessing returns no view")?;
    let mut lines = vec![shown(file).to_string()];
    lines.extend(steps.as_deref().map(step_lines));
    match &arguments.out {
        Some(folder) => {
            if let Some(steps) = &steps {
                output::line(lines.join("\n"))?;
                let sheet = pages::preprocessing_sheet(steps);
                files::write_new(folder, file, "-steps.png", &sheet, written)?;
            }
            let png = picture_png(first, shape);
            files::write_new(folder, file, ".png", &png, written)?;
        }
        None if arguments.json => {}
        None => {
            lines.push(picture(first, shape));
            output::line(lines.join("\n"))?;
        }
    }
    Ok(views)
}
