//! A page of HTML: one file that needs no network and no script.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A part of a page, with a heading that its contents link to.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// What links call it: lower-case letters and hyphens.
    pub id: &'static str,
    /// The heading, as text.
    pub title: String,
    /// What is below it, as HTML.
    pub body: String,
}

/// A picture with words.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The bytes of a PNG or JPEG file.
    pub picture: Vec<u8>,
    /// What it shows, for those who do not see it.
    pub alt: String,
    /// What stands below it: text, a line each.
    pub caption: Vec<String>,
    /// How wide it is shown at most, in pixels. Its own pixels stay sharp.
    pub width: usize,
}

/// A page of sections, with a list of them above; light or dark as the reader's device is, made for
/// narrow and wide screens and for paper.
///
/// ```
/// use modiste_report::{Section, page};
///
/// let section = Section { id: "data", title: "Data & labels".into(), body: "<p>None.</p>".into() };
/// let html = page("A <run>", "It ended well.", &[section]);
/// assert!(html.starts_with("<!DOCTYPE html>"));
/// assert!(html.contains("A &lt;run&gt;") && html.contains("<h2>Data &amp; labels</h2>"));
/// ```
pub fn page(title: &str, lead: &str, sections: &[Section]) -> String {
    let title = escape(title);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n\
         <p class=\"lead\">{}</p>\n",
        escape(lead)
    );
    if sections.len() > 2 {
        page += "<nav aria-label=\"Contents\"><ul>\n";
        for section in sections {
            page += &format!(
                "<li><a href=\"#{}\">{}</a></li>\n",
                section.id,
                escape(&section.title)
            );
        }
        page += "</ul></nav>\n";
    }
    for section in sections {
        page += &format!(
            "<section id=\"{}\">\n<h2>{}</h2>\n{}</section>\n",
            section.id,
            escape(&section.title),
            section.body
        );
    }
    page + "</main>\n</body>\n</html>\n"
}

const STYLE: &str = include_str!("page.css");

/// A paragraph of text.
pub fn paragraph(text: &str) -> String {
    format!("<p>{}</p>\n", escape(text))
}

/// Lines to be typed, as they are.
pub fn commands(lines: &[String]) -> String {
    format!("<pre tabindex=\"0\">{}</pre>\n", escape(&lines.join("\n")))
}

/// Names and what belongs to them.
pub fn definitions(rows: &[(String, String)]) -> String {
    let row = |(name, value): &(String, String)| {
        format!(
            "<div><dt>{}</dt><dd>{}</dd></div>\n",
            escape(name),
            escape(value)
        )
    };
    let rows: String = rows.iter().map(row).collect();
    format!("<dl>\n{rows}</dl>\n")
}

/// Pictures beside each other, as many as fit.
pub fn figures(figures: &[Figure]) -> String {
    let mut html = String::from("<div class=\"figures\">\n");
    for figure in figures {
        let kind = match figure.picture.starts_with(b"\x89PNG") {
            true => "png",
            false => "jpeg",
        };
        let lines: Vec<String> = figure.caption.iter().map(|line| escape(line)).collect();
        html += &format!(
            "<figure style=\"width:{}px\"><img alt=\"{}\" src=\"data:image/{kind};base64,{}\">\
             <figcaption>{}</figcaption></figure>\n",
            figure.width,
            escape(&figure.alt),
            STANDARD.encode(&figure.picture),
            lines.join("<br>")
        );
    }
    html + "</div>\n"
}

/// A table of text that can be moved sideways where it is wider than the screen; the first column names
/// the rows. `label` is for those who do not see it.
pub fn text_table(label: &str, headings: &[String], rows: &[Vec<String>]) -> String {
    let escaped =
        |cells: &[String]| -> Vec<String> { cells.iter().map(|cell| escape(cell)).collect() };
    let rows: Vec<Vec<String>> = rows.iter().map(|row| escaped(row)).collect();
    table(label, &escaped(headings), &rows)
}

/// A table that can be moved sideways where it is wider than the screen. The first column names the
/// rows; `cells` are HTML.
pub(crate) fn table(label: &str, headings: &[String], rows: &[Vec<String>]) -> String {
    let mut html = format!(
        "<section class=\"scroll\" tabindex=\"0\" aria-label=\"{}\"><table>\n<thead><tr>",
        escape(label)
    );
    for heading in headings {
        html += &format!("<th scope=\"col\">{heading}</th>");
    }
    html += "</tr></thead>\n<tbody>\n";
    for row in rows {
        html += "<tr>";
        for (column, cell) in row.iter().enumerate() {
            html += &match column {
                0 => format!("<th scope=\"row\">{cell}</th>"),
                // A cell that brings its own tag has a style of its own.
                _ if cell.starts_with("<td") => cell.clone(),
                _ => format!("<td>{cell}</td>"),
            };
        }
        html += "</tr>\n";
    }
    html + "</tbody></table></section>\n"
}

/// Text that is no markup.
pub(crate) fn escape(text: &str) -> String {
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

/// A share as a percentage with its interval: `93.7 % (95 % interval 93.2 to 94.2 %)`.
pub(crate) fn share(right: usize, total: usize) -> String {
    let [low, high] = modiste_metrics::wilson_interval(right, total).map(|end| 100.0 * end);
    match total {
        0 => "none".into(),
        _ => format!(
            "{:.1} % (95 % interval {low:.1} to {high:.1} %)",
            100.0 * right as f64 / total as f64
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_text_is_no_markup() {
        let section = Section {
            id: "a",
            title: "<i>".into(),
            body: [
                paragraph("1 < 2"),
                commands(&["a && b".into()]),
                definitions(&[("<n>".into(), "'v'".into())]),
                figures(&[Figure {
                    picture: b"\x89PNG".to_vec(),
                    alt: "a \"bag\"".into(),
                    caption: vec!["T&S".into(), "<b>".into()],
                    width: 84,
                }]),
                text_table("<t>", &["<x>".into()], &[vec!["1".into(), "2".into()]]),
            ]
            .concat(),
        };
        let html = page("<h>", "\"", &[section]);
        for expected in [
            "<h1>&lt;h&gt;</h1>",
            "<h2>&lt;i&gt;</h2>",
            "<p>1 &lt; 2</p>",
            "a &amp;&amp; b",
            "<dt>&lt;n&gt;</dt><dd>&#39;v&#39;</dd>",
            "alt=\"a &quot;bag&quot;\" src=\"data:image/png;base64,iVBORw==\"",
            "T&amp;S<br>&lt;b&gt;",
            "aria-label=\"&lt;t&gt;\"",
            "<th scope=\"col\">&lt;x&gt;</th>",
            "<tr><th scope=\"row\">1</th><td>2</td></tr>",
        ] {
            assert!(html.contains(expected), "{expected} in {html}");
        }
        assert!(!html.contains("<script") && !html.contains("http"));
    }
}
