//! Geometry: the object's mask, and its random affine transform.

use modiste_core::Rng;

use super::{ClothesAugmentation, Plane};
use crate::augment::random::{between, factor};

/// Mask of the object: 1 for pixels above zero and for gaps of one pixel between such, 0 elsewhere.
pub(in crate::augment) fn object_mask(plane: Plane, gray: &[f32]) -> Vec<f32> {
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

/// Random rotation, scale, stretch and shift, as a map from output pixels to input points.
pub(super) struct Placement {
    /// Affine map from `[row, column, 1]` to `[row, column]`.
    matrix: [[f64; 3]; 2],
}

impl Placement {
    pub(super) fn draw(augmentation: &ClothesAugmentation, plane: Plane, rng: &mut Rng) -> Self {
        let angle = between(rng, [-1.0, 1.0]) * augmentation.rotation.to_radians();
        let scale = between(rng, augmentation.scale);
        let stretch = factor(rng, 1.0 + augmentation.stretch).sqrt();
        let shift = [(); 2].map(|()| between(rng, [-1.0, 1.0]) * augmentation.shift);
        // The inverse transform: from an output pixel to its source.
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

    /// Applies the transform with bilinear interpolation. Pixels outside of the image are 0.
    pub(super) fn apply(&self, plane: Plane, values: &[f32]) -> Vec<f32> {
        let Plane { height, width } = plane;
        let at = |row: i64, column: i64| {
            if (0..height as i64).contains(&row) && (0..width as i64).contains(&column) {
                values[row as usize * width + column as usize]
            } else {
                0.0
            }
        };
        let mut output = Vec::with_capacity(values.len());
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
                output.push(upper * (1.0 - down) + lower * down);
            }
        }
        output
    }
}
