//! Events of a run.

use modiste_train::{Event, Next};

use crate::warning::Warning;

/// Event of a run.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunEvent<'a> {
    /// An event of the training.
    Train(&'a Event<'a>),
    /// A warning, which does not stop the run.
    Warning(Warning),
}

/// Callback of a run. The value that it returns for an event of the training may stop the run or request a
/// checkpoint; the value for a warning is ignored.
pub type OnEvent<'a> = &'a mut dyn FnMut(RunEvent<'_>) -> Next;

/// Passes a warning to a callback.
pub(crate) fn warn(on_event: OnEvent<'_>, warning: Warning) {
    on_event(RunEvent::Warning(warning));
}
