//! `predict`: classifies images.

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use modiste_experiment::{Warning, classify_files};

use crate::flags::predict::Arguments;
use crate::terminal::advice::warn;
use crate::terminal::messages::say;
use crate::terminal::pictures;
use crate::terminal::text::prediction::{Format, Predictions};

/// Runs the command. A file that fails is reported and does not stop the others.
///
/// # Errors
/// If the model cannot be read or the results cannot be written. If a file failed, the exit code is 1.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    ensure!(arguments.top > 0, "top is 0; take at least 1");
    let mut classifier = arguments.classifier.classifier()?;
    let found = pictures::expand(&arguments.files)?;
    let format = match (arguments.json, arguments.csv) {
        (true, _) => Format::Json,
        (_, true) => Format::Csv,
        _ => Format::Lines,
    };
    let threshold = |percent| {
        let threshold = classifier.set_threshold(percent);
        threshold.context(
            "the model was not calibrated for --set: it was trained without validation images of its own",
        )
    };
    let set_threshold = arguments.set.map(threshold).transpose()?;
    let mut predictions = Predictions::new(format, arguments.top, set_threshold)?;
    for (index, answer) in classify_files(&mut classifier, &found.files, None) {
        predictions.print(&found.files[index], answer)?;
    }
    let failed = predictions.end()?;
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
