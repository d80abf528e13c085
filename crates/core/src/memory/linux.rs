//! Memory bounds of Linux: proc(5), cgroups(7).

use std::fs;
use std::path::{Path, PathBuf};

use super::Bound;

/// All bounds of this process.
pub(super) fn bounds() -> Vec<Bound> {
    let mut bounds = process_bounds();
    bounds.extend(system_bound(&text("/proc/meminfo")));
    let groups = text("/proc/self/cgroup");
    bounds.extend(
        group_folders(&groups)
            .iter()
            .filter_map(|folder| group_bound(folder)),
    );
    bounds
}

/// Bounds set by `ulimit -v` and `ulimit -d`.
pub(super) fn process_bounds() -> Vec<Bound> {
    limits_of(&text("/proc/self/limits"), &text("/proc/self/status"))
}

fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn limits_of(limits: &str, status: &str) -> Vec<Bound> {
    let bound = |limit: &str, used: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(limit))?;
        // "unlimited" does not parse.
        let limit = line.split_whitespace().next()?.parse().ok()?;
        let used = kibibytes(status, used)?;
        Some(Bound { used, limit })
    };
    let address_space = bound("Max address space", "VmSize:");
    let data = bound("Max data size", "VmData:");
    address_space.into_iter().chain(data).collect()
}

/// Free memory of the system, including swap.
fn system_bound(memory: &str) -> Option<Bound> {
    let free = kibibytes(memory, "MemAvailable:")?;
    let swap = kibibytes(memory, "SwapFree:").unwrap_or(0);
    let limit = free.saturating_add(swap);
    Some(Bound { used: 0, limit })
}

/// Value of `name` in bytes, from a file of lines such as `VmSize: 12 kB`.
fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = value.split_whitespace().next()?.parse().ok()?;
    number.checked_mul(1 << 10)
}

/// Folders of the control groups of this process and of their ancestors.
fn group_folders(groups: &str) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for line in groups.lines() {
        // Version 2 has 0::/path, version 1 has 4:memory:/path.
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        let root = match controllers {
            "" => Path::new("/sys/fs/cgroup"),
            names if names.split(',').any(|name| name == "memory") => {
                Path::new("/sys/fs/cgroup/memory")
            }
            _ => continue,
        };
        let path = Path::new(path.trim_start_matches('/'));
        folders.extend(path.ancestors().map(|group| root.join(group)));
    }
    folders
}

fn group_bound(folder: &Path) -> Option<Bound> {
    let read = |names: [&str; 2]| -> Option<u64> {
        let text = names
            .iter()
            .find_map(|name| fs::read_to_string(folder.join(name)).ok())?;
        // "max" does not parse.
        text.trim().parse().ok()
    };
    let limit = read(["memory.max", "memory.limit_in_bytes"])?;
    let used = read(["memory.current", "memory.usage_in_bytes"])?;
    // Cached files count as used memory but are dropped on demand.
    let statistics = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let cached = ["active_file ", "inactive_file "].map(|name| {
        let value = statistics.lines().find_map(|line| {
            line.strip_prefix("total_")
                .unwrap_or(line)
                .strip_prefix(name)
        });
        value
            .and_then(|value| value.trim().parse().ok())
            .unwrap_or(0)
    });
    let used = used.saturating_sub(cached[0]).saturating_sub(cached[1]);
    Some(Bound { used, limit })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_process_limits() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max data size             unlimited            unlimited            bytes     \n\
                      Max address space         307200000            unlimited            bytes     \n";
        let status = "Name:\tmodiste\nVmSize:\t   53624 kB\nVmData:\t    9000 kB\n";
        let used = 53624 << 10;
        let limit = 307_200_000;
        assert_eq!(limits_of(limits, status), [Bound { used, limit }]);
        assert_eq!(limits_of("", ""), []);
    }

    #[test]
    fn free_memory_includes_swap() {
        let memory = "MemTotal:       24000000 kB\nMemAvailable:      100 kB\nSwapFree:   28 kB\n";
        let limit = 128 << 10;
        assert_eq!(system_bound(memory), Some(Bound { used: 0, limit }));
    }

    #[test]
    fn group_folders_include_ancestors() {
        let folders = |text: &str| -> Vec<String> {
            let folders = group_folders(text);
            folders
                .iter()
                .map(|folder| folder.display().to_string())
                .collect()
        };
        let two = ["/sys/fs/cgroup/a/b", "/sys/fs/cgroup/a", "/sys/fs/cgroup/"];
        assert_eq!(folders("0::/a/b\n"), two);
        let one = ["/sys/fs/cgroup/memory/x", "/sys/fs/cgroup/memory/"];
        assert_eq!(folders("5:cpu,cpuacct:/x\n4:memory:/x\n"), one);
    }

    #[test]
    fn cached_files_are_not_used_memory() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("written");
        };
        write("memory.max", "max\n");
        write("memory.current", "700\n");
        assert_eq!(group_bound(folder.path()), None);
        write("memory.max", "1000\n");
        write(
            "memory.stat",
            "anon 1\nactive_file 100\ninactive_file 200\n",
        );
        let (used, limit) = (400, 1000);
        assert_eq!(group_bound(folder.path()), Some(Bound { used, limit }));
    }
}
