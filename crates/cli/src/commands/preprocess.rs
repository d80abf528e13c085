//! `preprocess`: shows the network's input for an image.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use modiste_core::{shown, write_atomic};
use modiste_dataset::read_picture;
use modiste_experiment::{FileViews, Warning, pages};
use modiste_imaging::picture_png;
use modiste_infer::{Classifier, explain};

use crate::flags::preprocess::Arguments;
use crate::terminal::advice::warn;
use crate::terminal::messages::say;
use crate::terminal::output;
use crate::terminal::pictures;
use crate::terminal::text::preprocessing;

/// Runs the command. A file that fails is reported and does not stop the others.
///
/// # Errors
/// If the model or the preprocessing cannot be read or results cannot be written. If a file failed, the exit
/// code is 1.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let classifier = arguments.classifier.classifier()?;
    let shape = classifier.input();
    ensure!(
        shape.channels == 1,
        "the network takes colour images; only gray ones are shown"
    );
    if let Some(folder) = &arguments.out {
        fs::create_dir_all(folder).with_context(|| shown(folder))?;
    }
    let found = pictures::expand(&arguments.files)?;
    let mut code = ExitCode::SUCCESS;
    let mut objects = Vec::new();
    let mut written = HashSet::new();
    for file in &found.files {
        match show(arguments, &classifier, file, &mut written) {
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
    classifier: &Classifier,
    file: &Path,
    written: &mut HashSet<PathBuf>,
) -> Result<Vec<Vec<u8>>> {
    let shape = classifier.input();
    let bytes = read_picture(file)?;
    let mut views = Vec::new();
    let mut save = |folder, ending, png: &[u8]| save(folder, file, ending, png, written);
    if arguments.explain {
        let steps = explain(&bytes, classifier.preprocessing(), shape)?;
        if let Some(last) = steps.last() {
            views.extend(last.views.iter().map(|view| view.picture.pixels.clone()));
        }
        let text = preprocessing::steps(&steps);
        output::line(format_args!("{}\n{text}", shown(file)))?;
        if let Some(folder) = &arguments.out {
            save(folder, "-steps.png", &pages::preprocessing_sheet(&steps))?;
        }
    } else {
        views = classifier.prepare(&bytes)?;
    }
    let first = views.first().context("the preprocessing returns no view")?;
    if let Some(folder) = &arguments.out {
        save(folder, ".png", &picture_png(first, shape))?;
    } else if !arguments.json {
        let picture = preprocessing::picture(first, shape);
        match arguments.explain {
            true => output::line(picture)?,
            false => output::line(format_args!("{}\n{picture}", shown(file)))?,
        }
    }
    Ok(views)
}

/// Writes `folder/STEM` with an ending, and a number if another of the images has this name, and prints the
/// path. A file that existed before is not overwritten.
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
        "{} exists already and is not overwritten",
        shown(&path)
    );
    write_atomic(&path, png).with_context(|| shown(&path))?;
    output::line(shown(&path))?;
    written.insert(path);
    Ok(())
}
