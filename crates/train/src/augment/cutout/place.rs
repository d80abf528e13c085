//! Place of an object in a photo: size, rotation, aspect ratio and position.

use modiste_core::Rng;

use super::object::{MARGIN, Object};
use super::settings::CutoutAugmentation;
use crate::augment::clothes::Plane;
use crate::augment::random::{between, factor};

/// Places an object in a photo of the given plane.
pub(super) fn place(
    settings: &CutoutAugmentation,
    object: &Object,
    plane: Plane,
    rng: &mut Rng,
) -> Object {
    let placement = Placement::draw(settings, object.plane, plane, rng);
    let mut placed = Object {
        plane,
        gray: Vec::with_capacity(plane.height * plane.width),
        cover: Vec::with_capacity(plane.height * plane.width),
    };
    for row in 0..plane.height {
        for column in 0..plane.width {
            let point = placement.source_of(row as f64, column as f64);
            let cover = sample(object.plane, &object.cover, point, Outside::Empty, cubic);
            // The smoothed mask is a ramp as wide as some pixels of the cut-out: too soft for an outline.
            let cover = (4.0 * cover - 1.5).clamp(0.0, 1.0);
            placed.cover.push(cover);
            placed.gray.push(match cover > 0.0 {
                true => sample(object.plane, &object.gray, point, Outside::Edge, cubic),
                false => 0.0,
            });
        }
    }
    placed
}

/// Affine map from the pixels of the photo to those of the object.
struct Placement {
    /// Affine map from `[row, column, 1]` to `[row, column]`.
    matrix: [[f64; 3]; 2],
}

impl Placement {
    fn draw(settings: &CutoutAugmentation, object: Plane, photo: Plane, rng: &mut Rng) -> Self {
        let longest = (object.height.max(object.width) - 2 * MARGIN) as f64;
        let side = photo.height.min(photo.width) as f64;
        let scale = between(rng, settings.size) * side / longest;
        let stretch = factor(rng, 1.0 + settings.stretch).sqrt();
        let scales = [scale * stretch, scale / stretch];
        let angle = between(rng, [-1.0, 1.0]) * settings.rotation.to_radians();
        let (sine, cosine) = angle.sin_cos();
        // Half the extent of the turned object with its margin, and the room that is left for its center.
        let half = [
            object.height as f64 * scales[0] / 2.0,
            object.width as f64 * scales[1] / 2.0,
        ];
        let reach = [
            half[0] * cosine.abs() + half[1] * sine.abs(),
            half[0] * sine.abs() + half[1] * cosine.abs(),
        ];
        let sides = [photo.height as f64, photo.width as f64];
        let center = [0, 1].map(|axis| {
            let room = (sides[axis] / 2.0 - reach[axis]).abs();
            sides[axis] / 2.0 - 0.5 + between(rng, [-1.0, 1.0]) * room
        });
        let linear = [
            [cosine / scales[0], sine / scales[0]],
            [-sine / scales[1], cosine / scales[1]],
        ];
        let middle = [object.height, object.width].map(|side| (side as f64 - 1.0) / 2.0);
        let matrix = [0, 1].map(|axis| {
            let [a, b] = linear[axis];
            [a, b, middle[axis] - a * center[0] - b * center[1]]
        });
        Self { matrix }
    }

    fn source_of(&self, row: f64, column: f64) -> [f64; 2] {
        self.matrix.map(|[a, b, c]| a * row + b * column + c)
    }
}

/// Values beyond the edges.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Outside {
    /// 0.
    Empty,
    /// The nearest pixel of the edge.
    Edge,
}

/// Weights of the pixels -1, 0, 1 and 2 for a point between 0 and 1.
type Kernel = fn(f32) -> [f32; 4];

/// Linear interpolation.
pub(super) fn linear(at: f32) -> [f32; 4] {
    [0.0, 1.0 - at, at, 0.0]
}

/// Cubic convolution with the parameter -0.5 (Keys 1981).
pub(super) fn cubic(at: f32) -> [f32; 4] {
    let (square, cube) = (at * at, at * at * at);
    [
        -0.5 * at + square - 0.5 * cube,
        1.0 - 2.5 * square + 1.5 * cube,
        0.5 * at + 2.0 * square - 1.5 * cube,
        -0.5 * square + 0.5 * cube,
    ]
}

/// Interpolates a plane at a point `[row, column]`.
pub(super) fn sample(
    plane: Plane,
    values: &[f32],
    [row, column]: [f64; 2],
    outside: Outside,
    kernel: Kernel,
) -> f32 {
    let (height, width) = (plane.height as i64, plane.width as i64);
    let (top, left) = (row.floor(), column.floor());
    let down = kernel((row - top) as f32);
    let right = kernel((column - left) as f32);
    let (top, left) = (top as i64, left as i64);
    if outside == Outside::Empty
        && !((-2..height + 2).contains(&top) && (-2..width + 2).contains(&left))
    {
        return 0.0;
    }
    let mut sum = 0.0;
    for (offset, down) in (-1..).zip(down).filter(|(_, weight)| *weight != 0.0) {
        for (aside, right) in (-1..).zip(right).filter(|(_, weight)| *weight != 0.0) {
            let (row, column) = (top + offset, left + aside);
            let (inner_row, inner_column) = (row.clamp(0, height - 1), column.clamp(0, width - 1));
            if outside == Outside::Edge || (row, column) == (inner_row, inner_column) {
                sum += down * right * values[(inner_row * width + inner_column) as usize];
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpolation_is_exact_at_pixels_and_for_polynomials() {
        let plane = Plane {
            height: 7,
            width: 9,
        };
        let at = |row: f64, column: f64| (0.3 + 0.1 * row - 0.05 * column) as f32;
        let values: Vec<f32> = (0..63)
            .map(|index| at((index / 9) as f64, (index % 9) as f64))
            .collect();
        for kernel in [linear, cubic] {
            for point in [[2.0, 3.0], [2.25, 4.75], [3.5, 5.5]] {
                let found = sample(plane, &values, point, Outside::Edge, kernel);
                assert!((found - at(point[0], point[1])).abs() < 1e-6, "{point:?}");
            }
            assert_eq!(
                sample(plane, &values, [-9.0, 2.0], Outside::Empty, kernel),
                0.0
            );
            let corner = sample(plane, &values, [-9.0, -9.0], Outside::Edge, kernel);
            assert!((corner - values[0]).abs() < 1e-6);
        }
    }

    #[test]
    fn placed_object_has_its_size_and_stays_inside() {
        let image = [100; 200];
        let plane = Plane {
            height: 10,
            width: 20,
        };
        let object = Object::of(plane, &image).expect("an object");
        let plane = Plane {
            height: 64,
            width: 64,
        };
        let settings = CutoutAugmentation {
            size: [0.5, 0.5],
            rotation: 0.0,
            stretch: 0.0,
            ..CutoutAugmentation::clothes()
        };
        let mut rng = Rng::new(3);
        for _ in 0..20 {
            let placed = place(&settings, &object, plane, &mut rng);
            let area: f32 = placed.cover.iter().sum();
            // 16x32 pixels, with soft edges.
            assert!((area - 512.0).abs() < 40.0, "{area}");
        }
        let turned = CutoutAugmentation {
            rotation: 180.0,
            ..settings
        };
        for _ in 0..20 {
            let placed = place(&turned, &object, plane, &mut rng);
            let area: f32 = placed.cover.iter().sum();
            assert!((area - 512.0).abs() < 60.0, "{area}");
        }
    }
}
