//! Rendering of cut-outs, gray objects on black, as photos.

mod color;
mod object;
mod place;
mod renderer;
mod scene;
mod settings;

use modiste_core::{ImageShape, Rng};
use modiste_dataset::Images;

use super::clothes::{Plane, change_tone};
use super::random::chance;
use color::{Color, blend, luma, shades};
use object::Object;
use place::{Taps, linear};

pub(crate) use renderer::Renderer;
pub use settings::{CutoutAugmentation, Pairs, Scenery};

/// Renders a gray image of class `label` as a photo of `shape`, which has 1 or 3 channels. Backgrounds are cut from
/// `pictures`.
pub(super) fn render(
    settings: &CutoutAugmentation,
    cutout: Cutout<'_>,
    pictures: Option<&Images>,
    shape: ImageShape,
    photo: &mut [u8],
    rng: &mut Rng,
) {
    let plane = Plane::of(shape);
    let object = match chance(rng, settings.plain) {
        true => None,
        false => Object::of(cutout.plane, cutout.gray),
    };
    let Some(mut object) = object else {
        return enlarge(&cutout, plane, shape.channels, photo);
    };
    if let Some(pairs) = &settings.pairs
        && pairs.classes.contains(&cutout.label)
        && chance(rng, pairs.probability)
    {
        object = object.pair(rng);
    }
    object.spread_shades(rng);
    let mut object = place::place(settings, &object, plane, rng);
    if chance(rng, settings.negative) {
        object.gray.iter_mut().for_each(|gray| *gray = 1.0 - *gray);
    }
    change_tone(&settings.tone, plane, &mut object.gray, &object.cover, rng);
    let [dark, light] = shades(settings.two_colors, rng);
    let mut colors = scene::background(&settings.background, plane, pictures, rng);
    if chance(rng, settings.shadow) {
        scene::cast_shadow(&object, &mut colors, rng);
    }
    for ((color, gray), cover) in colors.iter_mut().zip(&object.gray).zip(&object.cover) {
        *color = blend(*color, blend(dark, light, *gray), *cover);
    }
    write(&colors, shape.channels, photo);
}

/// Cut-out: a gray image of one object on black.
#[derive(Clone, Copy)]
pub(super) struct Cutout<'a> {
    pub(super) plane: Plane,
    /// `[row, column]`.
    pub(super) gray: &'a [u8],
    /// Index of its class.
    pub(super) label: u16,
}

/// Renders a scene without an object.
pub(super) fn render_scene(
    settings: &CutoutAugmentation,
    pictures: Option<&Images>,
    shape: ImageShape,
    photo: &mut [u8],
    rng: &mut Rng,
) {
    let plane = Plane::of(shape);
    let colors = scene::background(&settings.background, plane, pictures, rng);
    write(&colors, shape.channels, photo);
}

/// Enlarges the whole cut-out with linear interpolation, as preprocessing does.
fn enlarge(cutout: &Cutout<'_>, plane: Plane, channels: usize, photo: &mut [u8]) {
    let gray: Vec<f32> = cutout.gray.iter().map(|&value| f32::from(value)).collect();
    let from = cutout.plane;
    let scales = [
        from.height as f64 / plane.height as f64,
        from.width as f64 / plane.width as f64,
    ];
    let value = |point| {
        let taps = Taps::at(from, point, linear).expect("points are inside");
        taps.sum(&gray).round() as u8
    };
    for (index, pixel) in photo.chunks_exact_mut(channels).enumerate() {
        let point = [
            ((index / plane.width) as f64 + 0.5) * scales[0] - 0.5,
            ((index % plane.width) as f64 + 0.5) * scales[1] - 0.5,
        ];
        pixel.fill(value(point));
    }
}

/// Writes colours as bytes: RGB, or luma if there is one channel.
fn write(colors: &[Color], channels: usize, photo: &mut [u8]) {
    let byte = |value: f32| (255.0 * value).round().clamp(0.0, 255.0) as u8;
    for (pixel, color) in photo.chunks_exact_mut(channels).zip(colors) {
        match pixel {
            [gray] => *gray = byte(luma(*color)),
            _ => pixel.copy_from_slice(&color.map(byte)),
        }
    }
}
