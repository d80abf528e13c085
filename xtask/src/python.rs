//! Python with the packages that Modiste is compared with.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::command;
use crate::workspace;

/// Returns a Python with these packages: `given`, else an environment in `target/peers/python`. Returns `None` if
/// no packages are needed, or, with a message, if there is no Python.
///
/// # Errors
/// If the environment cannot be created; `pip` prints the reason.
pub(crate) fn find(given: Option<&Path>, packages: &BTreeSet<&str>) -> Result<Option<PathBuf>> {
    if packages.is_empty() {
        return Ok(None);
    }
    if let Some(python) = given {
        return Ok(Some(python.to_owned()));
    }
    let Some(system) = ["python3", "python"].into_iter().find(|name| runs(name)) else {
        eprintln!(
            "Python 3.10 or later was not found; it is needed to install {}.",
            packages.iter().copied().collect::<Vec<_>>().join(", ")
        );
        return Ok(None);
    };
    let environment = workspace::root().join("target/peers/python");
    let python = environment.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    });
    if !python.is_file() {
        command::run(Command::new(system).args(["-m", "venv"]).arg(&environment))?;
    }
    // `pip` skips packages that are installed.
    command::run(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args(packages),
    )?;
    Ok(Some(python))
}

fn runs(python: &str) -> bool {
    Command::new(python)
        .args(["-c", "import sys; sys.exit(sys.version_info < (3, 10))"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
