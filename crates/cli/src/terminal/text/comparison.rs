//! Comparison of runs.

use modiste_experiment::{Comparison, pages};

use crate::terminal::table::table;

/// Settings that differ, a table of the results, and the significance of their differences.
pub(crate) fn text(comparison: &Comparison) -> String {
    let mut lines = Vec::new();
    for difference in &comparison.differences {
        let values = difference.values.join(" | ");
        lines.push(format!("{}: {values}", difference.setting));
    }
    if comparison.differences.is_empty() {
        lines.push("no setting differs".into());
    }
    let rows: Vec<[String; 5]> = comparison.runs.iter().map(pages::result_cells).collect();
    let [run, numbers @ ..] = pages::RESULT_HEADINGS;
    let numbers = numbers.map(|heading| format!(">{heading}"));
    let [accuracy, interval, loss, seconds] = numbers.each_ref().map(String::as_str);
    lines.push(String::new());
    lines.push(table([run, accuracy, interval, loss, seconds], &rows));
    lines.push(String::new());
    lines.extend(pages::verdicts(comparison));
    lines.join("\n")
}
