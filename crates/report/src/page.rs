//! HTML pages: one file each, without scripts and without other files.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// A part of a page, with a heading that the table of contents links to.
#[derive(Clone, Debug)]
pub struct Section {
    /// Target of links: lower-case letters and hyphens.
    pub id: &'static str,
    /// The heading, as text.
    pub title: String,
    /// The content below the heading.
    pub body: Markup,
}

/// An image with a caption.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Bytes of a PNG or JPEG file.
    pub picture: Vec<u8>,
    /// Text alternative.
    pub alt: String,
    /// Lines of the caption, as text.
    pub caption: Vec<String>,
    /// Display width in pixels, unless the screen is narrower. Pixels of a PNG file stay sharp.
    pub width: usize,
}

/// A page of sections, with a table of contents if there are more than two.
///
/// The page follows the light or dark theme of the device and fits narrow screens, wide screens and
/// paper. It contains no script and loads nothing.
///
/// ```
/// use maud::html;
/// use modiste_report::{Section, page};
///
/// let body = html! { p { "None." } };
/// let section = Section { id: "data", title: "Data & labels".into(), body };
/// let html = page("A <run>", "It ended well.", &[section]);
/// assert!(html.starts_with("<!DOCTYPE html>"));
/// assert!(html.contains("A &lt;run&gt;") && html.contains("<h2>Data &amp; labels</h2><p>None.</p>"));
/// ```
pub fn page(title: &str, lead: &str, sections: &[Section]) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (title) }
                    p.lead { (lead) }
                    @if sections.len() > 2 {
                        nav aria-label="Contents" {
                            ul {
                                @for section in sections {
                                    li { a href={ "#" (section.id) } { (section.title) } }
                                }
                            }
                        }
                    }
                    @for section in sections {
                        section id=(section.id) { h2 { (section.title) } (section.body) }
                    }
                }
            }
        }
    };
    page.into_string() + "\n"
}

const STYLE: &str = include_str!("page.css");

/// A paragraph of text.
pub fn paragraph(text: &str) -> Markup {
    html! { p { (text) } }
}

/// Lines of a shell command, in monospace.
pub fn commands(lines: &[String]) -> Markup {
    html! { pre tabindex="0" { (lines.join("\n")) } }
}

/// A list of names and their values.
pub fn definitions(rows: &[(String, String)]) -> Markup {
    html! {
        dl { @for (name, value) in rows { div { dt { (name) } dd { (value) } } } }
    }
}

/// Content that is hidden until the reader opens its summary.
pub fn details(summary: &str, content: &Markup) -> Markup {
    html! { details { summary { (summary) } (content) } }
}

/// Figures beside each other, as many as fit.
pub fn figures(figures: &[Figure]) -> Markup {
    html! {
        div.figures {
            @for figure in figures {
                figure style=(format_args!("width:{}px", figure.width)) {
                    img alt=(figure.alt) class=[photo_class(&figure.picture)] src=(data_uri(&figure.picture));
                    figcaption {
                        @for (index, line) in figure.caption.iter().enumerate() {
                            @if index > 0 { br; }
                            (line)
                        }
                    }
                }
            }
        }
    }
}

/// Class of a photo, whose pixels need not stay sharp.
fn photo_class(picture: &[u8]) -> Option<&'static str> {
    (!is_png(picture)).then_some("photo")
}

fn is_png(picture: &[u8]) -> bool {
    picture.starts_with(b"\x89PNG")
}

/// A PNG or JPEG file as an address that contains it.
pub(crate) fn data_uri(picture: &[u8]) -> String {
    let kind = match is_png(picture) {
        true => "png",
        false => "jpeg",
    };
    format!("data:image/{kind};base64,{}", STANDARD.encode(picture))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::text_table;

    #[test]
    fn escapes_text() {
        let figure = Figure {
            picture: b"\x89PNG".to_vec(),
            alt: "a \"bag\"".into(),
            caption: vec!["T&S".into(), "<b>".into()],
            width: 84,
        };
        let section = Section {
            id: "a",
            title: "<i>".into(),
            body: html! {
                (paragraph("1 < 2"))
                (commands(&["a && b".into()]))
                (definitions(&[("<n>".into(), "v > 1".into())]))
                (details("<s>", &paragraph("hidden")))
                (figures(&[figure]))
                (text_table("<t>", &["<x>"], &[vec!["1".into(), "2".into()]]))
            },
        };
        let html = page("<h>", "\"", &[section]);
        for expected in [
            "<h1>&lt;h&gt;</h1>",
            "<h2>&lt;i&gt;</h2>",
            "<p>1 &lt; 2</p>",
            "a &amp;&amp; b",
            "<dt>&lt;n&gt;</dt><dd>v &gt; 1</dd>",
            "<summary>&lt;s&gt;</summary><p>hidden</p>",
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
