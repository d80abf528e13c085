//! The object of a cut-out: its shades and its mask.

use modiste_core::Rng;

use crate::augment::clothes::{Plane, object_mask};
use crate::augment::random::between;

/// Pixels around an object, so that its outline can be soft.
pub(super) const MARGIN: usize = 2;

/// Highest gray of the noise around an object.
const FAINT: u8 = 12;

/// Object with its mask, `[row, column]` of a plane.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) plane: Plane,
    /// Shades, 0 to 1.
    pub(super) gray: Vec<f32>,
    /// Coverage by the object, 0 to 1.
    pub(super) cover: Vec<f32>,
}

impl Object {
    /// Object of a gray image on black, cropped to its bounding box with a margin; `None` if the image is black.
    ///
    /// The mask is smoothed, so that an enlarged outline has no steps, and the shades continue beyond the outline.
    pub(super) fn of(plane: Plane, image: &[u8]) -> Option<Self> {
        let is_fringe = |index: usize| {
            let beside = neighbours(plane, index).filter(|next| {
                next / plane.width == index / plane.width
                    || next % plane.width == index % plane.width
            });
            image[index] <= FAINT && beside.clone().any(|next| image[next] == 0)
        };
        let shade = |index: usize| match is_fringe(index) {
            true => 0.0,
            false => f32::from(image[index]) / 255.0,
        };
        let gray: Vec<f32> = (0..image.len()).map(shade).collect();
        let cover = object_mask(plane, &gray);
        let whole = Self { plane, gray, cover };
        let is_covered = |row: usize, column: usize| whole.cover[row * plane.width + column] > 0.0;
        let mut rows =
            (0..plane.height).filter(|&row| (0..plane.width).any(|column| is_covered(row, column)));
        let mut columns =
            (0..plane.width).filter(|&column| (0..plane.height).any(|row| is_covered(row, column)));
        let (top, left) = (rows.next()?, columns.next()?);
        let bottom = rows.next_back().unwrap_or(top);
        let right = columns.next_back().unwrap_or(left);
        let cropped = Plane {
            height: bottom - top + 1 + 2 * MARGIN,
            width: right - left + 1 + 2 * MARGIN,
        };
        let mut object = whole.mapped(cropped, |row, column| {
            let row = (top + row).checked_sub(MARGIN)?;
            let column = (left + column).checked_sub(MARGIN)?;
            (row < plane.height && column < plane.width).then_some((row, column))
        });
        (0..MARGIN).for_each(|_| object.continue_shades());
        object.smooth_mask();
        Some(object)
    }

    /// Gives pixels beside those with a shade the mean of these.
    fn continue_shades(&mut self) {
        let gray = self.gray.clone();
        let has_shade = |index: usize| gray[index] > 0.0 || self.cover[index] > 0.0;
        for (index, shade) in self.gray.iter_mut().enumerate() {
            if has_shade(index) {
                continue;
            }
            let (mut sum, mut count) = (0.0, 0.0);
            for next in neighbours(self.plane, index).filter(|next| has_shade(*next)) {
                sum += gray[next];
                count += 1.0;
            }
            if count > 0.0 {
                *shade = sum / count;
            }
        }
    }

    /// Smooths the mask by the binomial filter of 3x3 pixels.
    fn smooth_mask(&mut self) {
        let sharp = self.cover.clone();
        let width = self.plane.width;
        for (index, cover) in self.cover.iter_mut().enumerate() {
            let weight = |next: usize| {
                let is_beside = next / width == index / width || next % width == index % width;
                if is_beside { 2.0 } else { 1.0 }
            };
            let around = neighbours(self.plane, index).map(|next| weight(next) * sharp[next]);
            *cover = (4.0 * sharp[index] + around.sum::<f32>()) / 16.0;
        }
    }

    /// Scales the shades to a random standard deviation about 0.5: cut-outs of dark or light objects have little contrast.
    pub(super) fn spread_shades(&mut self, rng: &mut Rng) {
        /// Range of standard deviations, and the largest gain, so that noise does not become a pattern.
        const DEVIATION: [f64; 2] = [0.06, 0.26];
        const MAX_GAIN: f32 = 4.0;
        let area: f32 = self.cover.iter().sum();
        let mean_of = |value: &dyn Fn(f32) -> f32| {
            let pairs = self.gray.iter().zip(&self.cover);
            pairs.map(|(gray, cover)| cover * value(*gray)).sum::<f32>() / area.max(1.0)
        };
        let mean = mean_of(&|gray| gray);
        let deviation = mean_of(&|gray| (gray - mean) * (gray - mean)).sqrt();
        let gain = (between(rng, DEVIATION) as f32 / deviation.max(1e-3)).min(MAX_GAIN);
        for gray in &mut self.gray {
            *gray = (0.5 + gain * (*gray - mean)).clamp(0.0, 1.0);
        }
    }

    /// The object and its mirror image side by side, both turned by a right angle, with a gap of some pixels.
    pub(super) fn pair(&self, rng: &mut Rng) -> Self {
        let Plane { height, width } = self.plane;
        let gap = rng.below(3);
        let plane = Plane {
            height: width,
            width: 2 * height + gap,
        };
        let points_up = rng.below(2) == 0;
        self.mapped(plane, |row, column| {
            let along = if points_up { row } else { width - 1 - row };
            if column < height {
                Some((column, along))
            } else {
                // The mirror image, after the gap.
                let column = column.checked_sub(height + gap)?;
                Some((height - 1 - column, along))
            }
        })
    }

    /// Object whose pixels are those of this one at the row and column that a function returns, or none.
    fn mapped(
        &self,
        plane: Plane,
        source: impl Fn(usize, usize) -> Option<(usize, usize)>,
    ) -> Self {
        let pixels = (0..plane.height * plane.width)
            .map(|index| source(index / plane.width, index % plane.width))
            .map(|source| source.map(|(row, column)| row * self.plane.width + column));
        let (gray, cover) = pixels
            .map(|index| index.map_or((0.0, 0.0), |index| (self.gray[index], self.cover[index])))
            .unzip();
        Self { plane, gray, cover }
    }
}

/// Up to eight pixels around a pixel.
fn neighbours(plane: Plane, index: usize) -> impl Iterator<Item = usize> + Clone {
    let (row, column) = (index / plane.width, index % plane.width);
    let rows = row.saturating_sub(1)..(row + 2).min(plane.height);
    rows.flat_map(move |row| {
        let columns = column.saturating_sub(1)..(column + 2).min(plane.width);
        columns.map(move |column| row * plane.width + column)
    })
    .filter(move |next| *next != index)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLANE: Plane = Plane {
        height: 4,
        width: 5,
    };

    /// A shape of two rows and three columns, with a hole.
    const IMAGE: [u8; 20] = [
        0, 0, 0, 0, 0, //
        0, 15, 20, 30, 0, //
        0, 40, 0, 50, 0, //
        0, 0, 0, 0, 0,
    ];

    #[test]
    fn crops_to_the_object_and_covers_gaps() {
        let object = Object::of(PLANE, &IMAGE).expect("an object");
        assert_eq!((object.plane.height, object.plane.width), (6, 7));
        // The filter keeps the area; six pixels are covered, with the gap.
        assert_eq!(object.cover.iter().sum::<f32>(), 6.0);
        assert_eq!(object.cover[8], 1.0 / 16.0);
        assert_eq!(object.cover[17], 12.0 / 16.0);
        let levels: Vec<f32> = object
            .gray
            .iter()
            .map(|gray| (255.0 * gray).round())
            .collect();
        assert_eq!(levels[16..19], [15.0, 20.0, 30.0]);
        assert_eq!(levels[23..26], [40.0, 0.0, 50.0]);
        // The corner has one neighbour, the pixel above the middle has three.
        assert_eq!((levels[8], levels[10], levels[0]), (15.0, 22.0, 15.0));
        assert!(Object::of(PLANE, &[0; 20]).is_none());
        // An object that fills the image has a margin beyond it.
        let full = Object::of(PLANE, &[9; 20]).expect("an object");
        assert_eq!((full.plane.height, full.plane.width), (8, 9));
    }

    #[test]
    fn shades_are_spread_about_the_middle() {
        let mut rng = Rng::new(1);
        for _ in 0..10 {
            let mut object = Object::of(PLANE, &IMAGE).expect("an object");
            object.spread_shades(&mut rng);
            assert!(object.gray.iter().all(|gray| (0.0..=1.0).contains(gray)));
            let inner = [object.gray[16], object.gray[25]];
            assert!(inner[0] < 0.5 && inner[1] > 0.5, "{inner:?}");
        }
    }

    #[test]
    fn pair_is_symmetric() {
        let object = Object::of(PLANE, &IMAGE).expect("an object");
        let mut rng = Rng::new(1);
        for _ in 0..10 {
            let pair = object.pair(&mut rng);
            let Plane { height, width } = pair.plane;
            assert_eq!(height, 7);
            assert!((12..=14).contains(&width));
            for row in pair.gray.chunks(width).chain(pair.cover.chunks(width)) {
                let mirrored: Vec<f32> = row.iter().rev().copied().collect();
                assert_eq!(row, mirrored);
            }
            assert_eq!(pair.cover.iter().sum::<f32>(), 12.0);
        }
    }
}
