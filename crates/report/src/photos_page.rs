//! Page of labelled photos: each one with the network's input and its predictions.

use maud::{Markup, html};
use modiste_metrics::{Confusion, wilson_interval};

use crate::class_tables::{classes_table, confusion_table};
use crate::page::{Section, data_uri, page};
use crate::table::text_table;

/// A photo and its predictions.
#[derive(Clone, Debug, PartialEq)]
pub struct PhotoRow {
    /// Name of the file.
    pub name: String,
    /// Name of the true class, or `other`.
    pub truth: String,
    /// Classes and probabilities, the most probable first. The page shows three.
    pub ranked: Vec<(String, f32)>,
    /// A thumbnail as a JPEG file, or empty for none.
    pub photo: Vec<u8>,
    /// Views that the network receives, as PNG files.
    pub views: Vec<Vec<u8>>,
    /// `true` marks the prediction as one of low confidence.
    pub unsure: bool,
    /// `true` if the photo is classified as belonging to none of the classes.
    pub rejected: bool,
    /// `true` if the photo belongs to none of the classes.
    pub other: bool,
}

impl PhotoRow {
    /// Returns whether the most probable class is the true one, or a photo of none of the classes is rejected.
    fn is_correct(&self) -> bool {
        let best = self.ranked.first();
        match self.other {
            true => self.rejected,
            false => best.is_some_and(|(class, _)| *class == self.truth),
        }
    }
}

/// A page of accuracy, per-class metrics, confusion matrix, and each photo with its top three predictions,
/// the rejected photos first, then the misclassified ones.
///
/// `failed` are the files that could not be read, each with its error. The page contains no script and
/// loads nothing.
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
    let mut sections = vec![
        Section {
            id: "classes",
            title: "Per-class metrics".into(),
            body: classes_table("photos", None, confusion),
        },
        Section {
            id: "confusion",
            title: "Confusion matrix".into(),
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
            title: format!("Skipped files: {}", failed.len()),
            body: text_table("Skipped files", &["file", "error"], &rows),
        });
    }
    let (rejected, known): (Vec<&PhotoRow>, Vec<&PhotoRow>) =
        rows.iter().partition(|row| row.rejected);
    let (others, known): (Vec<&PhotoRow>, Vec<&PhotoRow>) =
        known.into_iter().partition(|row| row.other);
    let (correct, wrong): (Vec<&PhotoRow>, Vec<&PhotoRow>) =
        known.into_iter().partition(|row| row.is_correct());
    for (id, heading, rows) in [
        ("rejected", "None of these", rejected),
        ("others", "Of none of the classes, and not rejected", others),
        ("wrong", "Misclassified", wrong),
        ("right", "Correctly classified", correct),
    ] {
        if !rows.is_empty() {
            sections.push(Section {
                id,
                title: format!("{heading}: {}", rows.len()),
                body: html! { div.photos { @for row in rows { (photo(row)) } } },
            });
        }
    }
    page(title, &lead(confusion), &sections)
}

/// Accuracy with its confidence interval.
fn lead(confusion: &Confusion) -> String {
    let (correct, total) = (confusion.correct(), confusion.total());
    if total == 0 {
        return "No photo was classified.".into();
    }
    let [low, high] = wilson_interval(correct, total).map(|end| 100.0 * end);
    format!(
        "{correct} of {total} photos are classified correctly: {:.1} % (95 % interval {low:.1} to {high:.1} %).",
        100.0 * correct as f64 / total as f64
    )
}

fn photo(row: &PhotoRow) -> Markup {
    let (class, verdict) = match row.is_correct() {
        true => ("right", "correct"),
        false => ("wrong", "misclassified"),
    };
    html! {
        figure {
            div.pair {
                @if !row.photo.is_empty() {
                    img.photo alt={ "photo: " (row.truth) } src=(data_uri(&row.photo));
                }
                div.seen role="img" aria-label={ "network input: " (row.views.len()) " views" } {
                    @for view in &row.views { img alt="" src=(data_uri(view)); }
                }
            }
            figcaption {
                (row.name) ": " (row.truth) " "
                b class=(class) {
                    "(" (verdict)
                    @if row.rejected { ", rejected" } @else if row.unsure { ", low confidence" }
                    ")"
                }
                ol {
                    @for (class, probability) in row.ranked.iter().take(3) {
                        li { (class) " " (format_args!("{:.1} %", 100.0 * probability)) }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misclassified_photos_come_first() {
        let row = |name: &str, truth: &str| PhotoRow {
            name: name.into(),
            truth: truth.into(),
            ranked: vec![("Bag".into(), 0.75), ("Coat".into(), 0.25)],
            photo: vec![1, 2, 3],
            views: vec![b"\x89PNG".to_vec(), b"\x89PNG5".to_vec()],
            unsure: false,
            rejected: name == "odd.jpg",
            other: truth == "other",
        };
        let mut confusion = Confusion::new(vec!["Bag".into(), "Coat".into()]);
        confusion.add(0, 0);
        confusion.add(1, 0);
        let rows = [
            row("good.jpg", "Bag"),
            row("<b>.jpg", "Coat"),
            row("odd.jpg", "other"),
        ];
        let page = photos_page(
            "Two",
            &rows,
            &[("lost.jpg".into(), "no such <file>".into())],
            &confusion,
        );
        let at = |text: &str| {
            page.find(text)
                .unwrap_or_else(|| panic!("{text} is missing in {page}"))
        };
        assert!(at("&lt;b&gt;.jpg: Coat") < at("good.jpg: Bag"));
        assert!(at("odd.jpg: other") < at("&lt;b&gt;.jpg: Coat"));
        assert!(page.contains("None of these: 1") && page.contains("(correct, rejected)"));
        assert!(page.contains(
            "1 of 2 photos are classified correctly: 50.0 % (95 % interval 9.5 to 90.5 %)."
        ));
        assert!(page.contains("<li>Bag 75.0 %</li><li>Coat 25.0 %</li>"));
        assert!(page.contains("Skipped files: 1") && page.contains("no such &lt;file&gt;"));
        assert!(page.contains("data:image/jpeg;base64,AQID"));
        assert!(!page.contains("<script") && !page.contains("http"));
    }
}
