//! Results on standard output: text and JSON.

use std::fmt::{self, Display, Formatter};
use std::io::{self, Write};

use anyhow::{Context, Result};
use modiste_core::printable;
use modiste_experiment::pretty_json;
use serde::Serialize;

/// Writes bytes to standard output.
///
/// # Errors
/// If they cannot be written; [`is_closed_pipe`] recognizes a reader that has closed the pipe.
pub(crate) fn write(bytes: &[u8]) -> Result<()> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
    written.context(Stdout)
}

/// Context of the errors of [`write()`].
#[derive(Debug)]
struct Stdout;

impl Display for Stdout {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("standard output")
    }
}

/// Returns whether an error is one of writing standard output, which the next input would cause again.
pub(crate) fn is_of_stdout(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Stdout>().is_some()
}

/// Writes lines of text to standard output. Control characters, which the name of a file may contain, are escaped.
///
/// # Errors
/// As [`write()`].
pub(crate) fn line(text: impl Display) -> Result<()> {
    let text = text.to_string();
    let lines: Vec<String> = text.split('\n').map(printable).collect();
    write(format!("{}\n", lines.join("\n")).as_bytes())
}

/// Writes a value as JSON, indented as [`pretty_json`] does, and a line break.
///
/// # Errors
/// As [`write()`].
pub(crate) fn json(value: &impl Serialize) -> Result<()> {
    write(format!("{}\n", pretty_json(value)?).as_bytes())
}

/// Ignores the error of a closed pipe, for commands whose exit code is a result too.
///
/// # Errors
/// Any other error.
pub(crate) fn if_read(written: Result<()>) -> Result<()> {
    match written {
        Err(error) if is_closed_pipe(&error) => Ok(()),
        other => other,
    }
}

/// Returns whether the reader of standard output has closed it.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognizes_closed_pipe() {
        let error = |kind| anyhow::Error::from(io::Error::from(kind)).context("writing");
        assert!(is_closed_pipe(&error(io::ErrorKind::BrokenPipe)));
        assert!(!is_closed_pipe(&error(io::ErrorKind::StorageFull)));
    }
}
