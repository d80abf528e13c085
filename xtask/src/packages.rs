//! `cargo package`: what would be published is complete.

use anyhow::Result;

use crate::command;
use crate::workspace::cargo;

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

    let mut compile = cargo();
    compile.args(["package", "--allow-dirty"]);
    for name in BELOW.into_iter().chain(EMBEDDING) {
        compile.args(["-p", name]);
    }
    command::run(&mut compile)
}
