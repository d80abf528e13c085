//! Panics and failed allocations: the process ends with a line and exit code 1.

use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use super::messages::say;

/// Message and location of the last panic.
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// Runs the program. A panic becomes an error message and exit code 1.
pub(crate) fn guarded(program: impl FnOnce() -> ExitCode) -> ExitCode {
    #[cfg(target_os = "linux")]
    prepare_for_little_memory();
    panic::set_hook(Box::new(remember));
    exit_instead_of_abort();
    #[cfg(unix)]
    survive_file_size_limit();
    panic::catch_unwind(AssertUnwindSafe(program)).unwrap_or_else(|_| {
        let panic = LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner);
        say(format_args!(
            "error: internal error: {panic}; this is a bug in Modiste, please report it"
        ));
        ExitCode::FAILURE
    })
}

/// Stores the message of a panic. Nothing is printed: a decoder that panics on one image is handled where the
/// panic is caught.
fn remember(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let message = text.or_else(|| payload.downcast_ref::<&str>().copied());
    let message = message.unwrap_or("no message");
    let place = panic
        .location()
        .map_or(String::new(), |place| format!(" ({place})"));
    tracing::debug!(message, place, "panic");
    *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = format!("{message}{place}");
}

/// An allocation that fails prints a line and aborts. The signal then ends the process with exit code 1.
fn exit_instead_of_abort() {
    const FAILED: i32 = 1;
    let always = Arc::new(AtomicBool::new(true));
    let registered = signal_hook::flag::register_conditional_shutdown(
        signal_hook::consts::SIGABRT,
        FAILED,
        always,
    );
    if let Err(error) = registered {
        tracing::debug!(%error, "no handler for SIGABRT");
    }
}

/// Writing beyond the shell's limit of file sizes raises a signal that would end the process without a
/// message. With any handler installed, the write fails instead.
#[cfg(unix)]
fn survive_file_size_limit() {
    let received = Arc::new(AtomicBool::new(false));
    if let Err(error) = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, received) {
        tracing::debug!(%error, "no handler for SIGXFSZ");
    }
}

/// Restarts the program with an environment for little memory, if the memory of this process is limited.
/// The GNU C library reserves 64 MiB of address space for each thread that allocates, unless
/// `MALLOC_ARENA_MAX` is set; and with `RUST_BACKTRACE` the standard library allocates memory to report that
/// there is none, and may deadlock.
#[cfg(target_os = "linux")]
fn prepare_for_little_memory() {
    use std::os::unix::process::CommandExt;
    const ARENAS: &str = "MALLOC_ARENA_MAX";
    const BACKTRACE: &str = "RUST_BACKTRACE";
    let backtraces = std::env::var_os(BACKTRACE).is_some_and(|value| value != "0");
    let is_prepared = std::env::var_os(ARENAS).is_some() && !backtraces;
    if is_prepared || modiste_core::memory_left().is_none() {
        return;
    }
    let mut arguments = std::env::args_os();
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let mut command = std::process::Command::new(program);
    command.arg0(arguments.next().unwrap_or_default());
    command.env(BACKTRACE, "0").env(ARENAS, "1");
    // `exec` returns only if it fails; the process then continues without the environment.
    let error = command.args(arguments).exec();
    tracing::debug!(%error, "the environment is unchanged");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panic_becomes_exit_code() {
        let before = panic::take_hook();
        let failed = guarded(|| panic!("row {}", std::hint::black_box(7)));
        panic::set_hook(before);
        assert_eq!(format!("{failed:?}"), format!("{:?}", ExitCode::FAILURE));
        let panic = LAST_PANIC.lock().expect("not poisoned");
        assert!(
            panic.starts_with("row 7 (") && panic.contains("failure.rs:"),
            "{panic}"
        );
    }
}
