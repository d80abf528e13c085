//! Device selection for the candle network.

use std::fmt;
use std::str::FromStr;

use candle_core::{Device, DeviceLocation};

/// Requested device, parsed from `auto`, `cpu`, `cuda` or `cuda:N`.
///
/// ```
/// use modiste_model::DeviceChoice;
/// assert_eq!("cuda:1".parse(), Ok(DeviceChoice::Cuda(1)));
/// assert!("gpu".parse::<DeviceChoice>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first NVIDIA GPU if there is one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The NVIDIA GPU with this index, without a fallback.
    Cuda(usize),
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => text
                .strip_prefix("cuda:")
                .and_then(|number| number.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| {
                    format!("unknown device `{text}`: expected auto, cpu, cuda or cuda:N")
                }),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

/// Error for a requested GPU that is not available.
#[derive(Debug, thiserror::Error)]
#[error("GPU device not found: {reason}. Use the CPU, or {remedy}")]
pub struct DeviceError {
    reason: String,
    remedy: &'static str,
}

/// An available device.
#[derive(Clone, Debug)]
pub struct SelectedDevice {
    /// candle's device handle.
    pub device: Device,
    /// Description for users: `Found GPU at: cuda:0 (name)`, or the reason for using the CPU.
    pub description: String,
}

impl SelectedDevice {
    /// Name of the device in the format of [`DeviceChoice`]: `cpu`, `cuda:0`.
    pub fn name(&self) -> String {
        match self.device.location() {
            DeviceLocation::Cpu => "cpu".into(),
            DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
            DeviceLocation::Metal { gpu_id } => format!("metal:{gpu_id}"),
        }
    }
}

/// Selects the requested device. [`DeviceChoice::Auto`] falls back to the CPU.
///
/// # Errors
/// Returns [`DeviceError`] if a GPU is requested explicitly and is not available.
///
/// ```
/// use modiste_model::{DeviceChoice, select_device};
/// assert_eq!(select_device(DeviceChoice::Cpu)?.name(), "cpu");
/// # Ok::<(), modiste_model::DeviceError>(())
/// ```
pub fn select_device(choice: DeviceChoice) -> Result<SelectedDevice, DeviceError> {
    let cpu = |description: String| SelectedDevice {
        device: Device::Cpu,
        description,
    };
    match choice {
        DeviceChoice::Cpu => Ok(cpu("Using the CPU".into())),
        DeviceChoice::Cuda(number) => cuda(number),
        DeviceChoice::Auto => Ok(cuda(0)
            .unwrap_or_else(|missing| cpu(format!("Using the CPU (no GPU: {})", missing.reason)))),
    }
}

#[cfg(feature = "cuda")]
fn cuda(number: usize) -> Result<SelectedDevice, DeviceError> {
    let missing = |reason: String| DeviceError {
        reason,
        remedy: "check with `nvidia-smi` that the driver runs and how the GPUs are numbered",
    };
    let device = Device::new_cuda(number).map_err(|error| missing(error.to_string()))?;
    let name = device
        .as_cuda_device()
        .map_err(|error| missing(error.to_string()))?
        .cuda_stream()
        .context()
        .name()
        .map_err(|error| missing(error.to_string()))?;
    Ok(SelectedDevice {
        device,
        description: format!("Found GPU at: cuda:{number} ({name})"),
    })
}

#[cfg(not(feature = "cuda"))]
fn cuda(_number: usize) -> Result<SelectedDevice, DeviceError> {
    Err(DeviceError {
        reason: "this build has no CUDA support".into(),
        remedy: "build with the feature `cuda` on a machine with the CUDA toolkit",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choice_display_round_trips() {
        for text in ["auto", "cpu", "cuda:0", "cuda:12"] {
            let choice: DeviceChoice = text.parse().expect("valid choice");
            assert_eq!(choice.to_string(), text);
        }
        for text in ["", "gpu", "cuda:", "cuda:-1", "CPU"] {
            assert!(text.parse::<DeviceChoice>().is_err(), "{text}");
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn rejects_cuda_without_feature() {
        let error = select_device(DeviceChoice::Cuda(0))
            .map(|_| ())
            .unwrap_err()
            .to_string();
        expect_test::expect!["GPU device not found: this build has no CUDA support. Use the CPU, or build with the feature `cuda` on a machine with the CUDA toolkit"]
            .assert_eq(&error);
        // A library does not know the flags of the program that uses it.
        assert!(!error.contains("--"), "{error}");
        let fallback = select_device(DeviceChoice::Auto).expect("the CPU is always available");
        assert_eq!(
            fallback.description,
            "Using the CPU (no GPU: this build has no CUDA support)"
        );
    }
}
