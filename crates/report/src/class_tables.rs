//! Classes in tables: how each fares, and what was taken for what.

use crate::page::{escape, table, text_table};
use modiste_metrics::Confusion;

/// Classes up to which the whole matrix can be read.
const READABLE: usize = 20;

/// Rows of the list that stands for a matrix which cannot.
const LISTED: usize = 20;

/// What the cells of [`class_rows`] are, of images.
pub const CLASS_HEADINGS: [&str; 7] = [
    "class",
    "images",
    "right",
    "precision",
    "recall",
    "95 % interval",
    "F1",
];

/// Precision, recall with its interval, F1 and support of each class that there are things of, or
/// answers for, as text: see [`CLASS_HEADINGS`].
pub fn class_rows(confusion: &Confusion) -> Vec<[String; 7]> {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    confusion
        .per_class()
        .filter(|class| class.total + class.predicted > 0)
        .map(|class| {
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
        })
        .collect()
}

/// The [`class_rows`] as a table of HTML; `things` is what they are: `images`.
pub fn classes_table(things: &str, confusion: &Confusion) -> String {
    let rows: Vec<Vec<String>> = class_rows(confusion).into_iter().map(Vec::from).collect();
    let mut headings = CLASS_HEADINGS.map(String::from);
    headings[1] = things.to_owned();
    text_table("By class", &headings, &rows)
}

/// A table of HTML: classes and their probabilities, each with a bar.
pub fn answers_table(answers: &[(&str, f32)]) -> String {
    let rows: Vec<Vec<String>> = answers
        .iter()
        .map(|(class, probability)| {
            let percent = 100.0 * probability;
            vec![
                escape(class),
                format!("{percent:.1} %"),
                format!(
                    "<td><div class=\"bar\" style=\"width:{:.1}rem\"></div></td>",
                    percent / 8.0
                ),
            ]
        })
        .collect();
    let headings = ["class", "probability", "as a bar"].map(String::from);
    table("The answer", &headings, &rows)
}

/// A table of HTML: a row for each true class, a column for each answer, darker the larger the share of
/// the row. Of many classes, a list of the pairs that are mistaken most.
pub fn confusion_table(confusion: &Confusion) -> String {
    if confusion.classes().len() > READABLE {
        return most_mistaken(confusion);
    }
    let names = confusion.classes();
    let mut headings = vec![escape("shown \\ answered")];
    headings.extend(names.iter().map(|name| escape(name)));
    let rows: Vec<Vec<String>> = confusion
        .counts()
        .iter()
        .enumerate()
        .map(|(truth, row)| {
            let total: usize = row.iter().sum();
            let cell = |(predicted, &count): (usize, &usize)| {
                let kind = match count {
                    0 => "none",
                    _ if truth == predicted => "hit",
                    _ => "miss",
                };
                let share = 100.0 * count as f64 / total.max(1) as f64;
                format!("<td class=\"heat {kind}\" style=\"--share:{share:.0}\">{count}</td>")
            };
            let cells = row.iter().enumerate().map(cell);
            std::iter::once(escape(&names[truth]))
                .chain(cells)
                .collect()
        })
        .collect();
    table("What was taken for what", &headings, &rows)
}

fn most_mistaken(confusion: &Confusion) -> String {
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
                escape(&names[truth]),
                escape(&names[predicted]),
                count.to_string(),
            ]
        })
        .collect();
    let headings = ["shown", "answered", "times"].map(String::from);
    table("What was most often taken for what", &headings, &rows)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn ten_classes_are_a_matrix_and_many_a_list() {
        let mut few = Confusion::new(vec!["Bag".into(), "<b>".into()]);
        for (truth, predicted) in [(0, 0), (0, 0), (0, 1)] {
            few.add(truth, predicted);
        }
        expect![[r#"
            <section class="scroll" tabindex="0" aria-label="What was taken for what"><table>
            <thead><tr><th scope="col">shown \ answered</th><th scope="col">Bag</th><th scope="col">&lt;b&gt;</th></tr></thead>
            <tbody>
            <tr><th scope="row">Bag</th><td class="heat hit" style="--share:67">2</td><td class="heat miss" style="--share:33">1</td></tr>
            <tr><th scope="row">&lt;b&gt;</th><td class="heat none" style="--share:0">0</td><td class="heat none" style="--share:0">0</td></tr>
            </tbody></table></section>
        "#]]
        .assert_eq(&confusion_table(&few));
        let mut many = Confusion::new((0..30).map(|class| format!("c{class}")).collect());
        for (truth, predicted) in [(4, 2), (4, 2), (1, 29), (3, 3)] {
            many.add(truth, predicted);
        }
        expect![[r#"
            <section class="scroll" tabindex="0" aria-label="What was most often taken for what"><table>
            <thead><tr><th scope="col">shown</th><th scope="col">answered</th><th scope="col">times</th></tr></thead>
            <tbody>
            <tr><th scope="row">c4</th><td>c2</td><td>2</td></tr>
            <tr><th scope="row">c1</th><td>c29</td><td>1</td></tr>
            </tbody></table></section>
        "#]]
        .assert_eq(&confusion_table(&many));
    }

    #[test]
    fn an_answer_has_a_bar() {
        expect![[r#"
            <section class="scroll" tabindex="0" aria-label="The answer"><table>
            <thead><tr><th scope="col">class</th><th scope="col">probability</th><th scope="col">as a bar</th></tr></thead>
            <tbody>
            <tr><th scope="row">Bag</th><td>80.0 %</td><td><div class="bar" style="width:10.0rem"></div></td></tr>
            <tr><th scope="row">T-shirt &amp; top</th><td>20.0 %</td><td><div class="bar" style="width:2.5rem"></div></td></tr>
            </tbody></table></section>
        "#]].assert_eq(&answers_table(&[("Bag", 0.8), ("T-shirt & top", 0.2)]));
    }

    #[test]
    fn a_class_has_its_scores() {
        let mut confusion = Confusion::new(vec!["Bag".into(), "Coat".into(), "Shirt".into()]);
        for (truth, predicted) in [(0, 0), (0, 0), (0, 1), (1, 1)] {
            confusion.add(truth, predicted);
        }
        expect![[r#"
            <section class="scroll" tabindex="0" aria-label="By class"><table>
            <thead><tr><th scope="col">class</th><th scope="col">images</th><th scope="col">right</th><th scope="col">precision</th><th scope="col">recall</th><th scope="col">95 % interval</th><th scope="col">F1</th></tr></thead>
            <tbody>
            <tr><th scope="row">Bag</th><td>3</td><td>2</td><td>100.0 %</td><td>66.7 %</td><td>20.8 to 93.9 %</td><td>80.0 %</td></tr>
            <tr><th scope="row">Coat</th><td>1</td><td>1</td><td>50.0 %</td><td>100.0 %</td><td>20.7 to 100.0 %</td><td>66.7 %</td></tr>
            </tbody></table></section>
        "#]]
        .assert_eq(&classes_table("images", &confusion));
    }
}
