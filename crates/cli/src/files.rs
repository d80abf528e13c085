//! The files that results are written to.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use modiste_core::{write_atomic, write_numbered};

use crate::output;
use crate::text::shown;

/// The name that stands for standard output.
const STDOUT: &str = "-";

/// Returns whether a path stands for standard output.
pub(crate) fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == STDOUT
}

/// Returns whether a page goes to standard output.
///
/// # Errors
/// If it does, and JSON would too.
pub(crate) fn page_to_stdout(page: Option<&Path>, json: bool) -> Result<bool> {
    let to_stdout = page.is_some_and(is_stdout);
    ensure!(
        !(to_stdout && json),
        "the page and the JSON cannot both go to standard output; name a file for the page"
    );
    Ok(to_stdout)
}

/// Writes a result to the file that a flag names, replacing what is there; `-` is standard output.
///
/// # Errors
/// What the file system says, with the path.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if is_stdout(path) {
        return output::write(bytes);
    }
    write_atomic(path, bytes).with_context(|| path.display().to_string())
}

/// Writes a page to the file that a flag names, or else under a name of its own, and prints the path of
/// the file, if it is one. No file of that name is replaced: the page then gets a number.
///
/// # Errors
/// What the file system says, with the path.
pub(crate) fn write_page(named: Option<&Path>, default: &Path, page: &str) -> Result<()> {
    let path: PathBuf = match named {
        Some(path) => {
            write(path, page.as_bytes())?;
            path.into()
        }
        None => write_numbered(default, page.as_bytes())
            .with_context(|| default.display().to_string())?,
    };
    match is_stdout(&path) {
        true => Ok(()),
        false => output::line(shown(&path)),
    }
}
