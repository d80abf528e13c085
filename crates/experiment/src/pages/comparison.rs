//! Page about a comparison of runs.

use std::fmt;

use maud::html;
use modiste_core::four_decimals;
use modiste_metrics::EpochMetrics;
use modiste_report::{Section, curves_html, page, paragraph, text_table};

use crate::compare::{Comparison, Pair, RunResult};
use crate::table::number_table;

/// Headings of a table of results.
const RESULT_HEADINGS: [&str; 6] = [
    "run",
    "accuracy",
    "95 % interval",
    "balanced accuracy",
    "loss",
    "seconds",
];

/// Returns the row of a run in a table of results.
fn result_cells(result: &RunResult) -> [String; 6] {
    let [low, high] = result.interval.map(|end| 100.0 * end);
    [
        result.run.clone(),
        format!("{:.2} %", 100.0 * result.accuracy),
        format!("{low:.2} to {high:.2} %"),
        format!("{:.2} %", 100.0 * result.balanced_accuracy),
        four_decimals(result.loss),
        format!("{:.0}", result.seconds),
    ]
}

/// Returns a sentence for each pair of runs.
fn verdicts(comparison: &Comparison) -> Vec<String> {
    match comparison.pairs.is_empty() {
        true => vec!["no two runs are measured on the same test images".into()],
        false => comparison.pairs.iter().map(verdict).collect(),
    }
}

fn verdict(pair: &Pair) -> String {
    format!(
        "{} and {}: {} images are classified correctly by the first only, {} by the second only: p = {}, {}",
        pair.first,
        pair.second,
        pair.only_first,
        pair.only_second,
        match pair.p < 1e-3 {
            true => format!("{:.1e}", pair.p),
            false => format!("{:.3}", pair.p),
        },
        match pair.is_significant() {
            true => "significant",
            false => "not significant",
        }
    )
}

/// Returns an HTML page about a comparison: results, settings that differ, and the training curves in one
/// chart.
pub fn comparison(comparison: &Comparison) -> String {
    let runs = &comparison.runs;
    let curves: Vec<(&str, &[EpochMetrics])> = runs
        .iter()
        .map(|run| (run.run.as_str(), run.history.as_slice()))
        .collect();
    let names = runs.iter().map(|run| run.run.clone());
    let headings: Vec<String> = std::iter::once("setting".into()).chain(names).collect();
    let differences: Vec<Vec<String>> = comparison
        .differences
        .iter()
        .map(|row| {
            std::iter::once(row.setting.clone())
                .chain(row.values.clone())
                .collect()
        })
        .collect();
    let results: Vec<Vec<String>> = runs.iter().map(|run| result_cells(run).to_vec()).collect();
    let result_headings = RESULT_HEADINGS.map(String::from);
    let section = |id, title: &str, body| Section {
        id,
        title: title.into(),
        body,
    };
    let sections = [
        section(
            "results",
            "Results",
            html! {
                (text_table("Results", &result_headings, &results))
                @for verdict in verdicts(comparison) { (paragraph(&verdict)) }
            },
        ),
        section(
            "settings",
            "Settings that differ",
            match differences.is_empty() {
                true => paragraph("No setting differs."),
                false => text_table("Settings that differ", &headings, &differences),
            },
        ),
        section("curves", "Training curves", curves_html(&curves)),
    ];
    page("Comparison of runs", &headings[1..].join(", "), &sections)
}

impl fmt::Display for Comparison {
    /// Writes the settings that differ, a table of the results, and the significance of their differences.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for difference in &self.differences {
            writeln!(
                f,
                "{}: {}",
                difference.setting,
                difference.values.join(" | ")
            )?;
        }
        if self.differences.is_empty() {
            writeln!(f, "no setting differs")?;
        }
        let rows: Vec<[String; 6]> = self.runs.iter().map(result_cells).collect();
        let verdicts = verdicts(self).join("\n");
        write!(
            f,
            "\n{}\n\n{verdicts}",
            number_table(RESULT_HEADINGS, &rows)
        )
    }
}
