//! Ctrl-C, and a request to end.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What a program that was interrupted by Ctrl-C exits with: 128 + SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;

/// A flag that Ctrl-C, or a request to end, raises; the second one ends the process at once.
pub(crate) fn interrupt_flag() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        let at_once = signal_hook::flag::register_conditional_shutdown(
            signal,
            INTERRUPTED.into(),
            Arc::clone(&flag),
        );
        let raised = signal_hook::flag::register(signal, Arc::clone(&flag));
        if let Err(error) = at_once.and(raised) {
            tracing::warn!(%error, "Ctrl-C will end the run at once");
        }
    }
    flag
}
