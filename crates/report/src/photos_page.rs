//! A page of photos: what each shows, what the network saw, what it answered.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::class_tables::{classes_table, confusion_table};
use crate::page::{Section, escape, page, share, text_table};
use modiste_metrics::Confusion;

/// One photo of a page.
#[derive(Clone, Debug, PartialEq)]
pub struct PhotoRow {
    /// The file's name.
    pub name: String,
    /// What it shows.
    pub truth: String,
    /// Classes and probabilities, the most probable first; the page shows three.
    pub ranked: Vec<(String, f32)>,
    /// The photo, small, as a JPEG file; empty where it cannot be shown.
    pub photo: Vec<u8>,
    /// What the network saw, as PNG files.
    pub seen: Vec<Vec<u8>>,
    /// Whether the answer is a guess.
    pub unsure: bool,
}

impl PhotoRow {
    fn is_right(&self) -> bool {
        self.ranked
            .first()
            .is_some_and(|(class, _)| *class == self.truth)
    }
}

/// One HTML file that needs no network and no script: the accuracy, per class with intervals, the
/// confusion matrix, and each photo beside what the network saw and its top three, the wrong ones
/// first. `failed` are files that could not be read, each with the error.
///
/// ```
/// use modiste_metrics::Confusion;
/// use modiste_report::photos_page;
///
/// let page = photos_page("Photos of <bags>", &[], &[], &Confusion::new(vec!["Bag".into()]));
/// assert!(page.starts_with("<!DOCTYPE html>") && page.contains("Photos of &lt;bags&gt;"));
/// ```
pub fn photos_page(
    title: &str,
    rows: &[PhotoRow],
    failed: &[(String, String)],
    confusion: &Confusion,
) -> String {
    let (right, total) = (confusion.correct(), confusion.total());
    let lead = format!("{right} right of {total}: {}", share(right, total));
    let mut sections = vec![
        Section {
            id: "classes",
            title: "By class".into(),
            body: classes_table("photos", confusion),
        },
        Section {
            id: "confusion",
            title: "What was taken for what".into(),
            body: confusion_table(confusion),
        },
    ];
    if !failed.is_empty() {
        let rows: Vec<Vec<String>> = failed
            .iter()
            .map(|(file, error)| vec![file.clone(), error.clone()])
            .collect();
        sections.push(Section {
            id: "failed",
            title: format!("Not counted: {}", failed.len()),
            body: text_table(
                "files that are not counted",
                &["file", "error"].map(String::from),
                &rows,
            ),
        });
    }
    let (right, wrong): (Vec<&PhotoRow>, Vec<&PhotoRow>) =
        rows.iter().partition(|row| row.is_right());
    for (id, heading, rows) in [("wrong", "Wrong", wrong), ("right", "Right", right)] {
        if rows.is_empty() {
            continue;
        }
        let mut body = String::from("<div class=\"photos\">\n");
        for row in &rows {
            photo(&mut body, row);
        }
        sections.push(Section {
            id,
            title: format!("{heading}: {}", rows.len()),
            body: body + "</div>\n",
        });
    }
    page(title, &lead, &sections)
}

fn photo(page: &mut String, row: &PhotoRow) {
    let (name, truth) = (escape(&row.name), escape(&row.truth));
    *page += &format!(
        "<figure>\n<div class=\"pair\">{}\n<div class=\"seen\" role=\"img\" \
         aria-label=\"what the network saw: {} views\">",
        match row.photo.is_empty() {
            true => String::new(),
            false => format!(
                "<img class=\"photo\" alt=\"photo: {truth}\" src=\"data:image/jpeg;base64,{}\">",
                STANDARD.encode(&row.photo)
            ),
        },
        row.seen.len()
    );
    for seen in &row.seen {
        *page += &format!(
            "<img alt=\"\" src=\"data:image/png;base64,{}\">",
            STANDARD.encode(seen)
        );
    }
    let verdict = if row.is_right() { "right" } else { "wrong" };
    let guess = if row.unsure { ", a guess" } else { "" };
    *page += &format!(
        "</div></div>\n<figcaption>{name}: {truth} <b class=\"{verdict}\">({verdict}{guess})</b>\n<ol>"
    );
    for (class, probability) in row.ranked.iter().take(3) {
        *page += &format!("<li>{} {:.1} %</li>", escape(class), 100.0 * probability);
    }
    *page += "</ol></figcaption>\n</figure>\n";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_photos_come_first_and_names_are_text() {
        let row = |name: &str, truth: &str| PhotoRow {
            name: name.into(),
            truth: truth.into(),
            ranked: vec![("Bag".into(), 0.75), ("Coat".into(), 0.25)],
            photo: vec![1, 2, 3],
            seen: vec![vec![4], vec![5]],
            unsure: false,
        };
        let mut confusion = Confusion::new(vec!["Bag".into(), "Coat".into()]);
        confusion.add(0, 0);
        confusion.add(1, 0);
        let rows = [row("good.jpg", "Bag"), row("<b>.jpg", "Coat")];
        let page = photos_page(
            "Two",
            &rows,
            &[("lost.jpg".into(), "no such <file>".into())],
            &confusion,
        );
        let at = |text: &str| {
            page.find(text)
                .unwrap_or_else(|| panic!("no {text} in {page}"))
        };
        assert!(at("&lt;b&gt;.jpg: Coat") < at("good.jpg: Bag"));
        assert!(page.contains("1 right of 2: 50.0 % (95 % interval 9.5 to 90.5 %)"));
        assert!(page.contains("<li>Bag 75.0 %</li><li>Coat 25.0 %</li>"));
        assert!(page.contains("Not counted: 1") && page.contains("no such &lt;file&gt;"));
        assert!(page.contains("data:image/jpeg;base64,AQID"));
        assert!(!page.contains("<script") && !page.contains("http"));
    }
}
