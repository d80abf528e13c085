//! A Python for those whom Modiste is held to: found, or made.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::command;
use crate::workspace;

/// A Python with these packages. `None` where none is needed, or where there is no Python: that is said.
///
/// # Errors
/// Where the environment cannot be made: `pip` has then written why.
pub(crate) fn find(given: Option<&Path>, packages: &BTreeSet<&str>) -> Result<Option<PathBuf>> {
    if packages.is_empty() {
        return Ok(None);
    }
    if let Some(python) = given {
        return Ok(Some(python.to_owned()));
    }
    let Some(system) = ["python3", "python"].into_iter().find(|name| runs(name)) else {
        eprintln!(
            "There is no Python. With Python 3.10 or later this would install {} into \
             target/peers/python.",
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
    // `pip` says itself what is there already.
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
