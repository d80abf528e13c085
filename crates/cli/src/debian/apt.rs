//! Files of a Debian package, without root and without a change to the system.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use modiste_core::shown;
use modiste_dataset::DownloadOptions;

use super::command::run;

/// Maximum duration of a local command.
const LOCAL_TIMEOUT: Duration = Duration::from_secs(60);

/// Maximum duration of downloading the package lists.
const LISTS_TIMEOUT: Duration = Duration::from_secs(180);

/// Settings that override those of the system, whose hooks may need root or change the system.
const NO_HOOKS: &str = "#clear APT::Update::Pre-Invoke;\n\
                        #clear APT::Update::Post-Invoke;\n\
                        #clear APT::Update::Post-Invoke-Success;\n";

/// Returns the files of an installed package.
///
/// # Errors
/// Returns the reason, in one line.
pub(super) fn installed(package: &str) -> Result<Vec<PathBuf>, String> {
    let list = run(Command::new("dpkg").args(["-L", package]), LOCAL_TIMEOUT)?;
    Ok(list.lines().map(PathBuf::from).collect())
}

/// Downloads a package with the system's sources, keys and proxy, but with lists and a cache of its own in
/// `folder`, and unpacks it there. The lists of the system may be empty. Returns the paths of its files.
///
/// # Errors
/// Returns the reason, in one line.
pub(super) fn fetch(
    package: &str,
    folder: &Path,
    options: &DownloadOptions,
) -> Result<Vec<PathBuf>, String> {
    let [lists, cache, fetched, unpacked] =
        ["state/lists", "cache", "fetched", "unpacked"].map(|name| folder.join(name));
    let (status, settings) = (folder.join("state/status"), folder.join("apt.conf"));
    prepare(&lists, &cache, &fetched, &unpacked)
        .and_then(|()| fs::write(&status, ""))
        .and_then(|()| fs::write(&settings, NO_HOOKS))
        .map_err(|error| format!("{}: {error}", shown(folder)))?;
    let apt = |action: &[&str], wait: Duration, timeout| {
        let mut command = Command::new("apt-get");
        command.arg("-q").arg("-c").arg(&settings);
        for (name, path) in [
            ("Dir::State", &folder.join("state")),
            ("Dir::State::lists", &lists),
            ("Dir::State::status", &status),
            ("Dir::Cache", &cache),
        ] {
            let mut option = std::ffi::OsString::from(format!("{name}="));
            option.push(path);
            command.arg("-o").arg(option);
        }
        // Otherwise root's apt downloads as a user who cannot enter `folder`.
        command.args(["-o", "APT::Sandbox::User=root"]);
        command.args(["-o", "Acquire::Languages=none", "-o", "Acquire::Retries=0"]);
        for protocol in ["http", "https"] {
            let option = format!("Acquire::{protocol}::Timeout={}", wait.as_secs().max(1));
            command.arg("-o").arg(option);
        }
        run(command.args(action).current_dir(&fetched), timeout)
    };
    // apt uses one timeout for connecting and for waiting, and sends several requests for the lists.
    apt(&["update"], options.connect_timeout, LISTS_TIMEOUT)?;
    // apt only warns about sources that do not answer.
    let is_list = |path: &PathBuf| path.to_string_lossy().contains("_Packages");
    if !files_below(&lists).iter().any(is_list) {
        let reason = "apt-get update: no package list arrives from the system's sources";
        return Err(reason.to_owned());
    }
    let download = ["download", package];
    apt(&download, options.idle_timeout, options.total_timeout)?;
    for archive in files_below(&fetched) {
        let mut unpack = Command::new("dpkg-deb");
        run(unpack.arg("-x").arg(archive).arg(&unpacked), LOCAL_TIMEOUT)?;
    }
    Ok(files_below(&unpacked))
}

fn prepare(lists: &Path, cache: &Path, fetched: &Path, unpacked: &Path) -> io::Result<()> {
    fs::create_dir_all(lists.join("partial"))?;
    fs::create_dir_all(cache.join("archives/partial"))?;
    fs::create_dir_all(fetched)?;
    fs::create_dir_all(unpacked)
}

/// Returns the regular files in a folder and its subfolders. Links are not followed; folders that cannot be
/// read are left out.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
        }
    }
    files
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn finds_files_without_following_links() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir_all(folder.path().join("a/b")).expect("folders");
        fs::write(folder.path().join("a/b/file"), "x").expect("written");
        std::os::unix::fs::symlink("/", folder.path().join("a/link")).expect("a link");
        assert_eq!(files_below(folder.path()), [folder.path().join("a/b/file")]);
        assert!(files_below(Path::new("no-such-folder")).is_empty());
    }
}
