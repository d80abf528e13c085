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
            let [gray, cover] = match Taps::at(object.plane, point, cubic) {
                Some(taps) => [taps.sum(&object.gray), taps.sum(&object.cover)],
                None => [0.0; 2],
            };
            // Cubic interpolation overshoots.
            placed.gray.push(gray.clamp(0.0, 1.0));
            // The smoothed mask is a ramp as wide as some pixels of the cut-out: too soft for an outline.
            placed.cover.push((4.0 * cover - 1.5).clamp(0.0, 1.0));
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

/// Interpolation of planes at a point: 4x4 pixels and their weights. Beyond the edges, pixels repeat.
pub(super) struct Taps {
    /// Starts of the rows, and columns.
    places: [[usize; 4]; 2],
    weights: [[f32; 4]; 2],
}

impl Taps {
    /// Taps at a point `[row, column]`; `None` if it is more than a pixel beyond the edges.
    pub(super) fn at(plane: Plane, point: [f64; 2], kernel: Kernel) -> Option<Self> {
        let sides = [plane.height, plane.width];
        let is_near = |axis: usize| (-1.0..=sides[axis] as f64).contains(&point[axis]);
        if !(is_near(0) && is_near(1)) {
            return None;
        }
        let mut weights = [[0.0; 4]; 2];
        let mut places = [[0; 4]; 2];
        for axis in 0..2 {
            let first = point[axis].floor();
            weights[axis] = kernel((point[axis] - first) as f32);
            for (place, offset) in places[axis].iter_mut().zip(-1..) {
                *place = (first as i64 + offset).clamp(0, sides[axis] as i64 - 1) as usize;
            }
        }
        places[0] = places[0].map(|row| row * plane.width);
        Some(Self { places, weights })
    }

    /// Value of a plane.
    pub(super) fn sum(&self, values: &[f32]) -> f32 {
        let [rows, columns] = self.places;
        let mut sum = 0.0;
        for (row, down) in rows.into_iter().zip(self.weights[0]) {
            let mut along = 0.0;
            for (column, right) in columns.into_iter().zip(self.weights[1]) {
                along += right * values[row + column];
            }
            sum += down * along;
        }
        sum
    }
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
                let taps = Taps::at(plane, point, kernel).expect("inside");
                let found = taps.sum(&values);
                assert!((found - at(point[0], point[1])).abs() < 1e-6, "{point:?}");
            }
            assert!(Taps::at(plane, [-1.5, 2.0], kernel).is_none());
            assert!(Taps::at(plane, [2.0, 9.5], kernel).is_none());
            let corner = Taps::at(plane, [-1.0, -1.0], kernel).expect("near the edge");
            assert!((corner.sum(&values) - values[0]).abs() < 1e-6);
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
