//! Charts as SVG, in the page's colours.

use std::fmt::Write;

use crate::axis::Axis;
use crate::page::escape;

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = WIDTH - 14.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = HEIGHT - 42.0;

/// Colours that there are: the style names them `s0` to `s5`.
pub(crate) const COLOURS: usize = 6;

/// A frame with its axes, to be drawn into.
pub(crate) struct Svg<'a> {
    x: &'a Axis,
    y: &'a Axis,
    content: String,
}

impl<'a> Svg<'a> {
    /// Axes with their numbers, a grid, and what they count.
    pub(crate) fn new(x: &'a Axis, y: &'a Axis, labels: [&str; 2]) -> Self {
        let mut svg = Self {
            x,
            y,
            content: String::new(),
        };
        for (value, label) in &y.ticks {
            let (_, at) = svg.place((x.low, *value));
            svg.add(format_args!(
                "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{RIGHT}\"/><text class=\"tick\" x=\"{}\" y=\"{:.1}\" \
                 text-anchor=\"end\">{label}</text>",
                LEFT - 6.0,
                at + 4.0
            ));
        }
        for (value, label) in &x.ticks {
            let (at, _) = svg.place((*value, y.low));
            svg.add(format_args!(
                "<text class=\"tick\" x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
                BOTTOM + 16.0
            ));
        }
        let [x_label, y_label] = labels.map(escape);
        svg.add(format_args!(
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{x_label}</text>\
             <text transform=\"translate(13 {:.1}) rotate(-90)\" text-anchor=\"middle\">{y_label}</text>",
            f64::midpoint(LEFT, RIGHT),
            HEIGHT - 8.0,
            f64::midpoint(TOP, BOTTOM)
        ));
        svg
    }

    /// A line of one of six colours; where a value is missing it has a gap, and what stands alone is a dot:
    /// a ring where the line would be dashed.
    pub(crate) fn line(&mut self, points: &[(f64, Option<f64>)], colour: usize, dashed: bool) {
        let colour = colour % COLOURS;
        let dashes = if dashed { " dashed" } else { "" };
        for run in points.split(|(_, value)| value.is_none()) {
            let places: Vec<(f64, f64)> = run
                .iter()
                .filter_map(|&(x, y)| Some(self.place((x, y?))))
                .collect();
            match *places {
                [] => {}
                [(x, y)] => self.add(format_args!(
                    "<circle class=\"dot s{colour}{dashes}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>"
                )),
                _ => {
                    let mut path = String::new();
                    for (index, (x, y)) in places.iter().enumerate() {
                        let letter = if index == 0 { 'M' } else { 'L' };
                        let _ = write!(path, "{letter}{x:.1} {y:.1}");
                    }
                    self.add(format_args!(
                        "<path class=\"line s{colour}{dashes}\" d=\"{path}\"/>"
                    ));
                }
            }
        }
    }

    /// A bar from the foot to `value`, between two places of the horizontal axis, with a word for who
    /// points at it.
    pub(crate) fn bar(&mut self, [from, to]: [f64; 2], value: f64, word: &str) {
        let (left, top) = self.place((from, value));
        let (right, foot) = self.place((to, self.y.low.max(0.0)));
        self.add(format_args!(
            "<rect class=\"bar\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}</title></rect>",
            left + 0.5,
            right - left - 1.0,
            foot - top,
            escape(word)
        ));
    }

    /// The diagonal, where both axes are the same.
    pub(crate) fn diagonal(&mut self) {
        let low = self.x.low.max(self.y.low);
        let high = self.x.high.min(self.y.high);
        let ((x1, y1), (x2, y2)) = (self.place((low, low)), self.place((high, high)));
        self.add(format_args!(
            "<path class=\"ideal\" d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\"/>"
        ));
    }

    /// The chart with what it says in words, for those who do not see it.
    pub(crate) fn finish(self, words: &str) -> String {
        format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">{}</svg>\n",
            escape(words),
            self.content
        )
    }

    fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (
            LEFT + (RIGHT - LEFT) * self.x.position(x),
            BOTTOM - (BOTTOM - TOP) * self.y.position(y),
        )
    }

    fn add(&mut self, content: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.content.write_fmt(content);
    }
}

/// A short piece of line beside a name.
pub(crate) fn key(name: &str, colour: usize, dashed: bool) -> String {
    let dashes = if dashed { " dashed" } else { "" };
    format!(
        "<span><svg width=\"28\" height=\"10\" aria-hidden=\"true\"><path class=\"line s{}{dashes}\" \
         d=\"M1 5H27\"/></svg> {}</span> ",
        colour % COLOURS,
        escape(name)
    )
}
