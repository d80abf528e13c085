//! `dist`: manual and shell completions for packages.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::command;
use crate::modiste::{Modiste, data_folder};
use crate::workspace;

/// Shells that `modiste completions` supports.
const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

/// Writes the folders `man` and `completions` into `out`, or into `target/dist`.
///
/// # Errors
/// If `modiste` fails or a file cannot be written.
pub(crate) fn dist(out: Option<PathBuf>) -> Result<()> {
    let out = out.unwrap_or_else(|| workspace::root().join("target/dist"));
    let modiste = Modiste::build(data_folder(None))?;
    command::run(modiste.command().arg("man").arg(out.join("man")))?;
    let folder = out.join("completions");
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    for shell in SHELLS {
        let script = command::output(modiste.command().args(["completions", shell]))?;
        let path = folder.join(format!("modiste.{shell}"));
        fs::write(&path, script).with_context(|| path.display().to_string())?;
    }
    println!("{}", out.display());
    Ok(())
}
