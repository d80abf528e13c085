//! Which device the candle graph runs on.

use std::fmt;
use std::str::FromStr;

use candle_core::{Device, DeviceLocation};

/// What was asked for on the command line.
///
/// ```
/// use modiste_model::DeviceChoice;
/// assert_eq!("cuda:1".parse(), Ok(DeviceChoice::Cuda(1)));
/// assert!("gpu".parse::<DeviceChoice>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// A GPU where there is one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The NVIDIA GPU of this number, or nothing.
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
                .ok_or_else(|| format!("`{text}` is none of auto, cpu, cuda, cuda:N")),
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

/// No GPU where one was asked for.
#[derive(Debug, thiserror::Error)]
#[error("GPU device not found: {reason}. Use `--device cpu`, or {remedy}")]
pub struct DeviceError {
    reason: String,
    remedy: &'static str,
}

/// A device that is there.
#[derive(Clone, Debug)]
pub struct SelectedDevice {
    /// candle's handle.
    pub device: Device,
    /// A sentence for the user: `Found GPU at: cuda:0 (name)`, or why it is the CPU.
    pub description: String,
}

impl SelectedDevice {
    /// The device as [`DeviceChoice`] writes it: `cpu`, `cuda:0`.
    pub fn name(&self) -> String {
        match self.device.location() {
            DeviceLocation::Cpu => "cpu".into(),
            DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
            DeviceLocation::Metal { gpu_id } => format!("metal:{gpu_id}"),
        }
    }
}

/// Finds the device that was asked for; [`DeviceChoice::Auto`] falls back to the CPU.
///
/// # Errors
/// [`DeviceError`] where a GPU was asked for by name and is not there.
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
        remedy: "build with `--features cuda` on a machine with the CUDA toolkit",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_print_as_they_are_written() {
        for text in ["auto", "cpu", "cuda:0", "cuda:12"] {
            let choice: DeviceChoice = text.parse().expect("a choice");
            assert_eq!(choice.to_string(), text);
        }
        for text in ["", "gpu", "cuda:", "cuda:-1", "CPU"] {
            assert!(text.parse::<DeviceChoice>().is_err(), "{text}");
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn without_the_feature_cuda_is_refused_in_one_sentence() {
        let refused = select_device(DeviceChoice::Cuda(0))
            .map(|_| ())
            .unwrap_err();
        expect_test::expect!["GPU device not found: this build has no CUDA support. Use `--device cpu`, or build with `--features cuda` on a machine with the CUDA toolkit"]
            .assert_eq(&refused.to_string());
        let fallen_back = select_device(DeviceChoice::Auto).expect("the CPU is always there");
        assert_eq!(
            fallen_back.description,
            "Using the CPU (no GPU: this build has no CUDA support)"
        );
    }
}
