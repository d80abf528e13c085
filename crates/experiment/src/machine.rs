//! Description of the machine, for records and benchmarks.

use std::fmt;
use std::fs;

use serde::{Deserialize, Serialize};

/// Description of a machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    os: String,
    arch: String,
    cpu: Option<String>,
    cores: usize,
    avx2: bool,
    avx512f: bool,
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.processor(), self.os)
    }
}

impl Machine {
    /// Returns the processor and the number of cores: `Intel(R) Xeon(R) Processor, 2 cores`.
    pub fn processor(&self) -> String {
        let cpu = self.cpu.as_deref().unwrap_or(&self.arch);
        let plural = if self.cores == 1 { "" } else { "s" };
        format!("{cpu}, {} core{plural}", self.cores)
    }

    /// Returns the description of the current machine.
    pub fn current() -> Self {
        Self {
            os: std::env::consts::OS.into(),
            arch: std::env::consts::ARCH.into(),
            cpu: field("/proc/cpuinfo", "model name"),
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

/// Returns the peak resident memory of this process in MiB, if the system reports it.
pub fn peak_resident_mib() -> Option<f64> {
    let peak = field("/proc/self/status", "VmHWM")?;
    let kibibytes: f64 = peak.strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes / 1024.0)
}

/// Returns the value of a line `name: value` in a file.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let value = text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    });
    value.filter(|value| !value.is_empty())
}
