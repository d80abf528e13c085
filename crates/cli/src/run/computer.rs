//! What computed a run, and where.

use std::fmt;

use modiste_train::EngineKind;
use serde::{Deserialize, Serialize};

use crate::compute::{AUTO, Chosen, ComputeArguments};
use crate::machine::processor;

/// What computed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ComputeRecord {
    /// `kernels` or `candle`.
    pub(crate) engine: String,
    pub(crate) device: String,
    /// Whether every convolution was computed by its definition.
    pub(crate) exact: bool,
    /// The kernels' vector instructions.
    pub(crate) instructions: String,
    /// The result does not depend on it.
    pub(crate) threads: usize,
}

/// The machine of a run's last part.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    os: String,
    arch: String,
    cpu: Option<String>,
    cores: usize,
    avx2: bool,
    avx512f: bool,
}

impl ComputeRecord {
    /// What was chosen.
    pub(crate) fn of(chosen: &Chosen) -> Self {
        let compute = &chosen.compute;
        Self {
            engine: compute.engine.name().into(),
            device: chosen.selected.name(),
            exact: compute.kernels.exact,
            instructions: compute.kernels.instructions.name().into(),
            threads: chosen.threads,
        }
    }

    /// What `given` asks for, and where it leaves a choice open what the run had: it goes on, or is
    /// repeated, with the same arithmetic.
    pub(crate) fn again(&self, given: &ComputeArguments) -> ComputeArguments {
        let or = |given: &str, recorded: &str| match given {
            AUTO => recorded.to_owned(),
            given => given.to_owned(),
        };
        ComputeArguments {
            device: or(&given.device, &self.device),
            engine: or(&given.engine, &self.engine),
            exact: given.exact || self.exact,
            threads: given.threads,
            instructions: Some(self.instructions.clone()),
        }
    }

    /// What of it decides the bytes of a result, in a phrase.
    pub(crate) fn arithmetic(&self) -> String {
        let exact = if self.exact { ", exact" } else { "" };
        if self.engine == EngineKind::Kernels.name() {
            format!("kernels, {}{exact}", self.instructions)
        } else {
            format!("{} on {}", self.engine, self.device)
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cpu = self.cpu.as_deref().unwrap_or(&self.arch);
        write!(f, "{cpu}, {} cores, {}", self.cores, self.os)
    }
}

impl Machine {
    /// This one.
    pub(crate) fn here() -> Self {
        Self {
            os: std::env::consts::OS.into(),
            arch: std::env::consts::ARCH.into(),
            cpu: processor(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            #[cfg(target_arch = "x86_64")]
            avx2: std::is_x86_feature_detected!("avx2"),
            #[cfg(not(target_arch = "x86_64"))]
            avx2: false,
            #[cfg(target_arch = "x86_64")]
            avx512f: std::is_x86_feature_detected!("avx512f"),
            #[cfg(not(target_arch = "x86_64"))]
            avx512f: false,
        }
    }
}
