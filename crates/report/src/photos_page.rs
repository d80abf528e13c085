//! A page of photos: what each shows, what the network saw, what it answered.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::confusion::Confusion;

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
/// first.
///
/// ```
/// use modiste_report::{Confusion, photos_page};
///
/// let page = photos_page("Photos of <bags>", &[], &Confusion::new(vec!["Bag".into()]));
/// assert!(page.starts_with("<!DOCTYPE html>") && page.contains("Photos of &lt;bags&gt;"));
/// ```
pub fn photos_page(title: &str, rows: &[PhotoRow], confusion: &Confusion) -> String {
    let title = escape(title);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
    );
    let (right, total) = (confusion.right(), confusion.total());
    page += &format!(
        "<p class=\"sum\">{} right of {total}: {}</p>\n",
        right,
        share(right, total)
    );
    classes(&mut page, confusion);
    matrix(&mut page, confusion);
    let (right, wrong): (Vec<&PhotoRow>, Vec<&PhotoRow>) =
        rows.iter().partition(|row| row.is_right());
    for (heading, rows) in [("Wrong", wrong), ("Right", right)] {
        if rows.is_empty() {
            continue;
        }
        page += &format!(
            "<h2>{heading}: {}</h2>\n<div class=\"photos\">\n",
            rows.len()
        );
        for row in rows {
            photo(&mut page, row);
        }
        page += "</div>\n";
    }
    page + "</main>\n</body>\n</html>\n"
}

const STYLE: &str = "\
:root { color-scheme: light dark; --line: #8886; --wrong: #b3261e; --right: #1b6e3c; --none: #6b6b6b; }
@media (prefers-color-scheme: dark) { :root { --wrong: #ff8a80; --right: #7bd49a; --none: #a0a0a0; } }
body { font: 16px/1.45 system-ui, sans-serif; margin: 0; }
main { max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
.sum { font-size: 1.2rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .55rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child { text-align: left; font-weight: 600; }
td.hit { font-weight: 700; } td.none { color: var(--none); } td.miss { color: var(--wrong); }
.photos { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .8rem; }
figure { margin: 0; padding: .6rem; border: 1px solid var(--line); border-radius: .4rem; break-inside: avoid; }
.pair { display: flex; gap: .5rem; align-items: flex-start; }
.photo { max-width: 8rem; max-height: 8rem; }
.seen { display: flex; flex-wrap: wrap; gap: .2rem; align-content: flex-start; }
.seen img { width: 42px; height: 42px; image-rendering: pixelated; }
figcaption { margin-top: .4rem; overflow-wrap: anywhere; font-size: .9rem; }
ol { margin: .2rem 0 0; padding-left: 1.3rem; }
.wrong { color: var(--wrong); } .right { color: var(--right); }
";

fn share(right: usize, total: usize) -> String {
    let [low, high] = crate::wilson_interval(right, total).map(|end| 100.0 * end);
    match total {
        0 => "none".into(),
        _ => format!(
            "{:.1} % (95 % interval {low:.1} to {high:.1} %)",
            100.0 * right as f64 / total as f64
        ),
    }
}

fn classes(page: &mut String, confusion: &Confusion) {
    *page += "<h2>By class</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"By class\"><table>\n\
              <tr><th scope=\"col\">class</th><th scope=\"col\">photos</th>\
              <th scope=\"col\">right</th><th scope=\"col\">accuracy</th>\
              <th scope=\"col\">95 % interval</th></tr>\n";
    for class in confusion.per_class().filter(|class| class.total > 0) {
        let [low, high] = class.interval.map(|end| 100.0 * end);
        *page += &format!(
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{:.1} %</td>\
             <td>{low:.1} to {high:.1} %</td></tr>\n",
            escape(class.class),
            class.total,
            class.right,
            100.0 * class.right as f64 / class.total as f64
        );
    }
    *page += "</table></div>\n";
}

fn matrix(page: &mut String, confusion: &Confusion) {
    *page += "<h2>What was taken for what</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"What was taken for what\"><table>\n\
              <tr><th scope=\"col\">shown \\ answered</th>";
    for class in confusion.classes() {
        *page += &format!("<th scope=\"col\">{}</th>", escape(class));
    }
    *page += "</tr>\n";
    for (truth, class) in confusion.classes().iter().enumerate() {
        *page += &format!("<tr><th scope=\"row\">{}</th>", escape(class));
        for predicted in 0..confusion.classes().len() {
            let count = confusion.count(truth, predicted);
            let kind = match count {
                0 => "none",
                _ if truth == predicted => "hit",
                _ => "miss",
            };
            *page += &format!("<td class=\"{kind}\">{count}</td>");
        }
        *page += "</tr>\n";
    }
    *page += "</table></div>\n";
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

/// Text that is no markup.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
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
        let page = photos_page("Two", &rows, &confusion);
        let at = |text: &str| {
            page.find(text)
                .unwrap_or_else(|| panic!("no {text} in {page}"))
        };
        assert!(at("&lt;b&gt;.jpg: Coat") < at("good.jpg: Bag"));
        assert!(page.contains("1 right of 2: 50.0 % (95 % interval 9.5 to 90.5 %)"));
        assert!(page.contains("<li>Bag 75.0 %</li><li>Coat 25.0 %</li>"));
        assert!(page.contains("data:image/jpeg;base64,AQID"));
        assert!(!page.contains("<script") && !page.contains("http"));
    }
}
