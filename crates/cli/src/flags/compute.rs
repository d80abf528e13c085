//! Flags for device, engine and threads.

use anyhow::Result;
use modiste_experiment::{AUTO, ComputeChoice, ComputeSetup, start_threads_with_current};

/// Flags for device, engine and threads.
#[derive(clap::Args)]
pub(crate) struct ComputeFlags {
    /// Device: auto (a GPU if there is one), cpu, cuda, cuda:N.
    #[arg(long, value_name = "D", default_value = AUTO)]
    device: String,
    /// Engine: kernels (the CPU engine, Modiste's own), candle, auto (kernels on a CPU, candle on a
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
        let choice = ComputeChoice {
            device: self.device.clone(),
            engine: self.engine.parse()?,
            exact: self.exact,
            instructions: None,
        };
        start_threads_with_current(self.threads)?;
        Ok(choice)
    }

    /// Starts the threads and finds the engine and the device. Call it once per process.
    ///
    /// # Errors
    /// As [`choice`](Self::choice), and if the device is not available.
    pub(crate) fn setup(&self) -> Result<ComputeSetup> {
        Ok(self.choice()?.select()?)
    }
}
