//! Page about a dataset.

use maud::{Markup, html};
use modiste_report::{Figure, Section, figures, page, paragraph, text_table};

use crate::inspect::{DataReport, IMBALANCED, Inspection};
use crate::unreadable::{NAMED, UnreadableFile};

/// Display width of a sample in pixels.
const SAMPLE: usize = 96;

/// Returns an HTML page about a dataset: counts, samples, unreadable files, duplicates and leaks.
pub fn data(inspection: &Inspection) -> String {
    let report = &inspection.report;
    let mut sections = vec![
        section("classes", "Classes", classes(report)),
        section("sizes", "Sizes and modes", sizes(report)),
        section("samples", "Samples", samples(inspection)),
        section("unreadable", "Unreadable files", unreadable(report)),
    ];
    for ((title, groups), id) in
        report
            .groups()
            .into_iter()
            .zip(["leaks", "conflicts", "equal", "similar"])
    {
        sections.push(section(id, title, group_list(groups)));
    }
    page(
        &format!("Dataset {}", report.path),
        &report.summary(),
        &sections,
    )
}

fn section(id: &'static str, title: &str, body: Markup) -> Section {
    Section {
        id,
        title: title.into(),
        body,
    }
}

fn classes(report: &DataReport) -> Markup {
    let (headings, rows) = report.class_rows();
    let headings = headings.map(|heading| heading.trim_start_matches('>').to_owned());
    let rows: Vec<Vec<String>> = rows.into_iter().map(Vec::from).collect();
    html! {
        (text_table("Classes", &headings, &rows))
        @if report.imbalance >= IMBALANCED {
            (paragraph(&format!(
                "The largest class has {:.1} times the images of the smallest one. Class weights compensate for it.",
                report.imbalance
            )))
        }
        @for warning in &report.warnings { (paragraph(warning)) }
    }
}

fn sizes(report: &DataReport) -> Markup {
    let row = |(name, count): (&String, &usize)| vec![name.clone(), count.to_string()];
    let sizes = report
        .sizes
        .iter()
        .take(NAMED)
        .map(|(size, count)| row((size, count)));
    let sizes: Vec<Vec<String>> = sizes.collect();
    let modes: Vec<Vec<String>> = report.modes.iter().map(row).collect();
    html! {
        (text_table("Sizes", &["width x height", "images"], &sizes))
        (text_table("Modes", &["mode", "images"], &modes))
    }
}

fn samples(inspection: &Inspection) -> Markup {
    let shown: Vec<Figure> = inspection
        .samples
        .iter()
        .map(|sample| Figure {
            picture: sample.picture.clone(),
            alt: format!("Sample of the class {}", sample.class),
            caption: vec![sample.class.clone(), sample.file.clone()],
            width: SAMPLE,
        })
        .collect();
    figures(&shown)
}

fn unreadable(report: &DataReport) -> Markup {
    match report.unreadable.len() {
        0 => paragraph("Every file can be decoded."),
        count => html! {
            (paragraph(&format!("{count} files cannot be decoded. Training leaves them out.")))
            (file_table("Unreadable files", &report.unreadable))
        },
    }
}

/// Table of the first files and the reasons why they cannot be used.
pub(super) fn file_table(label: &str, files: &[UnreadableFile]) -> Markup {
    let row = |file: &UnreadableFile| vec![file.file.clone(), file.reason.clone()];
    let rows: Vec<Vec<String>> = files.iter().take(NAMED).map(row).collect();
    text_table(label, &["file", "reason"], &rows)
}

fn group_list(groups: &[Vec<String>]) -> Markup {
    match groups.len() {
        0 => paragraph("None."),
        count => html! {
            (paragraph(&format!("{count} groups; the first {} are shown.", count.min(NAMED))))
            ul { @for group in groups.iter().take(NAMED) { li { (group.join(" = ")) } } }
        },
    }
}
