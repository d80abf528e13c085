//! Scenes as SVG inside a page, in the page's colors.

use maud::{Markup, html};

use crate::scene::{Anchor, Paint, Point, Scene, Shape};

/// Number of series colors: `page.css` names them `s0` to `s5`.
pub(crate) const SERIES_COLORS: usize = 6;

/// A scene as an `svg` element. `description` is its text alternative.
pub(crate) fn svg(scene: &Scene, description: &str) -> Markup {
    html! {
        svg viewBox=(format_args!("0 0 {} {}", scene.width, scene.height)) role="img" aria-label=(description) {
            @for shape in &scene.shapes { (element(shape)) }
        }
    }
}

/// A name with a short piece of its line.
pub(crate) fn key(name: &str, line: &Shape) -> Markup {
    html! {
        span { svg width="28" height="10" aria-hidden="true" { (element(line)) } " " (name) }
        " "
    }
}

fn element(shape: &Shape) -> Markup {
    match shape {
        Shape::Line {
            points,
            paint,
            width,
            dashes,
        } => html! {
            path class=(class(*paint)) d=(path(points)) stroke-width=(width)
                stroke-dasharray=[dashes.map(|[dash, gap]| format!("{dash} {gap}"))] {}
        },
        Shape::Circle {
            center: (x, y),
            radius,
            fill,
            stroke,
        } => html! {
            @if let Some(paint) = fill {
                circle class=(class(*paint)) cx=(tenths(*x)) cy=(tenths(*y)) r=(radius) {}
            }
            @if let Some((paint, width)) = stroke {
                circle class={ "ring " (class(*paint)) } cx=(tenths(*x)) cy=(tenths(*y)) r=(radius) stroke-width=(width) {}
            }
        },
        Shape::Rectangle {
            corner: (x, y),
            size: (width, height),
            paint,
            tooltip,
        } => html! {
            rect class=(class(*paint)) x=(tenths(*x)) y=(tenths(*y)) width=(tenths(*width))
                height=(tenths(*height)) { @if let Some(text) = tooltip { title { (text) } } }
        },
        Shape::Text {
            text,
            baseline: (x, y),
            anchor,
            size,
            paint,
            upward: false,
        } => html! {
            text class=(class(*paint)) x=(tenths(*x)) y=(tenths(*y)) font-size=(size)
                text-anchor=(anchor_name(*anchor)) { (text) }
        },
        Shape::Text {
            text,
            baseline: (x, y),
            anchor,
            size,
            paint,
            upward: true,
        } => html! {
            text class=(class(*paint)) transform=(format_args!("translate({x:.1} {y:.1}) rotate(-90)"))
                font-size=(size) text-anchor=(anchor_name(*anchor)) { (text) }
        },
    }
}

fn class(paint: Paint) -> String {
    match paint {
        Paint::Ink => "ink".into(),
        Paint::Soft => "soft".into(),
        Paint::Grid => "grid".into(),
        Paint::Paper => "paper".into(),
        Paint::Series(number) => format!("s{}", number % SERIES_COLORS),
    }
}

fn anchor_name(anchor: Anchor) -> &'static str {
    match anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    }
}

fn path(points: &[Point]) -> String {
    let step = |(index, (x, y)): (usize, &Point)| {
        let command = if index == 0 { 'M' } else { 'L' };
        format!("{command}{x:.1} {y:.1}")
    };
    points.iter().enumerate().map(step).collect()
}

/// A tenth of a pixel is finer than the eye.
fn tenths(value: f64) -> String {
    format!("{value:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_text() {
        let shapes = vec![
            Shape::text("a<b", (1.0, 2.0), Anchor::End, 10.0, Paint::Ink),
            Shape::Rectangle {
                corner: (0.0, 0.0),
                size: (1.0, 2.0),
                paint: Paint::Series(8),
                tooltip: Some("<i>".into()),
            },
        ];
        let scene = Scene {
            width: 3,
            height: 4,
            shapes,
        };
        assert_eq!(
            svg(&scene, "\"x\"").into_string(),
            "<svg viewBox=\"0 0 3 4\" role=\"img\" aria-label=\"&quot;x&quot;\">\
             <text class=\"ink\" x=\"1.0\" y=\"5.6\" font-size=\"10\" text-anchor=\"end\">a&lt;b</text>\
             <rect class=\"s2\" x=\"0.0\" y=\"0.0\" width=\"1.0\" height=\"2.0\"><title>&lt;i&gt;</title></rect></svg>"
        );
    }
}
