//! Page of a comparison.

use maud::html;
use modiste_metrics::EpochMetrics;
use modiste_report::{Section, curves_html, page, paragraph, text_table};

use super::{Compared, Comparison, RESULTS};

impl Comparison {
    /// Results, settings that differ, and the training curves in one chart.
    pub(super) fn page(&self, runs: &[Compared]) -> String {
        let curves: Vec<(&str, &[EpochMetrics])> = runs
            .iter()
            .map(|run| (run.name.as_str(), run.history.as_slice()))
            .collect();
        let names = self.runs.iter().map(|run| run.run.clone());
        let headings: Vec<String> = std::iter::once("setting".into()).chain(names).collect();
        let differences: Vec<Vec<String>> = self
            .differences
            .iter()
            .map(|row| {
                std::iter::once(row.setting.clone())
                    .chain(row.values.clone())
                    .collect()
            })
            .collect();
        let results: Vec<Vec<String>> = self.runs.iter().map(|run| run.cells().to_vec()).collect();
        let result_headings = RESULTS.map(|heading| heading.trim_start_matches('>').to_owned());
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
                    @for verdict in self.verdicts() { (paragraph(&verdict)) }
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
}
