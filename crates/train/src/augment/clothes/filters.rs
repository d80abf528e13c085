//! Filters over the whole image: blur, sharpening, noise and random erasing.

use modiste_core::{ImageShape, Rng, separable_filter};

use super::{ClothesAugmentation, Plane};
use crate::augment::random::{between, chance};

pub(super) fn apply(
    augmentation: &ClothesAugmentation,
    plane: Plane,
    gray: &mut [f32],
    rng: &mut Rng,
) {
    if chance(rng, augmentation.blur) {
        let sigma = between(rng, [0.3, augmentation.blur_sigma]);
        let blurred = gaussian_blur(plane, gray, sigma);
        gray.copy_from_slice(&blurred);
    }
    if chance(rng, augmentation.sharpen) {
        let amount = between(rng, [0.3, 1.5]) as f32;
        let blurred = gaussian_blur(plane, gray, 1.0);
        for (value, blurred) in gray.iter_mut().zip(blurred) {
            *value += amount * (*value - blurred);
        }
    }
    if chance(rng, augmentation.erase) {
        erase(plane, gray, rng);
    }
    if chance(rng, augmentation.noise) {
        let sigma = between(rng, [0.0, augmentation.noise_sigma]) / 255.0;
        for value in gray.iter_mut() {
            // A sum of four uniform numbers approximates a normal distribution (Irwin-Hall).
            let sum: f64 = (0..4).map(|_| rng.uniform() - 0.5).sum();
            *value += (sigma * 3.0_f64.sqrt() * sum) as f32;
        }
    }
}

/// Gaussian blur with a window of 5x5 pixels.
fn gaussian_blur(plane: Plane, gray: &[f32], sigma: f64) -> Vec<f32> {
    let weight = |distance: f64| (-distance * distance / (2.0 * sigma * sigma)).exp();
    let mut weights = [weight(2.0), weight(1.0), 1.0, weight(1.0), weight(2.0)];
    let sum: f64 = weights.iter().sum();
    for weight in &mut weights {
        *weight /= sum;
    }
    let weights = weights.map(|weight| weight as f32);
    let shape = ImageShape::new(plane.height, plane.width, 1);
    separable_filter(shape, gray, &weights, 1.0)
}

/// Fills a random rectangle with black or a random gray (Zhong et al. 2017).
fn erase(plane: Plane, gray: &mut [f32], rng: &mut Rng) {
    let tone = if chance(rng, 0.5) {
        0.0
    } else {
        rng.uniform() as f32
    };
    let [rows, columns] = [plane.height, plane.width].map(|side| {
        let length = (side as f64 * between(rng, [0.1, 0.4])) as usize;
        let start = rng.below(side - length + 1);
        start..start + length
    });
    for row in rows {
        gray[row * plane.width..][columns.clone()].fill(tone);
    }
}
