//! Augmentation of objects on black, so that a network generalizes to photos: geometry, tone, backgrounds and
//! filters.

mod background;
mod filters;
mod geometry;
mod settings;
mod synthetic;
#[cfg(test)]
mod tests;
mod tone;

use modiste_core::{ImageShape, Rng};
use modiste_dataset::Images;

use background::Background;
use geometry::Placement;

pub(super) use geometry::object_mask;
pub(super) use tone::change as change_tone;

pub use background::Backgrounds;
pub use settings::{ClothesAugmentation, Tone};
pub use synthetic::synthetic_pictures;

/// Augments one gray image in place. `pictures` are gray, of any size: backgrounds.
pub(super) fn augment(
    settings: &ClothesAugmentation,
    shape: ImageShape,
    pictures: Option<&Images>,
    image: &mut [u8],
    rng: &mut Rng,
) {
    let plane = Plane::of(shape);
    let mut gray: Vec<f32> = image.iter().map(|&v| f32::from(v) / 255.0).collect();
    let mut cover = geometry::object_mask(plane, &gray);
    tone::change(&settings.tone, plane, &mut gray, &cover, rng);
    for (value, cover) in gray.iter_mut().zip(&cover) {
        *value *= cover;
    }
    let placement = Placement::draw(settings, plane, rng);
    gray = placement.apply(plane, &gray);
    cover = placement.apply(plane, &cover);
    let background = Background::draw(&settings.background, rng);
    background.fill(plane, pictures, &mut gray, &cover, rng);
    filters::apply(settings, plane, &mut gray, rng);
    for (byte, value) in image.iter_mut().zip(gray) {
        *byte = (255.0 * value).round().clamp(0.0, 255.0) as u8;
    }
}

/// Rows and columns of a gray image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plane {
    pub(super) height: usize,
    pub(super) width: usize,
}

impl Plane {
    /// Rows and columns of images of a shape.
    pub(super) fn of(shape: ImageShape) -> Self {
        Self {
            height: shape.height,
            width: shape.width,
        }
    }

    /// Centers of the pixels, `(row, column)`, from -0.5 to 0.5.
    pub(super) fn centers(self) -> impl Iterator<Item = (f64, f64)> {
        let along = |index: usize, side: usize| (index as f64 + 0.5) / side as f64 - 0.5;
        (0..self.height * self.width).map(move |index| {
            let (row, column) = (index / self.width, index % self.width);
            (along(row, self.height), along(column, self.width))
        })
    }
}
