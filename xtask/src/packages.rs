//! `cargo package`: what would be published is complete.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::MetadataCommand;

use crate::command;
use crate::workspace::{cargo, root};

/// The crates that embed files: a package that lacks one packs without a word and fails for whoever
/// uses it. The others are not compiled once more: alone, each has its dependencies with other
/// features than the workspace gives them, which takes 9 minutes on 2 cores.
const EMBEDDING: [&str; 2] = ["modiste-dataset", "modiste-report"];

/// The crates of the workspace that those depend on, which are not on crates.io in this version.
const BELOW: [&str; 3] = ["modiste-core", "modiste-imaging", "modiste-metrics"];

/// Packs every crate that is published, and compiles the packages of those that embed files.
///
/// # Errors
/// Where one does not pack or does not compile; cargo has then written why.
pub(crate) fn check() -> Result<()> {
    let mut pack = cargo();
    pack.args(["package", "--workspace", "--exclude", "xtask"]);
    command::run(pack.args(["--allow-dirty", "--no-verify"]))?;

    forget_packages()?;
    let mut compile = cargo();
    compile.args(["package", "--allow-dirty"]);
    for name in BELOW.into_iter().chain(EMBEDDING) {
        compile.args(["-p", name]);
    }
    command::run(&mut compile)
}

/// Removes what cargo unpacked and compiled of this workspace's packages before: it takes a version for
/// immutable, and would not look at what was packed anew.
fn forget_packages() -> Result<()> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let sources = home.unwrap_or_default().join("registry/src");
    for registry in entries(&sources)? {
        // A registry in a folder, that of `cargo package`, has no host in its name.
        if own_name(&registry).starts_with('-') {
            for package in entries(&registry)? {
                if own_name(&package).starts_with("modiste-") {
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
        let name = own_name(&dependencies);
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

/// What lies in a folder; nothing if there is none.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(_) => Ok(Vec::new()),
    }
}

fn own_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
