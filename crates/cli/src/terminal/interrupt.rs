//! Ctrl-C and SIGTERM.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Exit code of a program that Ctrl-C interrupted: 128 + SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;

/// Returns a flag that Ctrl-C or SIGTERM sets. A second signal ends the process at once.
pub(crate) fn interrupt_flag() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        let at_once = signal_hook::flag::register_conditional_shutdown(
            signal,
            INTERRUPTED.into(),
            Arc::clone(&flag),
        );
        let set = signal_hook::flag::register(signal, Arc::clone(&flag));
        if let Err(error) = at_once.and(set) {
            tracing::warn!(%error, "Ctrl-C will end the run at once");
        }
    }
    flag
}
