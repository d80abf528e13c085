//! Dialects of tables: lines and columns as spreadsheets and other tools write them.

use csv::StringRecord;

/// Accepted delimiters of columns.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Accepted names of the column of photos, in lower case.
pub(crate) const FILE: [&str; 7] = [
    "file",
    "filename",
    "file_name",
    "path",
    "filepath",
    "image",
    "photo",
];

/// Accepted names of the column of classes, in lower case.
pub(crate) const LABEL: [&str; 3] = ["label", "class", "category"];

/// Line of a table that is not blank.
pub(crate) struct Record {
    /// Number of its first line, from 1.
    pub(crate) line: u64,
    /// Fields without spaces around them.
    pub(crate) fields: StringRecord,
}

/// Splits the text of a table into records, without the line that declares a delimiter. Returns the delimiter too.
///
/// # Errors
/// Returns a message with the line if a quote is not closed.
pub(crate) fn records(text: &str) -> Result<(Vec<Record>, char), String> {
    // DOS end-of-file character, which some programs still write.
    let text = text.trim_end_matches('\u{1a}');
    let first = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("");
    // Excel declares the delimiter in a first line such as `sep=;`.
    let declared = match first.trim().as_bytes() {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter] => Some(*delimiter),
        _ => None,
    };
    // Otherwise it is the most frequent one in the first line.
    let count = |delimiter: &u8| first.bytes().filter(|byte| byte == delimiter).count();
    let most_frequent = DELIMITERS.into_iter().rev().max_by_key(count);
    let delimiter = declared.or(most_frequent).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let fields: Vec<StringRecord> = reader
        .records()
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    reject_open_quote(text, fields.last())?;
    let mut records: Vec<Record> = fields
        .into_iter()
        .filter(|fields| !fields.iter().all(str::is_empty))
        .map(|fields| Record {
            line: fields
                .position()
                .map_or(0, |position| line_of(text, position)),
            fields,
        })
        .collect();
    if declared.is_some() && !records.is_empty() {
        records.remove(0);
    }
    Ok((records, char::from(delimiter)))
}

/// Fails if the last record opens a quote that is never closed and therefore contains all following lines.
fn reject_open_quote(text: &str, last: Option<&StringRecord>) -> Result<(), String> {
    let spans_lines = |record: &&StringRecord| record.iter().any(|field| field.contains('\n'));
    let position = last.filter(spans_lines).and_then(StringRecord::position);
    let Some(position) = position else {
        return Ok(());
    };
    let rest = text.get(position.byte() as usize..).unwrap_or_default();
    // A second quote closes a field, and a quote in a field is doubled, so their number is even.
    match rest.matches('"').count() % 2 {
        0 => Ok(()),
        _ => Err(format!(
            "line {}: unclosed quote; close it, or double a quote that belongs to the field",
            line_of(text, position)
        )),
    }
}

/// Line number of a record. The reader counts blank lines before a record as its start.
fn line_of(text: &str, position: &csv::Position) -> u64 {
    let rest = text
        .as_bytes()
        .get(position.byte() as usize..)
        .unwrap_or_default();
    let blank = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
    position.line() + blank.filter(|&&byte| byte == b'\n').count() as u64
}
