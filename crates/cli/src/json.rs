//! Values of JSON, leaf by leaf.

use std::collections::BTreeMap;

use serde_json::Value;

/// Every number, text or list in `value` with its path, `schedule.curve`; a list is one leaf.
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
            found.insert(path.to_owned(), other.to_string());
        }
    }
}

/// The leaves in which `values` are not all alike, with what each has: `-` where it has none.
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
    fn only_what_differs_is_listed() {
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
