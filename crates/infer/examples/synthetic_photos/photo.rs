//! Synthetic photos: an image of Fashion-MNIST, enlarged, coloured, and placed on a background.

use std::f64::consts::TAU;

use image::imageops::{FilterType, resize};
use image::{GrayImage, Rgb, RgbImage};
use modiste_core::Rng;

/// Background of a synthetic photo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scene {
    /// Shop catalogue: upright on white, or nearly white.
    Product,
    /// Bed, floor or wall: coloured, lit from one side, rotated.
    Home,
    /// Cluttered with other objects.
    Wild,
}

/// Height and width of a photo.
const HEIGHT: u32 = 320;
const WIDTH: u32 = 280;

/// Side of a Fashion-MNIST image.
const SMALL: u32 = 28;
/// Side of the enlarged garment.
const LARGE: u32 = 280;

/// Draws a photo of a garment from its 28x28 image.
pub(crate) fn photo(image: &[u8], scene: Scene, rng: &mut Rng) -> RgbImage {
    let mut photo = ground(scene, rng);
    let (tone, cover) = enlarged(image);
    let dark = colour(rng).map(|value| 0.5 * value);
    let contrast = between(rng, 40.0, 120.0);
    let light = colour(rng);
    let light = [0, 1, 2].map(|c: usize| light[c].max(dark[c] + contrast).min(255.0));
    let (size, turn) = match scene {
        Scene::Product => (between(rng, 0.65, 0.95), between(rng, -0.1, 0.1)),
        Scene::Home => (between(rng, 0.55, 0.9), between(rng, -0.35, 0.35)),
        Scene::Wild => (between(rng, 0.6, 0.9), between(rng, -0.25, 0.25)),
    };
    let mirrored = rng.below(2) == 1;
    let (sine, cosine) = turn.sin_cos();
    let scale = size * f64::from(WIDTH) / f64::from(LARGE);
    let slack = 0.3 * f64::from(WIDTH) * (1.0 - size);
    let [down, right] = [(); 2].map(|()| between(rng, -slack, slack));
    let grain = between(rng, 0.0, 8.0);
    for (column, row, pixel) in photo.enumerate_pixels_mut() {
        let y = f64::from(row) - f64::from(HEIGHT) / 2.0 - down;
        let x = f64::from(column) - f64::from(WIDTH) / 2.0 - right;
        let source_y = (y * cosine + x * sine) / scale + f64::from(LARGE) / 2.0;
        let source_x = (x * cosine - y * sine) / scale + f64::from(LARGE) / 2.0;
        let source_x = if mirrored {
            f64::from(LARGE) - 1.0 - source_x
        } else {
            source_x
        };
        let inside = 0.0..f64::from(LARGE);
        let cover = match inside.contains(&source_y) && inside.contains(&source_x) {
            true => f64::from(cover.get_pixel(source_x as u32, source_y as u32)[0]) / 255.0,
            false => 0.0,
        };
        let noise = grain * between(rng, -1.0, 1.0);
        for channel in 0..3 {
            let mut value = f64::from(pixel[channel]);
            if cover > 0.0 {
                // The images show light garments on black, with inverted gray.
                let bright =
                    1.0 - f64::from(tone.get_pixel(source_x as u32, source_y as u32)[0]) / 255.0;
                let garment = dark[channel] + bright * (light[channel] - dark[channel]);
                value += cover * (garment - value);
            }
            pixel[channel] = (value + noise).clamp(0.0, 255.0) as u8;
        }
    }
    photo
}

/// Gray levels and coverage of an image at ten times the size.
fn enlarged(image: &[u8]) -> (GrayImage, GrayImage) {
    let small = |pixels: Vec<u8>| {
        let small = GrayImage::from_raw(SMALL, SMALL, pixels).expect("28x28 pixels");
        resize(&small, LARGE, LARGE, FilterType::CatmullRom)
    };
    let tone = small(image.to_vec());
    let mut cover = small(image.iter().map(|&v| if v > 0 { 255 } else { 0 }).collect());
    for pixel in cover.pixels_mut() {
        // Makes the smooth edge steep.
        let steep = (f64::from(pixel[0]) - 127.5) * 6.0 + 127.5;
        pixel[0] = steep.clamp(0.0, 255.0) as u8;
    }
    (tone, cover)
}

fn ground(scene: Scene, rng: &mut Rng) -> RgbImage {
    let mut ground = RgbImage::new(WIDTH, HEIGHT);
    let base = match scene {
        Scene::Product => [between(rng, 225.0, 255.0); 3],
        Scene::Home | Scene::Wild => colour(rng),
    };
    let fall = match scene {
        Scene::Product => between(rng, 0.0, 0.08),
        Scene::Home | Scene::Wild => between(rng, 0.1, 0.5),
    };
    let (sine, cosine) = between(rng, 0.0, TAU).sin_cos();
    let period = between(rng, 15.0, 60.0);
    let weave = between(rng, 4.0, 20.0);
    let checks = scene == Scene::Home && rng.below(2) == 0;
    let boards = scene == Scene::Home && !checks && rng.below(2) == 0;
    for (column, row, pixel) in ground.enumerate_pixels_mut() {
        let (y, x) = (f64::from(row), f64::from(column));
        let along = (y / f64::from(HEIGHT) - 0.5) * sine + (x / f64::from(WIDTH) - 0.5) * cosine;
        let mut shift = 0.0;
        if checks {
            shift += weave * ((TAU * x / period).sin() + (TAU * y / period).sin()).signum();
        }
        if boards && x.rem_euclid(period) < 2.0 {
            shift -= 40.0;
        }
        for (value, base) in pixel.0.iter_mut().zip(base) {
            *value = ((base + shift) * (1.0 + fall * along)).clamp(0.0, 255.0) as u8;
        }
    }
    if scene == Scene::Wild {
        for _ in 0..40 {
            draw_object(&mut ground, rng);
        }
    }
    ground
}

/// Draws a disc or a box of a random colour at a random place.
fn draw_object(ground: &mut RgbImage, rng: &mut Rng) {
    let (y, x) = (
        between(rng, 0.0, HEIGHT.into()),
        between(rng, 0.0, WIDTH.into()),
    );
    let (high, wide) = (between(rng, 8.0, 60.0), between(rng, 8.0, 60.0));
    let round = rng.below(2) == 0;
    let colour = colour(rng);
    for (column, row, pixel) in ground.enumerate_pixels_mut() {
        let (down, right) = ((f64::from(row) - y) / high, (f64::from(column) - x) / wide);
        let inside = match round {
            true => down * down + right * right < 1.0,
            false => down.abs() < 1.0 && right.abs() < 1.0,
        };
        if inside {
            let shade = 1.0 + 0.15 * right;
            *pixel = Rgb(colour.map(|value| (value * shade).clamp(0.0, 255.0) as u8));
        }
    }
}

/// Random colour, often nearly gray.
fn colour(rng: &mut Rng) -> [f64; 3] {
    let gray = between(rng, 20.0, 245.0);
    let strength = if rng.below(3) == 0 { 8.0 } else { 90.0 };
    [(); 3].map(|()| (gray + between(rng, -strength, strength)).clamp(0.0, 255.0))
}

fn between(rng: &mut Rng, from: f64, to: f64) -> f64 {
    from + (to - from) * rng.uniform()
}
