//! `predict`: classifies images.

use std::process::ExitCode;

use anyhow::{Result, ensure};
use modiste_core::shown;
use modiste_experiment::{Warning, classify_files};
use modiste_infer::is_unsure;
use serde_json::json;

use crate::flags::predict::Arguments;
use crate::terminal::advice::warn;
use crate::terminal::messages::say;
use crate::terminal::output;
use crate::terminal::pictures;
use crate::terminal::text::prediction;

/// Runs the command. A file that fails is reported and does not stop the others.
///
/// # Errors
/// If the model cannot be read or the results cannot be written. If a file failed, the exit code is 1.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    ensure!(arguments.top > 0, "top is 0; take at least 1");
    let mut classifier = arguments.classifier.classifier()?;
    let found = pictures::expand(&arguments.files)?;
    let mut failed = 0;
    let mut objects = Vec::new();
    if arguments.csv {
        output::write(&prediction::csv_header()?)?;
    }
    for (index, answer) in classify_files(&mut classifier, &found.files, None) {
        let file = &found.files[index];
        let name = file.display().to_string();
        let classified = match answer {
            Ok(classified) => classified,
            Err(error) => {
                failed += 1;
                say(format_args!("error: {error}"));
                objects.push(json!({ "file": name, "error": error.reason() }));
                continue;
            }
        };
        if let Some(reason) = classified.warning {
            let path = file.clone();
            warn(Warning::Image { path, reason });
        }
        let unsure = is_unsure(&classified.ranked);
        let top = &classified.ranked[..arguments.top.min(classified.ranked.len())];
        if arguments.json {
            objects.push(json!({ "file": name, "predictions": top, "unsure": unsure }));
        } else if arguments.csv {
            output::write(&prediction::csv(&name, top)?)?;
        } else {
            output::line(format_args!(
                "{}: {}",
                shown(file),
                prediction::line(top, unsure)
            ))?;
        }
    }
    if arguments.json {
        output::json(&objects)?;
    }
    if found.skipped > 0 {
        warn(Warning::NotImages(found.skipped));
    }
    if failed > 0 && found.files.len() > 1 {
        say(format_args!(
            "{failed} of {} files failed",
            found.files.len()
        ));
    }
    Ok(match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}
