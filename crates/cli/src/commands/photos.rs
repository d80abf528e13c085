//! `photos`: classifies a folder of labelled photos and prints the accuracy.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use modiste_core::shown;
use modiste_dataset::read_labelled_folder;
use modiste_experiment::{PhotoEvent, classify_photos, pages, photo_paths};

use crate::flags::photos::Arguments;
use crate::terminal::advice::warn;
use crate::terminal::files;
use crate::terminal::messages::say;
use crate::terminal::output;

/// Runs the command. A photo that cannot be read is reported, does not count, and does not stop the others.
///
/// # Errors
/// If the model or the labels cannot be read, or the page cannot be written. If a photo could not be read, the
/// exit code is 1.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let (folder, page) = (&arguments.folder, arguments.report.as_deref());
    let to_stdout = files::page_to_stdout(page, arguments.json)?;
    let mut classifier = arguments.classifier.classifier()?;
    let classes = classifier.network().metadata.classes.clone();
    let labels = read_labelled_folder(folder, &classes)?;
    let paths = photo_paths(folder, &labels);
    let inputs = arguments.classifier.inputs().chain([folder.as_path()]);
    files::check_target(page, inputs.chain(paths.iter().map(PathBuf::as_path)))?;
    // If standard output cannot be written, no more lines are printed, but the page is written.
    let wants_lines = !arguments.json && !to_stdout;
    let mut printed = Ok(());
    let mut print = |text: String| {
        if wants_lines && printed.is_ok() {
            printed = output::line(text);
        }
    };
    print("truth predicted".into());
    let report = classify_photos(
        &mut classifier,
        folder,
        &labels,
        page.is_some(),
        &mut |event| match event {
            PhotoEvent::Answer(answer) => print(answer.line(&classes)),
            PhotoEvent::Other(other) => print(other.line()),
            PhotoEvent::Failed(error) => say(format_args!("error: {error}")),
            PhotoEvent::Warning(warning) => warn(warning),
            _ => {}
        },
    );
    if arguments.json {
        output::if_read(output::json(&report.summary()))?;
    } else if !(report.answers.is_empty() && report.others.is_empty()) {
        print(report.to_string());
    }
    if let Some(path) = page {
        let title = format!("Photos of {}", shown(folder));
        files::write(path, pages::photos(&title, &report).as_bytes())?;
        if !to_stdout {
            say(format_args!("written: {}", shown(path)));
        }
    }
    output::if_read(printed)?;
    ensure!(
        !(report.answers.is_empty() && report.others.is_empty()),
        "none of the photos could be read"
    );
    Ok(match report.failed.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
