//! Results, on standard output: text, JSON, tables.

use std::fmt::{self, Display, Formatter};
use std::io::{self, Write};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::json::pretty_json;
use modiste_core::printable;

/// Writes bytes to standard output.
///
/// # Errors
/// Where they cannot be written; [`is_closed_pipe`] tells whether anybody wants them.
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

/// Returns whether standard output could not be written: the next input would fail in the same way.
pub(crate) fn is_of_stdout(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Stdout>().is_some()
}

/// Writes a line of text, or several, to standard output. What could move a terminal's cursor, out of a
/// file's name, is written as text.
///
/// # Errors
/// As [`write()`].
pub(crate) fn line(text: impl Display) -> Result<()> {
    let text = text.to_string();
    let lines: Vec<String> = text.split('\n').map(printable).collect();
    write(format!("{}\n", lines.join("\n")).as_bytes())
}

/// Writes a value as JSON, indented as [`pretty_json`] does, and a line's end.
///
/// # Errors
/// As [`write()`].
pub(crate) fn json(value: &impl Serialize) -> Result<()> {
    write(format!("{}\n", pretty_json(value)?).as_bytes())
}

/// The same, but that nobody reads is no error: for those whose exit code says something too.
///
/// # Errors
/// The others.
pub(crate) fn if_read(written: Result<()>) -> Result<()> {
    match written {
        Err(error) if is_closed_pipe(&error) => Ok(()),
        other => other,
    }
}

/// Whether an error is that the reader of standard output has closed it.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// Rows under their headings, columns as wide as their widest cell. A heading that begins with
/// `>` has its cells to the right.
pub(crate) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let right = headings.map(|heading| heading.starts_with('>'));
    let headings = headings.map(|heading| heading.trim_start_matches('>').to_owned());
    let all = || std::iter::once(&headings).chain(rows);
    let width: [usize; N] =
        std::array::from_fn(|c| all().map(|row| row[c].chars().count()).max().unwrap_or(0));
    all()
        .map(|row| {
            let mut text = String::new();
            for (column, cell) in row.iter().enumerate() {
                let padding = " ".repeat(width[column] - cell.chars().count());
                let (before, after) = if right[column] {
                    (padding, String::new())
                } else {
                    (String::new(), padding)
                };
                text.push_str(&format!("{before}{cell}{after}  "));
            }
            text.trim_end().to_owned()
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a", "1"], ["bcde", "20"]].map(|row| row.map(String::from));
        assert_eq!(table(["name", ">n"], &rows), "name   n\na      1\nbcde  20");
    }

    #[test]
    fn a_closed_pipe_is_told_from_a_full_disk() {
        let error = |kind| anyhow::Error::from(io::Error::from(kind)).context("writing");
        assert!(is_closed_pipe(&error(io::ErrorKind::BrokenPipe)));
        assert!(!is_closed_pipe(&error(io::ErrorKind::StorageFull)));
    }
}
