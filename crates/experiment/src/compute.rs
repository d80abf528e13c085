//! Engine, device and kernel options of a run.

use std::str::FromStr;

use modiste_model::{InstructionSet, KERNELS_VARIABLE, KernelOptions};
use modiste_train::{Compute, EngineKind};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Name of an automatic choice of the device or the engine.
pub const AUTO: &str = "auto";

/// Requested engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// The kernels on a CPU, candle on a GPU.
    #[default]
    Auto,
    /// CPU engine: the kernels of `modiste-kernels`.
    Kernels,
    /// candle, on the CPU or a GPU.
    Candle,
}

impl FromStr for EngineChoice {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            AUTO => Ok(Self::Auto),
            "kernels" => Ok(Self::Kernels),
            "candle" => Ok(Self::Candle),
            _ => Err(Error::setting(format!(
                "engine `{name}` is none of auto, candle, kernels"
            ))),
        }
    }
}

/// Requested engine, device and kernel options.
#[derive(Clone, Debug, PartialEq)]
pub struct ComputeChoice {
    /// Device: `auto` (a GPU if there is one), `cpu`, `cuda`, `cuda:N`.
    pub device: String,
    /// Engine.
    pub engine: EngineChoice,
    /// Computes every convolution by its definition: slower, and equal to a reference up to the rounding of
    /// f32.
    pub exact: bool,
    /// Instruction set of the kernels, unless the environment names another. `None` selects the best that the CPU
    /// supports.
    pub instructions: Option<String>,
}

impl Default for ComputeChoice {
    fn default() -> Self {
        Self {
            device: AUTO.into(),
            engine: EngineChoice::Auto,
            exact: false,
            instructions: None,
        }
    }
}

/// Engine, device and kernel options that are available.
#[derive(Clone, Debug)]
pub struct ComputeSetup {
    /// Engine with its device, and kernel options.
    pub compute: Compute,
    /// Device: `cpu`, `cuda:0`.
    pub device: String,
    /// Description of the device for users, one sentence.
    pub description: String,
}

impl ComputeChoice {
    /// Finds the device and the engine.
    ///
    /// # Errors
    /// Returns [`Error::Device`] if the device is not available, [`Error::Setting`] if the engine does not run
    /// on it, and [`Error::InstructionSet`] if the CPU does not support the instruction set.
    pub fn select(&self) -> Result<ComputeSetup> {
        let (engine, device, description) = select_engine(&self.device, self.engine)?;
        tracing::debug!(description, engine = engine.name(), "selected");
        Ok(ComputeSetup {
            compute: Compute {
                engine,
                kernels: KernelOptions {
                    exact: self.exact,
                    instructions: instructions(self.instructions.as_deref())?,
                },
            },
            device,
            description,
        })
    }
}

#[cfg(feature = "candle")]
fn select_engine(device: &str, engine: EngineChoice) -> Result<(EngineKind, String, String)> {
    use modiste_model::{DeviceChoice, select_device};

    let choice: DeviceChoice = device
        .parse()
        .map_err(|problem: String| Error::setting(problem))?;
    // The kernels run on the CPU only.
    let choice = match (choice, engine) {
        (DeviceChoice::Auto, EngineChoice::Kernels) => DeviceChoice::Cpu,
        _ => choice,
    };
    let selected = select_device(choice).map_err(|error| Error::Device {
        reason: error.to_string(),
    })?;
    let kind = match (engine, selected.device.is_cpu()) {
        (EngineChoice::Kernels, false) => {
            return Err(Error::setting(
                "the kernels run on the CPU only: use the CPU as device, or candle as engine",
            ));
        }
        (EngineChoice::Kernels | EngineChoice::Auto, true) => EngineKind::Kernels,
        _ => EngineKind::Candle(selected.device.clone()),
    };
    Ok((kind, selected.name(), selected.description))
}

#[cfg(not(feature = "candle"))]
fn select_engine(device: &str, engine: EngineChoice) -> Result<(EngineKind, String, String)> {
    if ![AUTO, "cpu"].contains(&device) {
        return Err(Error::Device {
            reason: format!(
                "device {device} needs the candle engine, which is not part of this build"
            ),
        });
    }
    match engine {
        EngineChoice::Candle => Err(Error::setting("this build has no candle engine")),
        _ => Ok((EngineKind::Kernels, "cpu".into(), "Using the CPU".into())),
    }
}

/// Returns kernel options with the instruction set that the environment names, else the best one.
///
/// # Errors
/// Returns [`Error::InstructionSet`] if the CPU does not support the instruction set.
pub fn kernel_options() -> Result<KernelOptions> {
    Ok(KernelOptions {
        exact: false,
        instructions: instructions(None)?,
    })
}

/// Returns the instruction set that the environment names, else the one `recorded`, else the best.
fn instructions(recorded: Option<&str>) -> Result<InstructionSet> {
    let is_named = std::env::var_os(KERNELS_VARIABLE).is_some_and(|name| !name.is_empty());
    match recorded {
        Some(name) if !is_named => {
            InstructionSet::from_name(name).map_err(|cause| Error::InstructionSet {
                setting: format!(
                    "the run was computed with {name} instructions; {KERNELS_VARIABLE}={} computes with \
                     others, and other bytes",
                    InstructionSet::best().name()
                ),
                cause,
            })
        }
        _ => InstructionSet::from_env().map_err(|cause| Error::InstructionSet {
            setting: KERNELS_VARIABLE.into(),
            cause,
        }),
    }
}

/// Engine, device and kernel options of a run, as its record stores them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComputeRecord {
    /// Engine: `kernels` or `candle`.
    pub engine: String,
    /// Device: `cpu`, `cuda:0`.
    pub device: String,
    /// True if every convolution was computed by its definition.
    pub exact: bool,
    /// Instruction set of the kernels.
    pub instructions: String,
    /// Number of threads. Results do not depend on it.
    pub threads: usize,
}

impl ComputeRecord {
    /// Record of a setup, with the current number of threads.
    pub(crate) fn of(setup: &ComputeSetup) -> Self {
        let compute = &setup.compute;
        Self {
            engine: compute.engine.name().into(),
            device: setup.device.clone(),
            exact: compute.kernels.exact,
            instructions: compute.kernels.instructions.name().into(),
            threads: rayon::current_num_threads(),
        }
    }

    /// Returns the choice `given`, with recorded values in place of automatic ones, so that a run is resumed or
    /// repeated with the same arithmetic.
    pub(crate) fn or(&self, given: &ComputeChoice) -> Result<ComputeChoice> {
        Ok(ComputeChoice {
            device: match given.device.as_str() {
                AUTO => self.device.clone(),
                given => given.to_owned(),
            },
            engine: match given.engine {
                EngineChoice::Auto => self.engine.parse()?,
                given => given,
            },
            exact: given.exact || self.exact,
            instructions: Some(self.instructions.clone()),
        })
    }

    /// Returns a description of the settings that affect the bytes of a result: `kernels, avx512`.
    pub fn arithmetic(&self) -> String {
        let exact = if self.exact { ", exact" } else { "" };
        if self.engine == EngineKind::Kernels.name() {
            format!("kernels, {}{exact}", self.instructions)
        } else {
            format!("{} on {}", self.engine, self.device)
        }
    }
}
