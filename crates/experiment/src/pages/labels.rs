//! Page about labels that are probably wrong.

use modiste_report::{Figure, Section, figures, page, paragraph};

use crate::label_issues::LabelReport;

/// Display width of an image in pixels.
const WIDTH: usize = 96;

/// Returns an HTML page with the images whose labels are probably wrong, the most evident ones first.
pub fn labels(report: &LabelReport) -> String {
    let shown: Vec<Figure> = report
        .issues
        .iter()
        .filter_map(|issue| {
            Some(Figure {
                picture: issue.picture.clone()?,
                alt: format!("{}, labelled {}", issue.file, issue.label),
                caption: vec![
                    format!("{} ({:.1} %)", issue.label, 100.0 * issue.label_probability),
                    format!(
                        "rather {} ({:.1} %)",
                        issue.suggested,
                        100.0 * issue.suggested_probability
                    ),
                    issue.file.clone(),
                ],
                width: WIDTH,
            })
        })
        .collect();
    let body = match shown.len() {
        0 => paragraph("None."),
        _ => figures(&shown),
    };
    let section = Section {
        id: "labels",
        title: "Labels that are probably wrong".into(),
        body,
    };
    page(
        &format!("Labels of {}", report.path),
        &report.summary(),
        &[section],
    )
}
