//! Message about a run that was interrupted.

use std::path::Path;

use modiste_core::shown;
use modiste_experiment::Record;

use crate::terminal::shell;

/// Message after a run that was interrupted, with the command that resumes it.
pub(crate) fn interrupted(folder: &Path, record: &Record) -> String {
    format!(
        "interrupted after {} completed epochs; the model and its history are in {}\n{}",
        record.epochs,
        shown(folder),
        shell::advice("to resume", &shell::resume(folder))
    )
}
