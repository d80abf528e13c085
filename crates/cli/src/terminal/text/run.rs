//! Start and results of a run.

use std::path::Path;

use modiste_core::{four_decimals, shown};
use modiste_experiment::{Record, Run};

use crate::terminal::shell;

/// Lines at the start of a run.
pub(crate) fn start(run: &Run, is_resumed: bool) -> String {
    let (path, record) = (shown(run.path()), run.record());
    let action = match run.position() {
        Some(position) => format!(
            "Resuming {path} after {} epochs and {} steps of {} epochs",
            position.epochs_done, position.steps_done, record.config.train.epochs
        ),
        None if is_resumed => format!("Starting {path} again: it has no checkpoint"),
        None => format!(
            "Training {} on {} images of {}, into {path}",
            record.architecture.name,
            run.training_images(),
            record.dataset.name,
        ),
    };
    format!("{}\n{action}", run.setup().description)
}

/// Message after a run that was interrupted.
pub(crate) fn interrupted(folder: &Path, record: &Record) -> String {
    format!(
        "interrupted after {} completed epochs; the model and its history are in {}\n{}",
        record.epochs,
        shown(folder),
        shell::advice("to resume", &shell::resume(folder))
    )
}

/// Results of a finished run.
pub(crate) fn results(folder: &Path, record: &Record) -> String {
    let run = shown(folder);
    let mut lines = Vec::new();
    if let Some(test) = &record.test {
        let [low, high] = test.interval;
        lines.push(format!(
            "{run}: test loss {}, test accuracy {:.4} ({low:.4} to {high:.4}) on {} images",
            four_decimals(test.loss),
            test.accuracy,
            test.images
        ));
    }
    if let Some(best) = &record.best {
        let [low, high] = best.test.interval;
        lines.push(format!(
            "{run}: epoch {} has the best validation accuracy ({:.4}); its test accuracy is {:.4} ({low:.4} \
             to {high:.4})",
            best.epoch, best.val_accuracy, best.test.accuracy
        ));
    }
    lines.extend(record.photos.as_ref().map(ToString::to_string));
    lines.join("\n")
}
