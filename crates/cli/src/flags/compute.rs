//! Flags for device, engine and threads.

use std::sync::{Mutex, PoisonError};

use anyhow::{Result, bail};
use modiste_core::memory_left;
use modiste_experiment::{AUTO, ComputeChoice, ComputeSetup};

/// Largest number of threads: more than any machine has cores is a typing error.
const MAX_THREADS: usize = 1024;

/// Address space per thread if memory is limited: a generous estimate of its stack and buffers.
const MEMORY_PER_THREAD: u64 = 64 << 20;

/// Flags for device, engine and threads.
#[derive(clap::Args)]
pub(crate) struct ComputeFlags {
    /// Device: auto (a GPU if there is one), cpu, cuda, cuda:N.
    #[arg(long, value_name = "D", default_value = AUTO)]
    device: String,
    /// Engine: kernels (Modiste's own, on the CPU), candle, auto (kernels on a CPU, candle on a
    /// GPU).
    #[arg(long, value_name = "E", default_value = AUTO)]
    engine: String,
    /// Compute every convolution by its definition: slower, and equal to a reference up to the
    /// rounding of f32.
    #[arg(long)]
    exact: bool,
    /// Number of threads; results do not depend on it [default: one per core].
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    threads: Option<usize>,
}

impl ComputeFlags {
    /// Starts the threads and returns the requested engine and device. Call it once per process.
    ///
    /// # Errors
    /// If a value is out of range or the threads do not start.
    pub(crate) fn choice(&self) -> Result<ComputeChoice> {
        if let Some(threads) = self.threads
            && !(1..=MAX_THREADS).contains(&threads)
        {
            bail!("threads is {threads}; take 1 to {MAX_THREADS}");
        }
        // Checked even if the flag is given, since candle reads the variable alone.
        let default = default_threads()?;
        let choice = ComputeChoice {
            device: self.device.clone(),
            engine: self.engine.parse()?,
            exact: self.exact,
            instructions: None,
        };
        // The main thread is one of them: passing work to others and waiting for it would take
        // longer than a small network's answer.
        start_threads(self.threads.unwrap_or(default), |pool| {
            pool.use_current_thread()
        })?;
        Ok(choice)
    }

    /// Starts the threads and finds the engine and the device. Call it once per process.
    ///
    /// # Errors
    /// As [`choice`](Self::choice), and if the device is not there.
    pub(crate) fn setup(&self) -> Result<ComputeSetup> {
        Ok(self.choice()?.select()?)
    }
}

/// Starts the threads of a command without `--threads`, unless they have started.
///
/// # Errors
/// If the environment asks for more than [`MAX_THREADS`], or they do not start.
pub(crate) fn start_default_threads() -> Result<()> {
    start_threads(default_threads()?, |pool| pool)
}

/// Starts the threads of the process, unless they have started.
fn start_threads(
    threads: usize,
    set: impl FnOnce(rayon::ThreadPoolBuilder) -> rayon::ThreadPoolBuilder,
) -> Result<()> {
    static STARTED: Mutex<bool> = Mutex::new(false);
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    if !*started {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        if let Err(error) = set(pool).build_global() {
            bail!("{threads} threads cannot start ({error}); take fewer, or allow more memory");
        }
        *started = true;
    }
    Ok(())
}

/// Number of threads that the environment asks for; else one per core, or fewer if the memory of this process
/// is limited. A value that is not a number is ignored, as rayon and candle do; too large a number is
/// refused, since they would try to start as many.
fn default_threads() -> Result<usize> {
    const VARIABLE: &str = "RAYON_NUM_THREADS";
    let requested = std::env::var(VARIABLE).ok();
    match requested.and_then(|threads| threads.parse().ok()) {
        Some(threads) if threads > MAX_THREADS => {
            bail!("{VARIABLE} is {threads}; take 1 to {MAX_THREADS}, or leave it empty")
        }
        Some(threads @ 1..) => Ok(threads),
        _ => {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            let room = memory_left().map_or(u64::MAX, |left| left / MEMORY_PER_THREAD);
            Ok(cores.min(usize::try_from(room).unwrap_or(cores)).max(1))
        }
    }
}
