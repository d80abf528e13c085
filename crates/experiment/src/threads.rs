//! Threads of the process.

use std::sync::{Mutex, PoisonError};

use modiste_core::memory_left;

use crate::error::{Error, Result};

/// Maximum number of threads: a larger number is probably a typing error.
const MAX_THREADS: usize = 1024;

/// Address space per thread if memory is limited: an upper estimate of its stack and buffers.
const MEMORY_PER_THREAD: u64 = 64 << 20;

/// Environment variable that sets the number of threads.
const VARIABLE: &str = "RAYON_NUM_THREADS";

/// Starts the thread pool of the process, unless it has started. `threads` is the number of threads. The default is
/// the environment variable `RAYON_NUM_THREADS`, else one thread per core, or fewer if the memory of the process is
/// limited.
///
/// # Errors
/// Returns [`Error::Setting`] if the number is out of range or the threads do not start.
pub fn start_threads(threads: Option<usize>) -> Result<()> {
    start(threads, |pool| pool)
}

/// Starts the thread pool as [`start_threads`] does, with the current thread as one of its threads: for a small
/// network, passing work to another thread takes longer than the work itself. While the current thread waits for
/// another thread, that thread must not start work in the pool.
///
/// # Errors
/// As [`start_threads`].
pub fn start_threads_with_current(threads: Option<usize>) -> Result<()> {
    start(threads, |pool| pool.use_current_thread())
}

fn start(
    threads: Option<usize>,
    set: impl FnOnce(rayon::ThreadPoolBuilder) -> rayon::ThreadPoolBuilder,
) -> Result<()> {
    static STARTED: Mutex<bool> = Mutex::new(false);
    if let Some(threads) = threads.filter(|threads| !(1..=MAX_THREADS).contains(threads)) {
        return Err(Error::setting(format!(
            "threads is {threads}; take 1 to {MAX_THREADS}"
        )));
    }
    // Checked even if a number is given, since candle reads the variable alone.
    let default = default_threads()?;
    let threads = threads.unwrap_or(default);
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    if !*started {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        set(pool).build_global().map_err(|error| {
            Error::setting(format!(
                "{threads} threads cannot start ({error}); use fewer, or allow more memory"
            ))
        })?;
        *started = true;
    }
    Ok(())
}

/// Returns the default number of threads. A value of the variable that cannot be parsed is ignored, as rayon and
/// candle do. A number that is too large is an error, since they would try to start as many threads.
fn default_threads() -> Result<usize> {
    let requested = std::env::var(VARIABLE).ok();
    match requested.and_then(|threads| threads.parse().ok()) {
        Some(threads) if threads > MAX_THREADS => Err(Error::setting(format!(
            "{VARIABLE} is {threads}; take 1 to {MAX_THREADS}, or leave it empty"
        ))),
        Some(threads @ 1..) => Ok(threads),
        _ => {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            let room = memory_left().map_or(u64::MAX, |left| left / MEMORY_PER_THREAD);
            Ok(cores.min(usize::try_from(room).unwrap_or(cores)).max(1))
        }
    }
}
