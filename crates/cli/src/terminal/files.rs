//! Files that results are written to.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use modiste_core::{shown, write_atomic, write_numbered};

use super::output;

/// Name that stands for standard output.
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

/// Returns whether a file in the folder of an input may be an earlier result.
fn is_result(path: &Path) -> bool {
    let is_input = ["run.json", "history.csv", "labels.csv"]
        .iter()
        .any(|name| path.ends_with(name));
    let extension = path.extension().unwrap_or_default();
    !is_input
        && ["html", "csv", "json"]
            .iter()
            .any(|result| extension == *result)
}

/// Checks, before anything is computed, that the file of a flag can be created, and is not one of `inputs` or a
/// file in a folder of `inputs`, which it would replace.
///
/// # Errors
/// If the target's folder does not exist, or the target is a folder or one of the inputs.
pub(crate) fn check_target<'a>(
    named: Option<&Path>,
    inputs: impl IntoIterator<Item = &'a Path>,
) -> Result<()> {
    let Some(path) = named.filter(|path| !is_stdout(path)) else {
        return Ok(());
    };
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::metadata(folder).with_context(|| shown(path))?;
    }
    ensure!(!path.is_dir(), "{}: Is a directory", shown(path));
    let Ok(target) = path.canonicalize() else {
        return Ok(());
    };
    let is_input = |input: &Path| {
        let is_in =
            |input: PathBuf| target == input || (target.starts_with(input) && !is_result(&target));
        input.canonicalize().is_ok_and(is_in)
    };
    ensure!(
        !target.is_file() || !inputs.into_iter().any(is_input),
        "{} is an input, which the result would replace; name another file",
        shown(path)
    );
    Ok(())
}

/// Writes a result to the file that a flag names, replacing an existing file; `-` is standard output.
///
/// # Errors
/// If the file cannot be written, with the path.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if is_stdout(path) {
        return output::write(bytes);
    }
    write_atomic(path, bytes).with_context(|| shown(path))
}

/// Writes a page to the file that a flag names, or else to `default`, and prints the path of the file. A file
/// of the default name is not replaced: the page then gets a number.
///
/// # Errors
/// If the file cannot be written, with the path.
pub(crate) fn write_page(named: Option<&Path>, default: &Path, page: &str) -> Result<()> {
    let path: PathBuf = match named {
        Some(path) => {
            write(path, page.as_bytes())?;
            path.into()
        }
        None => write_numbered(default, page.as_bytes()).with_context(|| shown(default))?,
    };
    match is_stdout(&path) {
        true => Ok(()),
        false => output::line(shown(&path)),
    }
}

/// Writes `folder/STEM` with an ending, and a number if another file in `written` has this name, and prints the
/// path. A file that existed before is not overwritten.
///
/// # Errors
/// If the file exists or cannot be written.
pub(crate) fn write_new(
    folder: &Path,
    input: &Path,
    ending: &str,
    bytes: &[u8],
    written: &mut HashSet<PathBuf>,
) -> Result<()> {
    let stem = input.file_stem().context("the file has no name")?;
    let named = |number: usize| {
        let mut path = folder.join(stem).into_os_string();
        if number > 1 {
            path.push(format!("-{number}"));
        }
        path.push(ending);
        PathBuf::from(path)
    };
    let free = (1..).map(named).find(|path| !written.contains(path));
    let path = free.context("no name is free")?;
    ensure!(
        !path.exists(),
        "{} exists already and is not overwritten",
        shown(&path)
    );
    write_atomic(&path, bytes).with_context(|| shown(&path))?;
    output::line(shown(&path))?;
    written.insert(path);
    Ok(())
}
