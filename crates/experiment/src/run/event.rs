//! Events of a run.

use modiste_train::{Event, Next};

use crate::warning::Warning;

/// Event of a run.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunEvent<'a> {
    /// An event of the training.
    Train(&'a Event<'a>),
    /// A warning. It stops nothing.
    Warning(Warning),
}

/// Callback of a run. Its answer to an event of the training may stop the run or ask for a checkpoint; its
/// answer to a warning is ignored.
pub type OnEvent<'a> = &'a mut dyn FnMut(RunEvent<'_>) -> Next;

/// Passes a warning to a callback.
pub(crate) fn warn(on_event: OnEvent<'_>, warning: Warning) {
    on_event(RunEvent::Warning(warning));
}
