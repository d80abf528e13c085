//! A white sheet with a fine pen: lines, marks and text without stairs, then a PNG.

use modiste_core::ImageShape;
use modiste_imaging::picture_png;
use plotters::coord::Shift;
use plotters::prelude::{
    BitMapBackend, Circle, Color, DrawingArea, IntoDrawingArea, PathElement, RGBColor, Rectangle,
    WHITE,
};

use crate::error::Error;
use crate::letters::Letters;

/// Width of every curve in pixels.
pub const CURVE_WIDTH: u32 = 960;

/// Height of every curve in pixels.
pub const CURVE_HEIGHT: u32 = 640;

/// A point in pixels of the finished picture, from the left and from the top.
pub(crate) type Point = (f64, f64);

/// Everything is drawn this many times larger and then made smaller: the library draws thick lines
/// with stairs and on whole pixels.
const FINENESS: u32 = 3;

/// What to draw with.
pub(crate) struct Pen<'a, 'b> {
    area: &'a DrawingArea<BitMapBackend<'b>, Shift>,
    letters: Letters,
}

/// Which part of a text lies at its point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Align {
    Begin,
    Centre,
    End,
}

/// Draws on a white sheet of [`CURVE_WIDTH`] x [`CURVE_HEIGHT`] and encodes it as PNG.
pub(crate) fn draw_png(
    draw: impl FnOnce(&Pen<'_, '_>) -> Result<(), Error>,
) -> Result<Vec<u8>, Error> {
    let letters = Letters::load().map_err(Error::drawing)?;
    let (width, height) = (CURVE_WIDTH * FINENESS, CURVE_HEIGHT * FINENESS);
    let mut pixels = vec![u8::MAX; (width * height * 3) as usize];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
        draw(&Pen {
            area: &area,
            letters,
        })?;
        area.present().map_err(Error::drawing)?;
    }
    let shape = ImageShape::new(CURVE_HEIGHT as usize, CURVE_WIDTH as usize, 3);
    Ok(picture_png(&shrink(&pixels), shape))
}

/// Each pixel is the mean of [`FINENESS`] x [`FINENESS`].
fn shrink(fine: &[u8]) -> Vec<u8> {
    let (width, fineness) = (CURVE_WIDTH as usize, FINENESS as usize);
    let fine_row = width * fineness * 3;
    let area = (fineness * fineness) as u32;
    let mut pixels = Vec::with_capacity(width * CURVE_HEIGHT as usize * 3);
    for rows in fine.chunks_exact(fine_row * fineness) {
        for column in 0..width {
            for channel in 0..3 {
                let sum: u32 = rows
                    .chunks_exact(fine_row)
                    .flat_map(|row| {
                        (0..fineness).map(move |x| row[(column * fineness + x) * 3 + channel])
                    })
                    .map(u32::from)
                    .sum();
                pixels.push(((sum + area / 2) / area) as u8);
            }
        }
    }
    pixels
}

fn fine(length: f64) -> i32 {
    (length * f64::from(FINENESS)).round() as i32
}

fn fine_point((x, y): Point) -> (i32, i32) {
    (fine(x), fine(y))
}

fn fine_size(size: f64) -> f32 {
    (size * f64::from(FINENESS)) as f32
}

impl Pen<'_, '_> {
    /// A line through points, with round joints.
    pub(crate) fn line(&self, points: &[Point], colour: RGBColor, width: f64) -> Result<(), Error> {
        let style = colour.stroke_width(fine(width).max(1).unsigned_abs());
        for ends in points.windows(2) {
            let ends = [fine_point(ends[0]), fine_point(ends[1])];
            if ends[0] != ends[1] {
                let segment = PathElement::new(ends.to_vec(), style);
                self.area.draw(&segment).map_err(Error::drawing)?;
            }
        }
        // Segment by segment, as the library's own joints run far out at sharp corners.
        if width > 1.0 {
            for &point in points {
                self.disc(point, width / 2.0, colour)?;
            }
        }
        Ok(())
    }

    /// A filled circle.
    pub(crate) fn disc(&self, centre: Point, radius: f64, colour: RGBColor) -> Result<(), Error> {
        let disc = Circle::new(fine_point(centre), fine(radius), colour.filled());
        self.area.draw(&disc).map_err(Error::drawing)
    }

    /// A circle line around a white one, so that it is seen on any line.
    pub(crate) fn ring(&self, centre: Point, radius: f64, colour: RGBColor) -> Result<(), Error> {
        const STEPS: u32 = 72;
        let circle: Vec<Point> = (0..=STEPS)
            .map(|step| {
                let angle = f64::from(step) / f64::from(STEPS) * std::f64::consts::TAU;
                (
                    centre.0 + radius * angle.cos(),
                    centre.1 + radius * angle.sin(),
                )
            })
            .collect();
        self.line(&circle, WHITE, 5.0)?;
        self.line(&circle, colour, 2.0)
    }

    /// A filled rectangle between two corners.
    pub(crate) fn rectangle(&self, corners: [Point; 2], colour: RGBColor) -> Result<(), Error> {
        let rectangle = Rectangle::new(corners.map(fine_point), colour.filled());
        self.area.draw(&rectangle).map_err(Error::drawing)
    }

    /// How wide a text is.
    pub(crate) fn text_width(&self, text: &str, size: f64) -> f64 {
        f64::from(self.letters.width(text, fine_size(size))) / f64::from(FINENESS)
    }

    /// Text at a point, which lies at half the height of its capitals.
    pub(crate) fn text(
        &self,
        text: &str,
        point: Point,
        align: Align,
        size: f64,
        colour: RGBColor,
    ) -> Result<(), Error> {
        let left = match align {
            Align::Begin => 0.0,
            Align::Centre => self.text_width(text, size) / 2.0,
            Align::End => self.text_width(text, size),
        };
        let (x, y) = fine_point((point.0 - left, point.1));
        for ink in self.letters.ink(text, fine_size(size)) {
            self.pixel((x + ink.x, y + ink.y), colour, ink.cover)?;
        }
        Ok(())
    }

    /// Text that reads upwards, centred on a point.
    pub(crate) fn upward_text(
        &self,
        text: &str,
        point: Point,
        size: f64,
        colour: RGBColor,
    ) -> Result<(), Error> {
        let below = self.text_width(text, size) / 2.0;
        let (x, y) = fine_point((point.0, point.1 + below));
        for ink in self.letters.ink(text, fine_size(size)) {
            self.pixel((x + ink.y, y - ink.x), colour, ink.cover)?;
        }
        Ok(())
    }

    fn pixel(&self, place: (i32, i32), colour: RGBColor, cover: f32) -> Result<(), Error> {
        self.area
            .draw_pixel(place, &colour.mix(f64::from(cover)))
            .map_err(Error::drawing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shrinking_keeps_places_and_takes_means() {
        let fine_width = (CURVE_WIDTH * FINENESS) as usize;
        let mut fine = vec![0; fine_width * (CURVE_HEIGHT * FINENESS) as usize * 3];
        // The lowest fine row of the second row, in the third column, green.
        for x in 6..9 {
            fine[(5 * fine_width + x) * 3 + 1] = 255;
        }
        let pixels = shrink(&fine);
        assert_eq!(pixels.len(), (CURVE_WIDTH * CURVE_HEIGHT * 3) as usize);
        let lit = CURVE_WIDTH as usize * 3 + 2 * 3 + 1;
        for (index, &value) in pixels.iter().enumerate() {
            assert_eq!(value, if index == lit { 85 } else { 0 }, "{index}");
        }
    }
}
