//! Description of a chart: axes, series, bars, and the point to highlight.

use crate::axis::Axis;
use crate::scene::Point;

/// Content of a chart. Its size and fonts are a [`Style`](crate::layout::Style).
pub(crate) struct Chart {
    /// Drawn only if the style has a header.
    pub(crate) title: &'static str,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    /// Labels of the horizontal and of the vertical axis.
    pub(crate) labels: [&'static str; 2],
    pub(crate) bars: Vec<Bar>,
    /// A dotted line through the points whose coordinates are equal.
    pub(crate) diagonal: bool,
    /// Drawn in this order, the last one on top.
    pub(crate) series: Vec<Series>,
    pub(crate) highlight: Option<Highlight>,
}

/// A line through points.
pub(crate) struct Series {
    pub(crate) name: &'static str,
    /// Number of its color.
    pub(crate) color: usize,
    pub(crate) dashed: bool,
    pub(crate) mark: Mark,
    /// A missing y leaves a gap.
    pub(crate) points: Vec<(f64, Option<f64>)>,
}

/// Shape of the marks of a series, which tells series apart without their colors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mark {
    Disc,
    Square,
    Ring,
}

/// A bar from zero to a value, between two places of the horizontal axis.
pub(crate) struct Bar {
    pub(crate) sides: [f64; 2],
    pub(crate) value: f64,
    pub(crate) tooltip: String,
}

/// A point with a ring around it and a label beside it.
pub(crate) struct Highlight {
    pub(crate) point: Point,
    pub(crate) label: String,
    /// Color and mark are those of this series.
    pub(crate) series: usize,
}

impl Chart {
    /// An empty chart.
    pub(crate) fn new(title: &'static str, x: Axis, y: Axis, labels: [&'static str; 2]) -> Self {
        Self {
            title,
            x,
            y,
            labels,
            bars: Vec::new(),
            diagonal: false,
            series: Vec::new(),
            highlight: None,
        }
    }
}
