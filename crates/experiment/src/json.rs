//! JSON: files, layout, and comparison of values leaf by leaf.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use modiste_core::decode_text;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Number, Value};

use crate::error::{Error, Result};

/// Reads a text file in UTF-8, or in UTF-16 with a byte order mark. The mark is removed.
///
/// # Errors
/// If the file cannot be read or decoded.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    let text = decode_text(&fs::read(path)?);
    text.map_err(|error| io::Error::new(ErrorKind::InvalidData, error.to_string()))
}

/// Reads a value from a JSON file.
///
/// # Errors
/// Returns [`Error::File`] if the file cannot be read and [`Error::Contents`] if it does not contain such a
/// value.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = read_text(path).map_err(Error::file(path))?;
    serde_json::from_str(&text).map_err(|error| Error::Contents {
        path: path.into(),
        reason: error.to_string(),
    })
}

/// Formats a value as indented JSON in which a list of numbers is one line: a matrix has a line per row.
///
/// # Errors
/// If the value cannot be represented in JSON.
pub fn pretty_json(value: &impl Serialize) -> serde_json::Result<String> {
    let indented = serde_json::to_string_pretty(value)?;
    let mut lines: Vec<String> = Vec::new();
    // First line of an open list that contains only numbers, booleans and nulls so far.
    let mut list: Option<usize> = None;
    // Both quotes of a string are on one line, so a bracket at either end of a line belongs to a list.
    for line in indented.lines() {
        let token = line.trim_start();
        if let (Some(start), true) = (list, token.starts_with(']')) {
            let values = lines.split_off(start + 1);
            let values: Vec<&str> = values.iter().map(|value| value.trim_start()).collect();
            lines[start] += &(values.join(" ") + token);
            list = None;
            continue;
        }
        if token.ends_with('[') {
            list = Some(lines.len());
        } else if token.starts_with(['"', '{', '}', '[', ']']) {
            list = None;
        }
        lines.push(line.to_owned());
    }
    Ok(lines.join("\n"))
}

/// Returns every number, string or list in `value` with its path, such as `schedule.curve`; a list is one leaf.
/// Numbers that fit into 32 bits are printed as such: 0.3, not 0.30000001192092896.
pub(crate) fn leaves(value: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    collect(value, "", &mut found);
    found
}

fn collect(value: &Value, path: &str, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = match path {
                    "" => name.clone(),
                    path => format!("{path}.{name}"),
                };
                collect(value, &path, found);
            }
        }
        Value::String(text) => {
            found.insert(path.to_owned(), text.clone());
        }
        other => {
            found.insert(path.to_owned(), plain(other));
        }
    }
}

/// Formats a value that contains no object.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Number(number) => shortest(number),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(plain).collect();
            format!("[{}]", values.join(","))
        }
        other => other.to_string(),
    }
}

/// Formats a number with the fewest digits that identify it, in 32 bits if it fits.
fn shortest(number: &Number) -> String {
    let wide = number.as_f64().filter(|_| number.is_f64());
    match wide.map(|wide| (wide, wide as f32)) {
        Some((wide, narrow)) if f64::from(narrow) == wide => {
            serde_json::to_string(&narrow).unwrap_or_else(|_| number.to_string())
        }
        _ => number.to_string(),
    }
}

/// Returns the leaves in which `values` differ, with the text of each: `-` if it has no such leaf.
pub(crate) fn differences(values: &[&Value]) -> Vec<(String, Vec<String>)> {
    let all: Vec<_> = values.iter().map(|value| leaves(value)).collect();
    let mut paths: Vec<&String> = all.iter().flat_map(BTreeMap::keys).collect();
    paths.sort();
    paths.dedup();
    let row = |path: &String| {
        let has = |leaves: &BTreeMap<String, String>| leaves.get(path).cloned();
        let cells: Vec<String> = all
            .iter()
            .map(|leaves| has(leaves).unwrap_or_else(|| "-".into()))
            .collect();
        let differ = cells.iter().any(|cell| *cell != cells[0]);
        differ.then(|| (path.clone(), cells))
    };
    paths.into_iter().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn prints_list_of_numbers_on_one_line() {
        let value = json!({
            "rows": [[1, 2.5], [-3, 4e100], [true, null]],
            "texts": ["a", "[", "]"],
            "mixed": [1, "two", [], {}],
            "objects": [{ "n": 1, "of": [5] }],
            "none": [],
        });
        let text = pretty_json(&value).expect("JSON");
        assert_eq!(
            serde_json::from_str::<Value>(&text).expect("the same"),
            value
        );
        let expected = [
            "{",
            r#"  "mixed": ["#,
            "    1,",
            r#"    "two","#,
            "    [],",
            "    {}",
            "  ],",
            r#"  "none": [],"#,
            r#"  "objects": ["#,
            "    {",
            r#"      "n": 1,"#,
            r#"      "of": [5]"#,
            "    }",
            "  ],",
            r#"  "rows": ["#,
            "    [1, 2.5],",
            "    [-3, 4e+100],",
            "    [true, null]",
            "  ],",
            r#"  "texts": ["#,
            r#"    "a","#,
            r#"    "[","#,
            r#"    "]""#,
            "  ]",
            "}",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
        for value in [json!([1, 2]), json!(3), json!("["), json!([[]])] {
            let text = pretty_json(&value).expect("JSON");
            assert_eq!(
                serde_json::from_str::<Value>(&text).expect("the same"),
                value
            );
        }
    }

    #[test]
    fn skips_byte_order_mark_and_names_utf_16() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.json");
        let read = |bytes: &[u8]| {
            fs::write(&path, bytes).expect("written");
            read_json::<Value>(&path).map_err(|error| error.to_string())
        };
        for text in ["{\"a\":1}", "\u{feff}{\"a\":1}"] {
            assert_eq!(read(text.as_bytes()), Ok(json!({ "a": 1 })), "{text}");
        }
        for mark in ["", "\u{feff}"] {
            let text = format!("{mark}{{\"a\":1}}");
            let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            for bytes in [little, big] {
                match mark {
                    "" => {
                        let refused = read(&bytes).expect_err("refused");
                        assert!(refused.contains("a.json: the text is UTF-16"), "{refused}");
                    }
                    _ => assert_eq!(read(&bytes), Ok(json!({ "a": 1 }))),
                }
            }
        }
        let refused = read(b"{\"a\":\"\xe9\"}").expect_err("refused");
        assert!(refused.contains("is not UTF-8"), "{refused}");
        assert!(read(b"").is_err());
    }

    #[test]
    fn prints_32_bit_numbers_shortest() {
        let value =
            serde_json::to_value((0.3_f32, 0.3_f64, 0.1 + 0.2, 7, [0.7_f32])).expect("JSON");
        assert_eq!(plain(&value), "[0.3,0.3,0.30000000000000004,7,[0.7]]");
    }

    #[test]
    fn lists_differences_only() {
        let one = json!({ "a": 1, "b": { "c": "x", "d": [1, 2] }, "e": null });
        let other = json!({ "a": 1, "b": { "c": "y", "d": [1, 2] }, "f": true });
        let found = differences(&[&one, &other, &one]);
        let row =
            |path: &str, cells: [&str; 3]| (path.to_owned(), cells.map(String::from).to_vec());
        assert_eq!(
            found,
            [
                row("b.c", ["x", "y", "x"]),
                row("e", ["null", "-", "null"]),
                row("f", ["-", "true", "-"]),
            ]
        );
        assert!(differences(&[&one, &one]).is_empty());
    }
}
