//! What computes: device, engine, threads.

use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Error, Result, bail};
use modiste_core::memory_left;
use modiste_model::{
    DeviceChoice, InstructionSet, KERNELS_VARIABLE, KernelOptions, SelectedDevice, select_device,
};
use modiste_train::{Compute, EngineKind};

/// More threads than any machine has cores are a slip.
const MAX_THREADS: usize = 1024;

/// Address space of a thread where memory is limited: its stack and its buffers, generously.
const MEMORY_OF_A_THREAD: u64 = 64 << 20;

/// What leaves a choice open.
pub(crate) const AUTO: &str = "auto";

/// The flags that choose it.
#[derive(clap::Args)]
pub(crate) struct ComputeArguments {
    /// Where to compute: auto (a GPU where there is one), cpu, cuda, cuda:N.
    #[arg(long, value_name = "D", default_value = AUTO)]
    pub(crate) device: String,
    /// What computes: kernels (Modiste's own, on the CPU), candle, auto (kernels on a CPU,
    /// candle on a GPU).
    #[arg(long, value_name = "E", default_value = AUTO)]
    pub(crate) engine: String,
    /// Compute every convolution by its definition: slower, and equal to a reference to f32's
    /// rounding.
    #[arg(long)]
    pub(crate) exact: bool,
    /// Threads of the kernels; the result does not depend on it [default: one per core].
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) threads: Option<usize>,
    /// The kernels' instructions, where the environment asks for none.
    #[arg(skip)]
    pub(crate) instructions: Option<String>,
}

/// Engine that `--engine` names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EngineChoice {
    /// The kernels on a CPU, candle on a GPU.
    Auto,
    Candle,
    Kernels,
}

impl EngineChoice {
    fn named(name: &str) -> Result<Self> {
        Ok(match name {
            AUTO => Self::Auto,
            "candle" => Self::Candle,
            "kernels" => Self::Kernels,
            _ => bail!("`{name}` is none of auto, candle, kernels"),
        })
    }
}

/// What was chosen.
pub(crate) struct Chosen {
    pub(crate) compute: Compute,
    pub(crate) selected: SelectedDevice,
    pub(crate) threads: usize,
}

impl ComputeArguments {
    /// Finds the device and starts the threads: once per process.
    ///
    /// # Errors
    /// Where a name is not known, the device is not there, or the threads do not start.
    pub(crate) fn start(&self) -> Result<Chosen> {
        let engine = EngineChoice::named(&self.engine)?;
        let device: DeviceChoice = self.device.parse().map_err(Error::msg)?;
        // Who asks for the kernels has said which device it is to be.
        let device = match (device, engine) {
            (DeviceChoice::Auto, EngineChoice::Kernels) => DeviceChoice::Cpu,
            _ => device,
        };
        if let Some(threads) = self.threads
            && !(1..=MAX_THREADS).contains(&threads)
        {
            bail!("threads is {threads}; take 1 to {MAX_THREADS}");
        }
        // Checked even if the flag is given, since candle reads the variable alone.
        let default = default_threads()?;
        let threads = self.threads.unwrap_or(default);
        // The main thread is one of them: to hand a pass to others and to wait for it would take
        // longer than a small network's answer.
        start_threads(threads, |pool| pool.use_current_thread())?;
        let selected = select_device(device)?;
        let engine = match (engine, selected.device.is_cpu()) {
            (EngineChoice::Kernels, false) => {
                bail!(
                    "the kernels run on the CPU only: take the CPU as device, or candle as engine"
                )
            }
            (EngineChoice::Kernels, true) | (EngineChoice::Auto, true) => EngineKind::Kernels,
            _ => EngineKind::Candle(selected.device.clone()),
        };
        tracing::debug!(
            device = selected.description,
            engine = engine.name(),
            "selected"
        );
        Ok(Chosen {
            compute: Compute {
                engine,
                kernels: KernelOptions {
                    exact: self.exact,
                    instructions: instructions(self.instructions.as_deref())?,
                },
            },
            selected,
            threads: rayon::current_num_threads(),
        })
    }
}

/// How the kernels compute: with the instructions that the environment asks for, if it does.
///
/// # Errors
/// If the CPU does not support the requested instruction set, or too many threads are asked for.
pub(crate) fn kernel_options(exact: bool) -> Result<KernelOptions> {
    start_default_threads()?;
    Ok(KernelOptions {
        exact,
        instructions: instructions(None)?,
    })
}

/// Starts the threads of a command without `--threads`, unless they have started.
///
/// # Errors
/// If the environment asks for more than [`MAX_THREADS`], or they do not start.
pub(crate) fn start_default_threads() -> Result<()> {
    start_threads(default_threads()?, |pool| pool)
}

/// Starts the process's threads, unless they have started.
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

/// The number of threads that the environment asks for; else one per core, or fewer if this process's
/// memory is limited. A value that is not a number is ignored, as rayon and candle do; too large a
/// number is refused, since they would try to start as many.
fn default_threads() -> Result<usize> {
    const VARIABLE: &str = "RAYON_NUM_THREADS";
    let asked_for = std::env::var(VARIABLE).ok();
    match asked_for.and_then(|threads| threads.parse().ok()) {
        Some(threads) if threads > MAX_THREADS => {
            bail!("{VARIABLE} is {threads}; take 1 to {MAX_THREADS}, or leave it empty")
        }
        Some(threads @ 1..) => Ok(threads),
        _ => {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            let room = memory_left().map_or(u64::MAX, |left| left / MEMORY_OF_A_THREAD);
            Ok(cores.min(usize::try_from(room).unwrap_or(cores)).max(1))
        }
    }
}

/// Those that the environment asks for, else those `recorded`, else the best.
fn instructions(recorded: Option<&str>) -> Result<InstructionSet> {
    let asked_for = std::env::var_os(KERNELS_VARIABLE).is_some_and(|name| !name.is_empty());
    match recorded {
        Some(name) if !asked_for => InstructionSet::from_name(name).with_context(|| {
            format!(
                "the run was computed with {name} instructions; {KERNELS_VARIABLE}={} goes on with \
                 others, and to other bytes",
                InstructionSet::best().name()
            )
        }),
        _ => InstructionSet::from_env().context(KERNELS_VARIABLE),
    }
}
