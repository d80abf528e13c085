//! Start and results of a run.

use std::path::Path;

use modiste_core::shown;
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
