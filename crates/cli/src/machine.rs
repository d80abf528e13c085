//! What this machine is, for those who compare times.

use std::fs;

/// The processor and its cores: `Intel(R) Xeon(R) Processor, 2 cores`.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let plural = if cores == 1 { "" } else { "s" };
    let model = processor().unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    format!("{model}, {cores} core{plural}")
}

/// The processor's name, where the system tells.
pub(crate) fn processor() -> Option<String> {
    field("/proc/cpuinfo", "model name")
}

/// The most memory that this process had at once, where the system tells.
pub(crate) fn peak_resident_mib() -> Option<f64> {
    let peak = field("/proc/self/status", "VmHWM")?;
    let kibibytes: f64 = peak.strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes / 1024.0)
}

/// The value of a `name: value` line.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let value = text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    });
    value.filter(|value| !value.is_empty())
}
