//! Synthetic pictures, as backgrounds for objects.

use std::f64::consts::TAU;

use modiste_core::{ImageShape, Rng};
use modiste_dataset::Images;

use crate::augment::random::{between, chance};

/// Rows and columns of a synthetic picture.
const SIDE: usize = 32;

/// Stream of [`Rng::stream`] for synthetic pictures.
const PICTURE_STREAM: u64 = 1 << 34;

/// Generates `count` synthetic gray pictures of 32x32 pixels. The same seed gives the same pictures.
///
/// A picture shows overlapping discs, bars and boxes with shading and grain; small shapes are more
/// frequent than large ones. The statistics of such "dead leaves" images are close to those of natural
/// images (Lee, Mumford, Huang 2001), and networks can learn from them (Baradad et al. 2021). All labels
/// are 0.
///
/// ```
/// let pictures = modiste_train::synthetic_pictures(3, 1);
/// assert_eq!((pictures.len(), pictures.shape().to_string().as_str()), (3, "32x32x1"));
/// ```
pub fn synthetic_pictures(count: usize, seed: u64) -> Images {
    let mut rng = Rng::stream(seed, PICTURE_STREAM);
    let pixels = (0..count).flat_map(|_| picture(&mut rng)).collect();
    Images::new(ImageShape::new(SIDE, SIDE, 1), pixels, vec![0; count])
        .expect("one label and one picture each")
}

fn picture(rng: &mut Rng) -> Vec<u8> {
    let mut gray = vec![rng.uniform(); SIDE * SIDE];
    let leaves = 1 + rng.below(60);
    for _ in 0..leaves {
        // The density of radii is proportional to 1 / r^3, from 1.5 pixels on.
        let radius = (1.5 / (1.0 - 0.99 * rng.uniform()).sqrt()).min(SIDE as f64 / 2.0);
        leaf(&mut gray, radius, rng);
    }
    let grain = between(rng, [0.0, 0.08]);
    gray.iter()
        .map(|value| {
            let value = value + grain * between(rng, [-1.0, 1.0]);
            (255.0 * value.clamp(0.0, 1.0)).round() as u8
        })
        .collect()
}

/// Draws a disc, a bar or a box with a gradient across it.
fn leaf(gray: &mut [f64], radius: f64, rng: &mut Rng) {
    let [row, column] = [(); 2].map(|()| between(rng, [0.0, SIDE as f64]));
    let (sine, cosine) = between(rng, [0.0, TAU]).sin_cos();
    let round = chance(rng, 0.4);
    let long = if chance(rng, 0.3) {
        8.0
    } else {
        between(rng, [1.0, 2.0])
    };
    let tone = rng.uniform();
    let shade = between(rng, [-0.2, 0.2]);
    for (index, value) in gray.iter_mut().enumerate() {
        let [y, x] = [(index / SIDE) as f64 - row, (index % SIDE) as f64 - column];
        let along = (y * sine + x * cosine) / (radius * long);
        let across = (y * cosine - x * sine) / radius;
        let inside = if round {
            along * along + across * across <= 1.0
        } else {
            along.abs() <= 1.0 && across.abs() <= 1.0
        };
        if inside {
            *value = tone + shade * across;
        }
    }
}
