//! Random rectangles of whole pixels.

use std::ops::Range;

use modiste_core::{ImageShape, Rng};

/// Rectangle of an image in pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rectangle {
    rows: Range<usize>,
    columns: Range<usize>,
}

impl Rectangle {
    /// Draws the place of a rectangle whose height and width are fractions of an image's, 0 to 1. They are rounded to
    /// whole pixels. The rectangle is inside the image, and all places have the same probability.
    pub(super) fn draw(shape: ImageShape, sides: [f64; 2], rng: &mut Rng) -> Self {
        let mut place = |length: usize, side: f64| {
            let size = (side * length as f64).round() as usize;
            let size = size.min(length);
            let start = rng.below(length - size + 1);
            start..start + size
        };
        Self {
            rows: place(shape.height, sides[0]),
            columns: place(shape.width, sides[1]),
        }
    }

    /// Number of pixels.
    pub(super) fn area(&self) -> usize {
        self.rows.len() * self.columns.len()
    }

    /// Ranges of its values in an image, `[row, column, channel]`, one per row.
    pub(super) fn rows(&self, shape: ImageShape) -> impl Iterator<Item = Range<usize>> {
        let [start, end] =
            [self.columns.start, self.columns.end].map(|column| column * shape.channels);
        self.rows.clone().map(move |row| {
            let row = row * shape.width * shape.channels;
            row + start..row + end
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangle_is_inside_and_places_are_uniform() {
        let shape = ImageShape::new(4, 6, 2);
        let mut rng = Rng::new(1);
        let mut places = [0; 12];
        for _ in 0..1200 {
            let rectangle = Rectangle::draw(shape, [0.5, 0.5], &mut rng);
            assert_eq!(rectangle.area(), 2 * 3);
            let rows: Vec<Range<usize>> = rectangle.rows(shape).collect();
            let start = rows[0].start;
            assert_eq!(rows, [start..start + 6, start + 12..start + 18]);
            assert!(rows[1].end <= shape.size());
            places[start / 12 * 4 + start % 12 / 2] += 1;
        }
        // The standard deviation is 9.6.
        assert!(
            places.iter().all(|count| (55..150).contains(count)),
            "{places:?}"
        );
        assert_eq!(Rectangle::draw(shape, [1.0, 2.0], &mut rng).area(), 24);
        assert_eq!(Rectangle::draw(shape, [0.0, 1.0], &mut rng).area(), 0);
    }
}
