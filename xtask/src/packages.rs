//! Check that the published packages are complete.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::MetadataCommand;

use crate::command;
use crate::workspace::{cargo, root};

/// Crates that embed files. If such a file is missing from a package, `cargo package` without verification does
/// not report it, but the package does not compile. The other packages are not compiled: alone, they have
/// dependencies with other features than in the workspace, which takes 9 minutes on 2 cores.
const EMBEDDING: [&str; 2] = ["modiste-dataset", "modiste-report"];

/// Crates of the workspace that those depend on, which are not on crates.io in this version.
const BELOW: [&str; 3] = ["modiste-core", "modiste-imaging", "modiste-metrics"];

/// Packages every crate that is published, and compiles the packages of crates that embed files.
///
/// # Errors
/// If a crate cannot be packaged or compiled; cargo prints the reason.
pub(crate) fn check() -> Result<()> {
    let mut pack = cargo();
    pack.args(["package", "--workspace", "--exclude", "xtask"]);
    command::run(pack.args(["--allow-dirty", "--no-verify"]))?;

    remove_stale_packages()?;
    let mut compile = cargo();
    compile.args(["package", "--allow-dirty"]);
    for name in BELOW.into_iter().chain(EMBEDDING) {
        compile.args(["-p", name]);
    }
    command::run(&mut compile)
}

/// Removes the packages of this workspace that cargo unpacked and compiled before. Cargo assumes that a version
/// does not change, and would not read the new packages.
fn remove_stale_packages() -> Result<()> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let sources = home.unwrap_or_default().join("registry/src");
    for registry in entries(&sources)? {
        // The name of a registry has a host in front of `-`, except for the local one of `cargo package`.
        if file_name(&registry).starts_with('-') {
            for package in entries(&registry)? {
                if file_name(&package).starts_with("modiste-") {
                    fs::remove_dir_all(&package).with_context(|| package.display().to_string())?;
                }
            }
        }
    }
    let target = MetadataCommand::new()
        .current_dir(root())
        .no_deps()
        .exec()?
        .target_directory;
    let debug = target.as_std_path().join("debug");
    for dependencies in entries(&debug.join("deps"))? {
        let name = file_name(&dependencies);
        let Some((name, hash)) = name
            .strip_suffix(".d")
            .and_then(|name| name.rsplit_once('-'))
        else {
            continue;
        };
        if name.starts_with("modiste_")
            && fs::read_to_string(&dependencies)?.contains("registry/src/-")
        {
            let name = format!("{}-{hash}", name.replace('_', "-"));
            fs::remove_dir_all(debug.join(".fingerprint").join(name)).ok();
        }
    }
    Ok(())
}

/// Returns the paths in a folder; none if it does not exist.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(_) => Ok(Vec::new()),
    }
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
