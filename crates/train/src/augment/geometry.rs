//! Where the object is, and where it goes.

use modiste_core::Rng;

use super::{Augmentation, Plane, between, factor};

/// 1 where the object is, 0 elsewhere: what is above zero, and gaps of a pixel in it.
pub(super) fn object(plane: Plane, gray: &[f32]) -> Vec<f32> {
    let Plane { height, width } = plane;
    let above = |row: usize, column: usize| gray[row * width + column] > 0.0;
    let mut cover = Vec::with_capacity(gray.len());
    for row in 0..height {
        for column in 0..width {
            let between_rows = row > 0 && row + 1 < height;
            let between_columns = column > 0 && column + 1 < width;
            let inside = above(row, column)
                || (between_columns && above(row, column - 1) && above(row, column + 1))
                || (between_rows && above(row - 1, column) && above(row + 1, column));
            cover.push(f32::from(u8::from(inside)));
        }
    }
    cover
}

/// A turn, a size and a shift: for each pixel, which point it shows.
pub(super) struct Placement {
    /// `[row, column]` from `[row, column, 1]`.
    matrix: [[f64; 3]; 2],
}

impl Placement {
    pub(super) fn draw(augmentation: &Augmentation, plane: Plane, rng: &mut Rng) -> Self {
        let angle = between(rng, [-1.0, 1.0]) * augmentation.rotation.to_radians();
        let scale = between(rng, augmentation.scale);
        let stretch = factor(rng, 1.0 + augmentation.stretch).sqrt();
        let shift = [(); 2].map(|()| between(rng, [-1.0, 1.0]) * augmentation.shift);
        // Backwards: from where a pixel is to where it was.
        let (sine, cosine) = angle.sin_cos();
        let (rows, columns) = (1.0 / (scale * stretch), stretch / scale);
        let linear = [
            [rows * cosine, rows * sine],
            [-columns * sine, columns * cosine],
        ];
        let centre = [plane.height, plane.width].map(|side| (side as f64 - 1.0) / 2.0);
        let matrix = [0, 1].map(|axis| {
            let [a, b] = linear[axis];
            let moved = a * (centre[0] + shift[0]) + b * (centre[1] + shift[1]);
            [a, b, centre[axis] - moved]
        });
        Self { matrix }
    }

    /// The picture as it is seen through this, bilinear; zero where it ends.
    pub(super) fn apply(&self, plane: Plane, values: &[f32]) -> Vec<f32> {
        let Plane { height, width } = plane;
        let at = |row: i64, column: i64| {
            if (0..height as i64).contains(&row) && (0..width as i64).contains(&column) {
                values[row as usize * width + column as usize]
            } else {
                0.0
            }
        };
        let mut seen = Vec::with_capacity(values.len());
        for row in 0..height {
            for column in 0..width {
                let [y, x] = self
                    .matrix
                    .map(|[a, b, c]| a * row as f64 + b * column as f64 + c);
                let (top, left) = (y.floor(), x.floor());
                let (down, right) = ((y - top) as f32, (x - left) as f32);
                let (top, left) = (top as i64, left as i64);
                let upper = at(top, left) * (1.0 - right) + at(top, left + 1) * right;
                let lower = at(top + 1, left) * (1.0 - right) + at(top + 1, left + 1) * right;
                seen.push(upper * (1.0 - down) + lower * down);
            }
        }
        seen
    }
}
