//! Geometry: a random crop, affine transform and flips as one affine map.

use modiste_core::{ImageShape, Rng};

use super::settings::{Affine, ImageAugmentation, ResizedCrop};
use crate::augment::random::{between, chance, log_between};

/// Affine map from `[row, column, 1]` of an output pixel to `[row, column]` of an input point. Pixel centers are whole
/// numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Placement {
    pub(super) matrix: [[f64; 3]; 2],
}

/// Window of an image, `[along rows, along columns]` each.
struct Window {
    /// Sides as fractions of the image's.
    sides: [f64; 2],
    /// Offset of the center from that of the image, as a fraction of the image's sides.
    offset: [f64; 2],
}

impl Placement {
    /// Draws the geometry of one image; `None` if it does not change.
    pub(super) fn draw(
        settings: &ImageAugmentation,
        shape: ImageShape,
        rng: &mut Rng,
    ) -> Option<Self> {
        let sides = [shape.height, shape.width].map(|side| side as f64);
        let crop = settings.crop.as_ref();
        let crop = crop.filter(|crop| chance(rng, crop.probability));
        let crop = crop.map(|crop| Window::draw(crop, rng));
        let affine = settings.affine.as_ref();
        let affine = affine.filter(|affine| chance(rng, affine.probability));
        let affine = affine.map(|affine| draw_affine(affine, sides, rng));
        let flips = [settings.vertical_flip, settings.horizontal_flip]
            .map(|probability| probability > 0.0 && chance(rng, probability));
        let is_changed = crop.is_some() || affine.is_some() || flips.contains(&true);
        is_changed.then(|| {
            let flip = flips.map(|is_flipped| if is_flipped { -1.0 } else { 1.0 });
            let window = crop.unwrap_or(Window {
                sides: [1.0; 2],
                offset: [0.0; 2],
            });
            let inverse = affine.unwrap_or([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);
            Self::compose(sides, &window, inverse, flip)
        })
    }

    /// Composes the map of a crop, an affine transform, given by its inverse, and flips, relative to the center. The
    /// affine transform shows what is beyond the edges of the window.
    fn compose(sides: [f64; 2], window: &Window, inverse: [[f64; 3]; 2], flip: [f64; 2]) -> Self {
        let center = sides.map(|side| (side - 1.0) / 2.0);
        let matrix = [0, 1].map(|axis| {
            let [rows, columns, shift] = inverse[axis].map(|value| value * window.sides[axis]);
            let [rows, columns] = [rows * flip[0], columns * flip[1]];
            let moved = shift + window.offset[axis] * sides[axis];
            let from_center = rows * center[0] + columns * center[1];
            [rows, columns, center[axis] + moved - from_center]
        });
        Self { matrix }
    }
}

impl Window {
    fn draw(crop: &ResizedCrop, rng: &mut Rng) -> Self {
        let area = between(rng, crop.area);
        // A window of this area is in the image if its ratio is from `area` to `1 / area`.
        let aspect = crop.aspect.map(|aspect| aspect.clamp(area, 1.0 / area));
        let aspect = log_between(rng, aspect);
        let sides = [(area / aspect).sqrt(), (area * aspect).sqrt()].map(|side| side.min(1.0));
        let offset = sides.map(|side| between(rng, [-0.5, 0.5]) * (1.0 - side));
        Self { sides, offset }
    }
}

/// Draws the inverse of a random affine transform, from `[row, column, 1]` to `[row, column]`, relative to the center.
///
/// Shifts are whole pixels, as those of torchvision's `RandomAffine`: a shift alone does not blur.
fn draw_affine(affine: &Affine, sides: [f64; 2], rng: &mut Rng) -> [[f64; 3]; 2] {
    let mut signed = |largest: f64| between(rng, [-largest, largest]);
    let (rotation, shear) = (signed(affine.rotation), signed(affine.shear));
    let shift = sides.map(|side| (side * signed(affine.translate)).round());
    let scale = between(rng, affine.scale);
    inverse_affine(rotation, shear, scale, shift)
}

/// Inverse of torchvision's affine transform: horizontal shear, clockwise rotation, both in degrees, scale, and a shift
/// along rows and columns in pixels.
fn inverse_affine(rotation: f64, shear: f64, scale: f64, shift: [f64; 2]) -> [[f64; 3]; 2] {
    let (sine, cosine) = rotation.to_radians().sin_cos();
    let slope = shear.to_radians().tan();
    // The rotation back, then the shear back, in rows and columns.
    let rows = [cosine, -sine];
    let columns = [sine + slope * rows[0], cosine + slope * rows[1]];
    [rows, columns].map(|[a, b]| {
        let [a, b] = [a / scale, b / scale];
        [a, b, -(a * shift[0] + b * shift[1])]
    })
}

#[cfg(test)]
mod tests {
    use super::super::settings::Fill;
    use super::super::warp::warp;
    use super::*;

    const SHAPE: ImageShape = ImageShape::new(20, 30, 3);

    /// Drawn maps of different seeds.
    fn drawn(settings: &ImageAugmentation) -> Vec<[[f64; 3]; 2]> {
        let draw = |seed| Placement::draw(settings, SHAPE, &mut Rng::stream(seed, 1));
        (0..500)
            .map(|seed| draw(seed).expect("changed").matrix)
            .collect()
    }

    fn affine() -> Affine {
        Affine {
            probability: 1.0,
            translate: 0.0,
            scale: [1.0, 1.0],
            rotation: 0.0,
            shear: 0.0,
        }
    }

    fn with_affine(affine: Affine) -> ImageAugmentation {
        ImageAugmentation {
            affine: Some(affine),
            ..ImageAugmentation::default()
        }
    }

    /// Image of a target point.
    fn map(matrix: [[f64; 3]; 2], row: f64, column: f64) -> [f64; 2] {
        matrix.map(|[rows, columns, offset]| rows * row + columns * column + offset)
    }

    #[test]
    fn nothing_is_drawn_if_everything_is_off() {
        let mut rng = Rng::new(1);
        assert_eq!(
            Placement::draw(&ImageAugmentation::default(), SHAPE, &mut rng),
            None
        );
        assert_eq!(rng, Rng::new(1));
    }

    #[test]
    fn crops_have_area_and_aspect_in_range_and_are_inside() {
        let settings = ImageAugmentation {
            crop: Some(ResizedCrop {
                probability: 1.0,
                area: [0.3, 0.9],
                aspect: [0.5, 2.0],
            }),
            ..ImageAugmentation::default()
        };
        let (mut areas, mut tops) = (Vec::new(), Vec::new());
        for matrix in drawn(&settings) {
            let [[height, zero, _], [other_zero, width, _]] = matrix;
            assert_eq!((zero, other_zero), (0.0, 0.0));
            let area = height * width;
            assert!((0.3 - 1e-9..0.9 + 1e-9).contains(&area), "{area}");
            let aspect = width / height;
            assert!((0.5 - 1e-9..2.0 + 1e-9).contains(&aspect), "{aspect}");
            // The corners of the target, half a pixel beyond the outermost centers.
            let [top, left] = map(matrix, -0.5, -0.5);
            let [bottom, right] = map(matrix, 19.5, 29.5);
            assert!(top > -0.5 - 1e-9 && left > -0.5 - 1e-9, "{top}, {left}");
            assert!(
                bottom < 19.5 + 1e-9 && right < 29.5 + 1e-9,
                "{bottom}, {right}"
            );
            areas.push(area);
            tops.push(top);
        }
        let mean = areas.iter().sum::<f64>() / areas.len() as f64;
        assert!((mean - 0.6).abs() < 0.03, "{mean}");
        assert!(tops.iter().any(|top| *top < 0.5) && tops.iter().any(|top| *top > 5.0));
    }

    #[test]
    fn aspect_beyond_the_image_is_replaced_by_the_nearest() {
        let crop = ResizedCrop {
            probability: 1.0,
            area: [1.0, 1.0],
            aspect: [2.0, 3.0],
        };
        let whole = Window::draw(&crop, &mut Rng::new(1));
        assert_eq!((whole.sides, whole.offset), ([1.0; 2], [0.0; 2]));
    }

    #[test]
    fn transforms_stay_in_range() {
        let settings = with_affine(Affine {
            translate: 0.1,
            ..affine()
        });
        for matrix in drawn(&settings) {
            let [row, column] = map(matrix, 0.0, 0.0);
            assert!(row.abs() <= 2.0 && column.abs() <= 3.0, "{row}, {column}");
            assert_eq!([row.fract(), column.fract()], [0.0; 2], "a whole pixel");
        }
        let settings = with_affine(Affine {
            scale: [0.5, 2.0],
            rotation: 30.0,
            ..affine()
        });
        let (mut angles, mut scales) = (Vec::new(), Vec::new());
        for [[a, b, _], [c, d, _]] in drawn(&settings) {
            scales.push(1.0 / (a * d - b * c).sqrt());
            angles.push(c.atan2(a).to_degrees());
        }
        for (values, min, max) in [(angles, -30.0, 30.0), (scales, 0.5, 2.0)] {
            let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
            let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            assert!(min - 1e-9 <= smallest && smallest < min + 0.05 * (max - min));
            assert!(largest <= max + 1e-9 && largest > max - 0.05 * (max - min));
        }
    }

    #[test]
    fn flips_have_their_probability() {
        let settings = ImageAugmentation {
            horizontal_flip: 0.3,
            vertical_flip: 1.0,
            ..ImageAugmentation::default()
        };
        let flipped = drawn(&settings).into_iter().filter(|matrix| {
            assert_eq!(matrix[0], [-1.0, 0.0, 19.0]);
            matrix[1] == [0.0, -1.0, 29.0]
        });
        // The standard deviation is 10.
        assert!((110..190).contains(&flipped.count()));
    }

    #[test]
    fn affine_shows_what_is_beyond_the_window() {
        let window = Window {
            sides: [0.5, 0.5],
            offset: [0.1, -0.2],
        };
        // A translation by the window's height shows the pixels above the window.
        let inverse = inverse_affine(0.0, 0.0, 1.0, [20.0, 0.0]);
        let placement = Placement::compose([20.0, 30.0], &window, inverse, [1.0, 1.0]);
        let [bottom, left] = map(placement.matrix, 19.5, -0.5);
        let top_of_window = 9.5 + 2.0 - 5.0;
        assert!((bottom - top_of_window).abs() < 1e-9, "{bottom}");
        assert!((left - (14.5 - 6.0 - 7.5)).abs() < 1e-9, "{left}");
    }

    #[test]
    fn matches_torchvision() {
        #[derive(serde::Deserialize)]
        struct Golden {
            height: usize,
            width: usize,
            image: Vec<u8>,
            cases: Vec<Case>,
        }
        #[derive(serde::Deserialize)]
        struct Case {
            rotation: f64,
            shear: f64,
            scale: f64,
            shift: [f64; 2],
            expected: Vec<f64>,
        }
        let golden = include_str!("../../../tests/golden/affine.json");
        let golden: Golden = serde_json::from_str(golden).expect("JSON");
        let shape = ImageShape::new(golden.height, golden.width, 3);
        let window = Window {
            sides: [1.0; 2],
            offset: [0.0; 2],
        };
        let sides = [shape.height, shape.width].map(|side| side as f64);
        for case in &golden.cases {
            let inverse = inverse_affine(case.rotation, case.shear, case.scale, case.shift);
            let placement = Placement::compose(sides, &window, inverse, [1.0; 2]);
            let mut found = vec![0; shape.size()];
            let fill = Fill::Constant(0);
            warp(shape, &golden.image, &mut found, &placement.matrix, fill);
            for (found, expected) in found.iter().zip(&case.expected) {
                let difference = (f64::from(*found) - expected).abs();
                assert!(difference < 0.75, "{found}, {expected}");
            }
        }
    }
}
