//! Augmentation of images of any size, gray or colour.

mod color;
mod erasing;
mod filters;
mod geometry;
mod presets;
mod settings;
mod warp;

use modiste_core::{ImageShape, Rng};

use color::Colors;
use geometry::Placement;

pub use settings::{
    Affine, Blur, ColorJitter, Erasing, Fill, Gamma, ImageAugmentation, Mixing, Noise, ResizedCrop,
};

/// Augments one image with 1 or 3 channels in place. `copy` is a buffer that is reused.
pub(super) fn augment(
    settings: &ImageAugmentation,
    shape: ImageShape,
    image: &mut [u8],
    copy: &mut Vec<u8>,
    rng: &mut Rng,
) {
    if let Some(placement) = Placement::draw(settings, shape, rng) {
        copy.clear();
        copy.extend_from_slice(image);
        warp::warp(shape, copy, image, &placement.matrix, settings.fill);
    }
    Colors::draw(settings, rng).apply(shape.channels, image);
    filters::apply(settings, shape, image, rng);
    if let Some(erasing) = &settings.erasing {
        erasing::apply(erasing, shape, image, rng);
    }
}
