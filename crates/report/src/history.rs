//! History of a training run as CSV.

use std::fmt::Write;
use std::str::FromStr;

use modiste_metrics::EpochMetrics;

use crate::error::Error;

/// First line of a history in CSV.
pub const HISTORY_HEADER: &str = "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds";

/// Number of columns in [`HISTORY_HEADER`].
const COLUMNS: usize = 7;

/// Maximum number of characters of an invalid value that an error quotes.
const QUOTED: usize = 40;

/// Writes a history as CSV: [`HISTORY_HEADER`], then one line per epoch.
///
/// Numbers have the fewest digits that identify them, so that [`parse_history_csv`] returns exactly the same
/// history. Numbers that are not finite are written as `NaN`, `inf` or `-inf`.
///
/// ```
/// use modiste_metrics::EpochMetrics;
/// use modiste_report::{history_csv, parse_history_csv};
///
/// let history = [EpochMetrics {
///     epoch: 1,
///     loss: 0.625,
///     accuracy: 0.78,
///     val_loss: 0.5,
///     val_accuracy: 0.81,
///     learning_rate: 0.01,
///     seconds: 12.345,
/// }];
/// let csv = history_csv(&history);
/// assert_eq!(csv.lines().nth(1), Some("1,0.625,0.78,0.5,0.81,0.01,12.345"));
/// assert_eq!(parse_history_csv(&csv)?, history);
/// # Ok::<(), modiste_report::Error>(())
/// ```
pub fn history_csv(history: &[EpochMetrics]) -> String {
    let mut csv = format!("{HISTORY_HEADER}\n");
    for record in history {
        // `{:?}` writes 1e-7 where `{}` would write 0.0000001; writing to a string cannot fail.
        let _ = writeln!(
            csv,
            "{},{:?},{:?},{:?},{:?},{:?},{:?}",
            record.epoch,
            record.loss,
            record.accuracy,
            record.val_loss,
            record.val_accuracy,
            record.learning_rate,
            record.seconds
        );
    }
    csv
}

/// Reads the output of [`history_csv`]. Lines may end in `\n` or `\r\n`.
///
/// # Errors
/// Returns [`Error::Header`], [`Error::Columns`] or [`Error::Value`], which name the line and the column, if
/// the text is not such a history.
pub fn parse_history_csv(csv: &str) -> Result<Vec<EpochMetrics>, Error> {
    // Some editors write a byte order mark at the start.
    let mut lines = csv.trim_start_matches('\u{feff}').lines();
    let header = lines.next().unwrap_or_default();
    if header != HISTORY_HEADER {
        return Err(Error::Header {
            expected: HISTORY_HEADER,
            found: beginning(header),
        });
    }
    (2..)
        .zip(lines)
        .map(|(line, text)| parse_line(line, text))
        .collect()
}

fn parse_line(line: usize, text: &str) -> Result<EpochMetrics, Error> {
    let values: Vec<&str> = text.split(',').collect();
    let values: [&str; COLUMNS] = values.try_into().map_err(|values: Vec<_>| Error::Columns {
        line,
        expected: COLUMNS,
        found: values.len(),
    })?;
    let [epoch, numbers @ ..] = values;
    let mut columns = HISTORY_HEADER
        .split(',')
        .zip([epoch].into_iter().chain(numbers));
    Ok(EpochMetrics {
        epoch: value(line, "whole number", columns.next())?,
        loss: value(line, "number", columns.next())?,
        accuracy: value(line, "number", columns.next())?,
        val_loss: value(line, "number", columns.next())?,
        val_accuracy: value(line, "number", columns.next())?,
        learning_rate: value(line, "number", columns.next())?,
        seconds: value(line, "number", columns.next())?,
    })
}

fn value<T: FromStr>(
    line: usize,
    expected: &'static str,
    column: Option<(&'static str, &str)>,
) -> Result<T, Error> {
    let (column, text) = column.unwrap_or_default();
    text.parse().map_err(|_| Error::Value {
        line,
        column,
        expected,
        found: beginning(text),
    })
}

fn beginning(text: &str) -> String {
    text.chars().take(QUOTED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let good = "1,0.1,0.2,0.3,0.4,0.5,6";
        let error = parse_history_csv(&format!("{HISTORY_HEADER}\n{good}\n{line}\n")).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn errors_name_line_and_column() {
        check("2,0.1,0.2", "line 3: expected 7 values, found 3");
        check("", "line 3: expected 7 values, found 1");
        check(
            "2,0.1,0.2,0.3,high,0.5,6",
            "line 3, column `val_accuracy`: `high` is not a number",
        );
        check(
            "2.5,0.1,0.2,0.3,0.4,0.5,6",
            "line 3, column `epoch`: `2.5` is not a whole number",
        );
        check(
            &format!("2,0.1,0.2,0.3,0.4,0.5,{}", "x".repeat(99)),
            &format!(
                "line 3, column `seconds`: `{}` is not a number",
                "x".repeat(40)
            ),
        );
    }

    #[test]
    fn rejects_other_header() {
        let error = parse_history_csv("epoch;loss\n").unwrap_err().to_string();
        assert!(error.ends_with("found `epoch;loss`"), "{error}");
        assert!(parse_history_csv("").is_err());
        assert_eq!(parse_history_csv(HISTORY_HEADER), Ok(Vec::new()));
    }

    #[test]
    fn reads_crlf_and_byte_order_mark() {
        let csv = format!("\u{feff}{HISTORY_HEADER}\r\n3,0.1,0.2,0.3,0.4,1e-5,6\r\n");
        let history = parse_history_csv(&csv).expect("a history");
        assert_eq!(history.len(), 1);
        assert_eq!(history[0].seconds, 6.0);
        assert!(history_csv(&history).contains(",1e-5,6.0\n"));
    }
}
