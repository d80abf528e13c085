//! Tables of a page.

use maud::{Markup, html};

/// A table of text. The first column names the rows.
///
/// A table that is wider than the screen scrolls sideways. `label` names it for screen readers.
///
/// ```
/// use modiste_report::text_table;
///
/// let table = text_table("Runs", &["run", "loss"], &[vec!["fashion-1".into(), "0.25".into()]]);
/// assert!(table.into_string().contains("<th scope=\"row\">fashion-1</th><td>0.25</td>"));
/// ```
pub fn text_table(label: &str, headings: &[impl AsRef<str>], rows: &[Vec<String>]) -> Markup {
    let row = |row: &Vec<String>| {
        let (heading, cells) = row
            .split_first()
            .map_or(("", &[][..]), |(first, cells)| (first.as_str(), cells));
        let cells = html! { @for cell in cells { td { (cell) } } };
        (heading.to_owned(), cells)
    };
    table(label, headings, rows.iter().map(row))
}

/// A table whose rows are a heading each and cells (`td` elements).
pub(crate) fn table(
    label: &str,
    headings: &[impl AsRef<str>],
    rows: impl IntoIterator<Item = (String, Markup)>,
) -> Markup {
    html! {
        section.scroll tabindex="0" aria-label=(label) {
            table {
                thead { tr { @for heading in headings { th scope="col" { (heading.as_ref()) } } } }
                tbody {
                    @for (heading, cells) in rows { tr { th scope="row" { (heading) } (cells) } }
                }
            }
        }
    }
}
