//! Drawing primitives of a chart that is laid out, independent of the output format.
//!
//! Coordinates are in pixels, from the left and from the top.

/// A point: x, then y.
pub(crate) type Point = (f64, f64);

/// Role of a color. A page maps it to a CSS class, a PNG file to RGB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Paint {
    Ink,
    Soft,
    Grid,
    Paper,
    /// Number of a series.
    Series(usize),
}

/// Part of a text that is at its point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// One primitive.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    Line {
        points: Vec<Point>,
        paint: Paint,
        width: f64,
        /// Lengths of a dash and of the gap after it.
        dashes: Option<[f64; 2]>,
    },
    Circle {
        center: Point,
        radius: f64,
        fill: Option<Paint>,
        stroke: Option<(Paint, f64)>,
    },
    Rectangle {
        corner: Point,
        size: (f64, f64),
        paint: Paint,
        /// Text for the pointer, in formats that support it.
        tooltip: Option<String>,
    },
    Text {
        text: String,
        /// End of the baseline that `anchor` names, or its middle.
        baseline: Point,
        anchor: Anchor,
        size: f64,
        paint: Paint,
        /// Rotated by 90 degrees, to be read from bottom to top.
        upward: bool,
    },
}

/// Shapes on a sheet, the last one on top.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scene {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) shapes: Vec<Shape>,
}

/// Half the height of capitals, in units of the font size. Open Sans has 0.357, and the usual system
/// fonts differ by less than 0.01.
const HALF_CAPITALS: f64 = 0.357;

impl Shape {
    pub(crate) fn solid_line(points: Vec<Point>, paint: Paint, width: f64) -> Self {
        Self::Line {
            points,
            paint,
            width,
            dashes: None,
        }
    }

    /// Text with capitals that are vertically centered at `point`.
    pub(crate) fn text(
        text: impl Into<String>,
        (x, y): Point,
        anchor: Anchor,
        size: f64,
        paint: Paint,
    ) -> Self {
        Self::Text {
            text: text.into(),
            baseline: (x, y + HALF_CAPITALS * size),
            anchor,
            size,
            paint,
            upward: false,
        }
    }

    /// Text that is read from bottom to top, centered at `point`.
    pub(crate) fn upward_text(
        text: impl Into<String>,
        (x, y): Point,
        size: f64,
        paint: Paint,
    ) -> Self {
        Self::Text {
            text: text.into(),
            baseline: (x + HALF_CAPITALS * size, y),
            anchor: Anchor::Middle,
            size,
            paint,
            upward: true,
        }
    }
}
