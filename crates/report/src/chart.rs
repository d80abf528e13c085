//! One chart: frame, grid, two lines, their legend and the best epoch.

use plotters::prelude::{RGBColor, WHITE};

use crate::axis::Axis;
use crate::canvas::{Align, CURVE_HEIGHT, CURVE_WIDTH, Pen, Point, draw_png};
use crate::error::Error;

/// What a chart shows.
pub(crate) struct Chart {
    pub(crate) title: &'static str,
    pub(crate) value_label: &'static str,
    pub(crate) epochs: Axis,
    pub(crate) values: Axis,
    /// Drawn in this order: the last lies on top.
    pub(crate) lines: [Line; 2],
    /// The best point of the second line and what to write beside it.
    pub(crate) best: Option<(Point, String)>,
}

/// One line of a chart.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) colour: RGBColor,
    pub(crate) mark: Mark,
    /// Epochs and values; a gap where there is no value.
    pub(crate) points: Vec<(f64, Option<f64>)>,
}

/// The shape of a line's marks: the lines can be told apart without their colours.
#[derive(Clone, Copy)]
pub(crate) enum Mark {
    Disc,
    Square,
}

const INK: RGBColor = RGBColor(51, 51, 51);
const FRAME: RGBColor = RGBColor(150, 150, 150);
const GRID: RGBColor = RGBColor(228, 228, 228);

const TITLE_SIZE: f64 = 22.0;
const TEXT_SIZE: f64 = 15.0;
const LINE_WIDTH: f64 = 2.3;
const RING_RADIUS: f64 = 9.0;

const TOP: f64 = 62.0;
const RIGHT: f64 = CURVE_WIDTH as f64 - 30.0;
const BOTTOM: f64 = CURVE_HEIGHT as f64 - 70.0;

/// The frame's left side and what leads from values to places in it.
struct Frame<'a> {
    left: f64,
    chart: &'a Chart,
}

impl Frame<'_> {
    fn place(&self, (epoch, value): Point) -> Point {
        (
            self.left + (RIGHT - self.left) * self.chart.epochs.position(epoch),
            BOTTOM - (BOTTOM - TOP) * self.chart.values.position(value),
        )
    }
}

/// Draws a chart as PNG.
pub(crate) fn chart_png(chart: &Chart) -> Result<Vec<u8>, Error> {
    draw_png(|pen| {
        let frame = Frame {
            left: left_side(pen, chart),
            chart,
        };
        draw_axes(pen, &frame)?;
        draw_legend(pen, &frame)?;
        let mut drawn = Vec::new();
        for line in &chart.lines {
            drawn.extend(draw_line(pen, &frame, line)?);
        }
        if drawn.is_empty() {
            let middle = ((frame.left + RIGHT) / 2.0, (TOP + BOTTOM) / 2.0);
            return pen.text(
                "no value can be drawn",
                middle,
                Align::Centre,
                TEXT_SIZE,
                INK,
            );
        }
        match &chart.best {
            Some((point, label)) => draw_best(pen, &frame, *point, label, &drawn),
            None => Ok(()),
        }
    })
}

/// Leaves room for the widest number and the name of the axis.
fn left_side(pen: &Pen<'_, '_>, chart: &Chart) -> f64 {
    let mut widest = 0f64;
    for (_, label) in &chart.values.ticks {
        widest = widest.max(pen.text_width(label, TEXT_SIZE));
    }
    62.0 + widest
}

fn draw_axes(pen: &Pen<'_, '_>, frame: &Frame<'_>) -> Result<(), Error> {
    let chart = frame.chart;
    for (epoch, label) in &chart.epochs.ticks {
        let (x, _) = frame.place((*epoch, chart.values.low));
        pen.line(&[(x, TOP), (x, BOTTOM)], GRID, 1.0)?;
        pen.text(label, (x, BOTTOM + 18.0), Align::Centre, TEXT_SIZE, INK)?;
    }
    for (value, label) in &chart.values.ticks {
        let (_, y) = frame.place((chart.epochs.low, *value));
        pen.line(&[(frame.left, y), (RIGHT, y)], GRID, 1.0)?;
        pen.text(label, (frame.left - 10.0, y), Align::End, TEXT_SIZE, INK)?;
    }
    let corners = [
        (frame.left, TOP),
        (frame.left, BOTTOM),
        (RIGHT, BOTTOM),
        (RIGHT, TOP),
        (frame.left, TOP),
    ];
    pen.line(&corners, FRAME, 1.0)?;
    let middle = ((frame.left + RIGHT) / 2.0, (TOP + BOTTOM) / 2.0);
    pen.text(
        "epoch",
        (middle.0, BOTTOM + 46.0),
        Align::Centre,
        TEXT_SIZE,
        INK,
    )?;
    pen.upward_text(chart.value_label, (26.0, middle.1), TEXT_SIZE, INK)
}

/// Title and legend share the row above the frame, where no line can run into them.
fn draw_legend(pen: &Pen<'_, '_>, frame: &Frame<'_>) -> Result<(), Error> {
    const SAMPLE: f64 = 34.0;
    let y = TOP / 2.0;
    pen.text(
        frame.chart.title,
        (frame.left, y),
        Align::Begin,
        TITLE_SIZE,
        INK,
    )?;
    let mut right = RIGHT;
    for line in frame.chart.lines.iter().rev() {
        pen.text(line.name, (right, y), Align::End, TEXT_SIZE, INK)?;
        right -= pen.text_width(line.name, TEXT_SIZE) + 8.0;
        pen.line(&[(right - SAMPLE, y), (right, y)], line.colour, LINE_WIDTH)?;
        draw_mark(pen, (right - SAMPLE / 2.0, y), line, 4.0)?;
        right -= SAMPLE + 26.0;
    }
    Ok(())
}

/// Draws one line with its marks and gives the places it runs through, close to each other.
fn draw_line(pen: &Pen<'_, '_>, frame: &Frame<'_>, line: &Line) -> Result<Vec<Point>, Error> {
    // Where marks would touch, the line alone says more.
    let spacing = (RIGHT - frame.left) / line.points.len().max(1) as f64;
    let mark_size = if spacing < 12.0 { 0.0 } else { 4.0 };
    let mut drawn = Vec::new();
    let stretches = line.points.split(|(_, value)| value.is_none());
    for stretch in stretches {
        let places: Vec<Point> = stretch
            .iter()
            .filter_map(|&(epoch, value)| Some(frame.place((epoch, value?))))
            .collect();
        pen.line(&places, line.colour, LINE_WIDTH)?;
        // A single point has no line, and is always marked.
        let mark_size = if places.len() == 1 { 4.0 } else { mark_size };
        if mark_size > 0.0 {
            for &place in &places {
                draw_mark(pen, place, line, mark_size)?;
            }
        }
        drawn.extend(places.first());
        drawn.extend(places.windows(2).flat_map(|ends| along(ends[0], ends[1])));
    }
    Ok(drawn)
}

fn draw_mark(pen: &Pen<'_, '_>, place: Point, line: &Line, size: f64) -> Result<(), Error> {
    match line.mark {
        Mark::Disc => pen.disc(place, size, line.colour),
        Mark::Square => {
            let half = size * 0.9;
            let corners = [
                (place.0 - half, place.1 - half),
                (place.0 + half, place.1 + half),
            ];
            pen.rectangle(corners, line.colour)
        }
    }
}

/// Places between two, at most two pixels apart.
fn along(from: Point, to: Point) -> impl Iterator<Item = Point> {
    let steps = ((to.0 - from.0).hypot(to.1 - from.1) / 2.0).ceil().max(1.0) as u32;
    (1..=steps).map(move |step| {
        let share = f64::from(step) / f64::from(steps);
        (
            from.0 + share * (to.0 - from.0),
            from.1 + share * (to.1 - from.1),
        )
    })
}

/// The ring around the best epoch and its label, where it covers the least of the lines.
fn draw_best(
    pen: &Pen<'_, '_>,
    frame: &Frame<'_>,
    best: Point,
    label: &str,
    drawn: &[Point],
) -> Result<(), Error> {
    const HALF_HEIGHT: f64 = 11.0;
    let (x, y) = frame.place(best);
    let half_width = pen.text_width(label, TEXT_SIZE) / 2.0 + 6.0;
    let inside = |centre: Point| {
        centre.0 - half_width > frame.left
            && centre.0 + half_width < RIGHT
            && centre.1 - HALF_HEIGHT > TOP
            && centre.1 + HALF_HEIGHT < BOTTOM
    };
    let covered = |centre: Point| {
        let near = |point: &&Point| {
            (point.0 - centre.0).abs() < half_width && (point.1 - centre.1).abs() < HALF_HEIGHT
        };
        drawn.iter().filter(near).count()
    };
    let mut places = Vec::new();
    for distance in [26.0, 40.0, 60.0, 90.0, 130.0] {
        for side in [0.0, -0.5, 0.5, -0.85, 0.85] {
            for vertical in [-distance, distance] {
                places.push((x + side * 2.0 * half_width, y + vertical));
            }
        }
    }
    // The nearest of the places that cover least.
    let place = places
        .into_iter()
        .filter(|&place| inside(place))
        .min_by_key(|&place| covered(place))
        .unwrap_or((x, y - 26.0));
    let validation = &frame.chart.lines[1];
    // Further away than a glance takes, a thin line leads to the label.
    let beside = (x.clamp(place.0 - half_width, place.0 + half_width), place.1);
    let distance = (beside.0 - x).hypot(beside.1 - y);
    if distance > 30.0 {
        let share = (RING_RADIUS + 3.0) / distance;
        let start = (x + share * (beside.0 - x), y + share * (beside.1 - y));
        pen.line(&[start, beside], FRAME, 1.0)?;
    }
    pen.ring((x, y), RING_RADIUS, validation.colour)?;
    let corners = [
        (place.0 - half_width, place.1 - HALF_HEIGHT),
        (place.0 + half_width, place.1 + HALF_HEIGHT),
    ];
    pen.rectangle(corners, WHITE)?;
    draw_mark(pen, (x, y), validation, 4.0)?;
    pen.text(label, place, Align::Centre, TEXT_SIZE, INK)
}
