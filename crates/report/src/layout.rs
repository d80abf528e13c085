//! Layout of a chart: from values and labels to shapes with coordinates.

use crate::chart::{Chart, Mark, Series};
use crate::font::Font;
use crate::highlight;
use crate::plot_area::PlotArea;
use crate::scene::{Anchor, Paint, Point, Scene, Shape};

/// Size, fonts and margins of a chart, in pixels.
pub(crate) struct Style {
    pub(crate) width: u32,
    pub(crate) height: u32,
    text: f64,
    line: f64,
    mark: f64,
    /// Points that are closer than this have no marks.
    mark_spacing: f64,
    /// From the sides of the chart to the plot area; on the left, the tick labels come on top.
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
    /// Font size of the title, if there is a row of title and legend above the plot area.
    header: Option<f64>,
}

/// A chart in a page, which has its own heading and legend.
pub(crate) const PAGE: Style = Style {
    width: 420,
    height: 280,
    text: 12.0,
    line: 2.0,
    mark: 3.0,
    mark_spacing: f64::INFINITY,
    left: 38.0,
    top: 14.0,
    right: 14.0,
    bottom: 44.0,
    header: None,
};

/// A chart in a file of its own.
pub(crate) const FILE: Style = Style {
    width: 960,
    height: 640,
    text: 15.0,
    line: 2.3,
    mark: 4.0,
    mark_spacing: 12.0,
    left: 62.0,
    top: 62.0,
    right: 30.0,
    bottom: 70.0,
    header: Some(22.0),
};

impl Style {
    /// A sample of a series' line.
    pub(crate) fn line(&self, points: Vec<Point>, color: usize, dashed: bool) -> Shape {
        Shape::Line {
            points,
            paint: Paint::Series(color),
            width: self.line,
            dashes: dashed.then_some([2.5 * self.line, 2.0 * self.line]),
        }
    }
}

/// Lays out a chart.
pub(crate) fn lay_out(chart: &Chart, style: &Style) -> Scene {
    let mut layout = Layout::new(chart, style);
    layout.axes();
    layout.header();
    layout.bars();
    let mut drawn = Vec::new();
    for series in &chart.series {
        drawn.extend(layout.series(series));
    }
    if !chart.series.is_empty() && drawn.is_empty() {
        let center = layout.area.center();
        layout.text("no finite values", center, Anchor::Middle, Paint::Ink);
    } else {
        layout.highlight(&drawn);
    }
    Scene {
        width: style.width,
        height: style.height,
        shapes: layout.shapes,
    }
}

struct Layout<'a> {
    chart: &'a Chart,
    style: &'a Style,
    font: Font,
    area: PlotArea,
    shapes: Vec<Shape>,
}

impl<'a> Layout<'a> {
    fn new(chart: &'a Chart, style: &'a Style) -> Self {
        let font = Font::bundled();
        let labels = chart.y.ticks.iter();
        let widths = labels.map(|(_, label)| font.width(label, style.text));
        let widest = widths.fold(0.0, f64::max);
        Self {
            area: PlotArea {
                left: (style.left + widest).round(),
                top: style.top,
                right: f64::from(style.width) - style.right,
                bottom: f64::from(style.height) - style.bottom,
            },
            chart,
            style,
            font,
            shapes: Vec::new(),
        }
    }

    fn place(&self, (x, y): Point) -> Point {
        self.area
            .at(self.chart.x.position(x), self.chart.y.position(y))
    }

    fn text(&mut self, text: &str, point: Point, anchor: Anchor, paint: Paint) {
        let size = self.style.text;
        self.shapes
            .push(Shape::text(text, point, anchor, size, paint));
    }

    fn line(&mut self, points: Vec<Point>, paint: Paint) {
        self.shapes.push(Shape::solid_line(points, paint, 1.0));
    }

    fn axes(&mut self) {
        let (chart, area, text) = (self.chart, self.area, self.style.text);
        for (value, label) in &chart.x.ticks {
            let (x, _) = self.place((*value, chart.y.low));
            let sharp = on_pixel(x);
            self.line(vec![(sharp, area.top), (sharp, area.bottom)], Paint::Grid);
            let below = (x, area.bottom + 1.2 * text);
            self.text(label, below, Anchor::Middle, Paint::Soft);
        }
        for (value, label) in &chart.y.ticks {
            let (_, y) = self.place((chart.x.low, *value));
            let sharp = on_pixel(y);
            self.line(vec![(area.left, sharp), (area.right, sharp)], Paint::Grid);
            let beside = (area.left - 0.6 * text, y);
            self.text(label, beside, Anchor::End, Paint::Soft);
        }
        let [left, top, right, bottom] =
            [area.left, area.top, area.right, area.bottom].map(on_pixel);
        let frame = [(left, top), (left, bottom), (right, bottom), (right, top)];
        let frame = frame.into_iter().chain([(left, top)]).collect();
        self.line(frame, Paint::Soft);
        let [x_label, y_label] = chart.labels;
        let center = area.center();
        let below = (center.0, area.bottom + 2.9 * text);
        self.text(x_label, below, Anchor::Middle, Paint::Ink);
        let beside = (0.36 * self.style.left, center.1);
        let label = Shape::upward_text(y_label, beside, text, Paint::Ink);
        self.shapes.push(label);
    }

    /// Title and legend share the row above the plot area, where no line runs into them.
    fn header(&mut self) {
        let Some(title_size) = self.style.header else {
            return;
        };
        let sample = 2.3 * self.style.text;
        let (chart, y) = (self.chart, self.area.top / 2.0);
        let start = (self.area.left, y);
        let title = Shape::text(chart.title, start, Anchor::Start, title_size, Paint::Ink);
        self.shapes.push(title);
        let mut right = self.area.right;
        for series in chart.series.iter().rev() {
            self.text(series.name, (right, y), Anchor::End, Paint::Ink);
            right -= self.font.width(series.name, self.style.text) + 8.0;
            let ends = vec![(right - sample, y), (right, y)];
            let line = self.style.line(ends, series.color, series.dashed);
            self.shapes.push(line);
            self.mark((right - sample / 2.0, y), series.mark, series.color);
            right -= sample + 26.0;
        }
    }

    fn bars(&mut self) {
        for bar in &self.chart.bars {
            let [from, to] = bar.sides;
            let (left, top) = self.place((from, bar.value));
            let (right, foot) = self.place((to, self.chart.y.low.max(0.0)));
            self.shapes.push(Shape::Rectangle {
                corner: (left + 0.5, top),
                size: (right - left - 1.0, foot - top),
                paint: Paint::Series(1),
                tooltip: Some(bar.tooltip.clone()),
            });
        }
        if self.chart.diagonal {
            let (x, y) = (&self.chart.x, &self.chart.y);
            let ends = [x.low.max(y.low), x.high.min(y.high)];
            self.shapes.push(Shape::Line {
                points: ends.map(|end| self.place((end, end))).to_vec(),
                paint: Paint::Ink,
                width: 1.0,
                dashes: Some([2.0, 3.0]),
            });
        }
    }

    /// Draws the line and the marks of a series. Returns the points that they run through.
    fn series(&mut self, series: &Series) -> Vec<Point> {
        let spacing = (self.area.right - self.area.left) / series.points.len().max(1) as f64;
        let mut drawn = Vec::new();
        for stretch in series.points.split(|(_, y)| y.is_none()) {
            let points: Vec<Point> = stretch
                .iter()
                .filter_map(|&(x, y)| Some(self.place((x, y?))))
                .collect();
            drawn.extend(highlight::along(&points));
            if points.len() > 1 {
                let line = self.style.line(points.clone(), series.color, series.dashed);
                self.shapes.push(line);
            }
            // A single point has no line and is always marked.
            if points.len() == 1 || spacing >= self.style.mark_spacing {
                for &point in &points {
                    self.mark(point, series.mark, series.color);
                }
            }
        }
        drawn
    }

    fn mark(&mut self, center: Point, mark: Mark, color: usize) {
        let (paint, size) = (Paint::Series(color), self.style.mark);
        self.shapes.push(match mark {
            Mark::Disc => Shape::Circle {
                center,
                radius: size,
                fill: Some(paint),
                stroke: None,
            },
            Mark::Ring => Shape::Circle {
                center,
                radius: size,
                fill: Some(Paint::Paper),
                stroke: Some((paint, self.style.line)),
            },
            Mark::Square => Shape::Rectangle {
                corner: (center.0 - 0.9 * size, center.1 - 0.9 * size),
                size: (1.8 * size, 1.8 * size),
                paint,
                tooltip: None,
            },
        });
    }

    /// Draws a ring around the highlighted point, and its label where it covers the least of `drawn`.
    fn highlight(&mut self, drawn: &[Point]) {
        let Some(highlight) = &self.chart.highlight else {
            return;
        };
        let text = self.style.text;
        let series = &self.chart.series[highlight.series];
        let (mark, color) = (series.mark, series.color);
        let center = self.place(highlight.point);
        let radius = 2.25 * self.style.mark;
        let half = (
            self.font.width(&highlight.label, text) / 2.0 + 0.4 * text,
            0.73 * text,
        );
        let label = highlight::label_place(self.area, center, half, text, drawn);
        if let Some(ends) = highlight::leader(center, label, half.0, radius + 3.0, 2.0 * text) {
            self.line(ends.to_vec(), Paint::Soft);
        }
        // The wider ring of paper sets the ring off from lines.
        for (paint, width) in [(Paint::Paper, 6.0), (Paint::Series(color), 2.0)] {
            self.shapes.push(Shape::Circle {
                center,
                radius,
                fill: None,
                stroke: Some((paint, width)),
            });
        }
        self.shapes.push(Shape::Rectangle {
            corner: (label.0 - half.0, label.1 - half.1),
            size: (2.0 * half.0, 2.0 * half.1),
            paint: Paint::Paper,
            tooltip: None,
        });
        self.mark(center, mark, color);
        self.text(&highlight.label, label, Anchor::Middle, Paint::Ink);
    }
}

/// Center of the pixel around a coordinate: a line of one pixel is sharp there.
fn on_pixel(coordinate: f64) -> f64 {
    coordinate.floor() + 0.5
}
