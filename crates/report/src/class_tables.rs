//! Tables of classes: metrics, confusion matrix, probabilities.

use maud::{Markup, html};
use modiste_metrics::{ClassResult, Confusion};

use crate::page::{details, paragraph};
use crate::table::{table, text_table};

/// Largest number of classes whose confusion matrix is readable as a whole.
const READABLE: usize = 20;

/// Largest number of classes whose metrics are shown at once.
const SHOWN: usize = 40;

/// Rows of a list that replaces a larger table.
const LISTED: usize = 20;

/// Headings of the cells of [`class_rows`], for images.
pub const CLASS_HEADINGS: [&str; 7] = [
    "class",
    "images",
    "correct",
    "precision",
    "recall",
    "95 % interval",
    "F1",
];

/// Per-class metrics as text, in the order of [`CLASS_HEADINGS`]: support, correct predictions, precision,
/// recall with its confidence interval, and F1. Classes without samples and predictions are left out.
pub fn class_rows(confusion: &Confusion) -> Vec<[String; 7]> {
    shown_classes(confusion)
        .map(|(_, class)| class_row(&class))
        .collect()
}

/// Classes with samples or predictions, and their indices.
fn shown_classes(confusion: &Confusion) -> impl Iterator<Item = (usize, ClassResult<'_>)> {
    let classes = confusion.per_class().enumerate();
    classes.filter(|(_, class)| class.total + class.predicted > 0)
}

fn class_row(class: &ClassResult<'_>) -> [String; 7] {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let [low, high] = class.interval.map(|end| 100.0 * end);
    [
        class.class.to_owned(),
        class.total.to_string(),
        class.correct.to_string(),
        percent(class.precision()),
        percent(class.recall()),
        format!("{low:.1} to {high:.1} %"),
        percent(class.f1()),
    ]
}

/// Table of the [`class_rows`]. `samples` is the heading of the support, such as `images`. `training` adds a column with
/// the number of training images of each class.
///
/// Of more than 40 classes, the 20 with the lowest F1 scores are shown, and all in a table that the reader can open.
pub fn classes_table(samples: &str, training: Option<&[usize]>, confusion: &Confusion) -> Markup {
    let mut headings = CLASS_HEADINGS.to_vec();
    headings[1] = samples;
    if training.is_some() {
        headings.insert(1, "training images");
    }
    let mut rows: Vec<(f64, Vec<String>)> = shown_classes(confusion)
        .map(|(index, class)| {
            let mut row = Vec::from(class_row(&class));
            if let Some(training) = training {
                let count = training.get(index).map(usize::to_string);
                row.insert(1, count.unwrap_or_default());
            }
            (class.f1(), row)
        })
        .collect();
    let cells = |rows: &[(f64, Vec<String>)]| -> Vec<Vec<String>> {
        rows.iter().map(|(_, row)| row.clone()).collect()
    };
    let all = text_table("Per-class metrics", &headings, &cells(&rows));
    if rows.len() <= SHOWN {
        return all;
    }
    rows.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let summary = format!("Metrics of all {} classes", rows.len());
    rows.truncate(LISTED);
    html! {
        (paragraph(&format!("The {LISTED} classes with the lowest F1 scores:")))
        (text_table("Classes with the lowest F1 scores", &headings, &cells(&rows)))
        (details(&summary, &all))
    }
}

/// Table of classes and their probabilities, each with a bar.
pub fn predictions_table(ranked: &[(&str, f32)]) -> Markup {
    let row = |(class, probability): &(&str, f32)| {
        let percent = 100.0 * probability;
        let cells = html! {
            td { (format_args!("{percent:.1} %")) }
            td { div.bar style=(format_args!("width:{:.1}rem", percent / 8.0)) {} }
        };
        ((*class).to_owned(), cells)
    };
    let headings = ["class", "probability", "bar"];
    table("Prediction", &headings, ranked.iter().map(row))
}

/// Confusion matrix: a row for each true class, a column for each predicted class. A cell is darker the
/// larger its share of the row.
///
/// More than 20 classes become a list of the most frequent confusions.
pub fn confusion_table(confusion: &Confusion) -> Markup {
    let names = confusion.classes();
    if names.len() > READABLE {
        return most_frequent_confusions(confusion);
    }
    let mut headings = vec!["true \\ predicted"];
    headings.extend(names.iter().map(String::as_str));
    let rows = confusion.counts().iter().enumerate().map(|(truth, row)| {
        let total = row.iter().sum::<usize>().max(1) as f64;
        let cells = html! {
            @for (predicted, &count) in row.iter().enumerate() {
                td class={ "heat " (kind(truth == predicted, count)) }
                    style=(format_args!("--share:{:.0}", 100.0 * count as f64 / total)) { (count) }
            }
        };
        (names[truth].clone(), cells)
    });
    table("Confusion matrix", &headings, rows)
}

fn kind(is_diagonal: bool, count: usize) -> &'static str {
    match count {
        0 => "none",
        _ if is_diagonal => "hit",
        _ => "miss",
    }
}

fn most_frequent_confusions(confusion: &Confusion) -> Markup {
    let names = confusion.classes();
    let mut pairs: Vec<(usize, usize, usize)> = Vec::new();
    for (truth, row) in confusion.counts().iter().enumerate() {
        for (predicted, &count) in row.iter().enumerate() {
            if truth != predicted && count > 0 {
                pairs.push((count, truth, predicted));
            }
        }
    }
    pairs.sort_by_key(|&(count, truth, predicted)| (usize::MAX - count, truth, predicted));
    let rows: Vec<Vec<String>> = pairs
        .iter()
        .take(LISTED)
        .map(|&(count, truth, predicted)| {
            vec![
                names[truth].clone(),
                names[predicted].clone(),
                count.to_string(),
            ]
        })
        .collect();
    let headings = ["true class", "predicted class", "count"];
    text_table("Most frequent confusions", &headings, &rows)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(markup: Markup, expected: &Expect) {
        expected.assert_eq(&markup.into_string().replace("<tr>", "\n<tr>"));
    }

    #[test]
    fn matrix_of_few_classes() {
        let mut confusion = Confusion::new(vec!["Bag".into(), "<b>".into()]);
        for (truth, predicted) in [(0, 0), (0, 0), (0, 1)] {
            confusion.add(truth, predicted);
        }
        check(
            confusion_table(&confusion),
            &expect![[r#"
            <section class="scroll" tabindex="0" aria-label="Confusion matrix"><table><thead>
            <tr><th scope="col">true \ predicted</th><th scope="col">Bag</th><th scope="col">&lt;b&gt;</th></tr></thead><tbody>
            <tr><th scope="row">Bag</th><td class="heat hit" style="--share:67">2</td><td class="heat miss" style="--share:33">1</td></tr>
            <tr><th scope="row">&lt;b&gt;</th><td class="heat none" style="--share:0">0</td><td class="heat none" style="--share:0">0</td></tr></tbody></table></section>"#]],
        );
    }

    #[test]
    fn list_for_many_classes() {
        let mut confusion = Confusion::new((0..30).map(|class| format!("c{class}")).collect());
        for (truth, predicted) in [(4, 2), (4, 2), (1, 29), (3, 3)] {
            confusion.add(truth, predicted);
        }
        check(
            confusion_table(&confusion),
            &expect![[r#"
            <section class="scroll" tabindex="0" aria-label="Most frequent confusions"><table><thead>
            <tr><th scope="col">true class</th><th scope="col">predicted class</th><th scope="col">count</th></tr></thead><tbody>
            <tr><th scope="row">c4</th><td>c2</td><td>2</td></tr>
            <tr><th scope="row">c1</th><td>c29</td><td>1</td></tr></tbody></table></section>"#]],
        );
    }

    #[test]
    fn probability_bars() {
        let table = predictions_table(&[("Bag", 0.8), ("T-shirt & top", 0.2)]);
        check(
            table,
            &expect![[r#"
            <section class="scroll" tabindex="0" aria-label="Prediction"><table><thead>
            <tr><th scope="col">class</th><th scope="col">probability</th><th scope="col">bar</th></tr></thead><tbody>
            <tr><th scope="row">Bag</th><td>80.0 %</td><td><div class="bar" style="width:10.0rem"></div></td></tr>
            <tr><th scope="row">T-shirt &amp; top</th><td>20.0 %</td><td><div class="bar" style="width:2.5rem"></div></td></tr></tbody></table></section>"#]],
        );
    }

    #[test]
    fn per_class_metrics() {
        let mut confusion = Confusion::new(vec!["Bag".into(), "Coat".into(), "Shirt".into()]);
        for (truth, predicted) in [(0, 0), (0, 0), (0, 1), (1, 1)] {
            confusion.add(truth, predicted);
        }
        check(
            classes_table("images", None, &confusion),
            &expect![[r#"
            <section class="scroll" tabindex="0" aria-label="Per-class metrics"><table><thead>
            <tr><th scope="col">class</th><th scope="col">images</th><th scope="col">correct</th><th scope="col">precision</th><th scope="col">recall</th><th scope="col">95 % interval</th><th scope="col">F1</th></tr></thead><tbody>
            <tr><th scope="row">Bag</th><td>3</td><td>2</td><td>100.0 %</td><td>66.7 %</td><td>20.8 to 93.9 %</td><td>80.0 %</td></tr>
            <tr><th scope="row">Coat</th><td>1</td><td>1</td><td>50.0 %</td><td>100.0 %</td><td>20.7 to 100.0 %</td><td>66.7 %</td></tr></tbody></table></section>"#]],
        );
    }
    #[test]
    fn training_images_beside_test_images() {
        let mut confusion = Confusion::new(vec!["Bag".into(), "Coat".into(), "Shirt".into()]);
        confusion.add(0, 0);
        confusion.add(2, 2);
        let table = classes_table("test images", Some(&[50, 60, 70]), &confusion).into_string();
        for expected in [
            "<th scope=\"col\">training images</th><th scope=\"col\">test images</th>",
            "<th scope=\"row\">Bag</th><td>50</td><td>1</td>",
            "<th scope=\"row\">Shirt</th><td>70</td><td>1</td>",
        ] {
            assert!(table.contains(expected), "{table}");
        }
        assert!(!table.contains("Coat"));
    }

    #[test]
    fn worst_of_many_classes_come_first() {
        let mut confusion = Confusion::new((0..50).map(|class| format!("c{class}")).collect());
        for class in 0..50 {
            confusion.add(class, class);
        }
        confusion.add(30, 31);
        let table = classes_table("images", None, &confusion).into_string();
        let rows: Vec<&str> = table.split("<th scope=\"row\">").collect();
        assert!(rows[1].starts_with("c30<") && rows[2].starts_with("c31<"));
        assert_eq!(rows.len(), 1 + LISTED + 50);
        assert!(table.contains("<summary>Metrics of all 50 classes</summary>"));
    }
}
