//! Rectangle inside the axes of a chart.

use crate::scene::Point;

/// Sides of the plot area in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PlotArea {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
}

impl PlotArea {
    /// Point at fractions of the width, from the left, and of the height, from the bottom.
    pub(crate) fn at(&self, x: f64, y: f64) -> Point {
        (
            self.left + (self.right - self.left) * x,
            self.bottom - (self.bottom - self.top) * y,
        )
    }

    pub(crate) fn center(&self) -> Point {
        self.at(0.5, 0.5)
    }

    /// Reports whether a rectangle around `center` is inside.
    pub(crate) fn contains(&self, center: Point, (half_width, half_height): (f64, f64)) -> bool {
        center.0 - half_width > self.left
            && center.0 + half_width < self.right
            && center.1 - half_height > self.top
            && center.1 + half_height < self.bottom
    }
}
