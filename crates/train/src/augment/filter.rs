//! What a camera and a bad cut do to a whole picture: blur, sharpening, noise, a lost piece.

use modiste_core::Rng;

use super::{Augmentation, Plane, between, chance};

pub(super) fn apply(augmentation: &Augmentation, plane: Plane, gray: &mut [f32], rng: &mut Rng) {
    if chance(rng, augmentation.blur) {
        let sigma = between(rng, [0.3, augmentation.blur_sigma]);
        let blurred = blur(plane, gray, sigma);
        gray.copy_from_slice(&blurred);
    }
    if chance(rng, augmentation.sharpen) {
        let amount = between(rng, [0.3, 1.5]) as f32;
        let blurred = blur(plane, gray, 1.0);
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
            // Twelve uniform numbers less six are as good as normal (Irwin and Hall); four here.
            let sum: f64 = (0..4).map(|_| rng.uniform() - 0.5).sum();
            *value += (sigma * 3.0_f64.sqrt() * sum) as f32;
        }
    }
}

/// Gaussian blur in a window of five; beyond the edge the picture goes on as it ends.
fn blur(plane: Plane, gray: &[f32], sigma: f64) -> Vec<f32> {
    let Plane { height, width } = plane;
    let weight = |distance: f64| (-distance * distance / (2.0 * sigma * sigma)).exp();
    let mut weights = [weight(2.0), weight(1.0), 1.0, weight(1.0), weight(2.0)];
    let sum: f64 = weights.iter().sum();
    for weight in &mut weights {
        *weight /= sum;
    }
    let weights = weights.map(|weight| weight as f32);
    let clamped =
        |index: usize, offset: usize, side: usize| (index + offset).saturating_sub(2).min(side - 1);
    let rows = weighted(plane, gray, weights, |row, column, offset| {
        clamped(row, offset, height) * width + column
    });
    weighted(plane, &rows, weights, |row, column, offset| {
        row * width + clamped(column, offset, width)
    })
}

/// For each pixel the weighted sum of five, which `at` finds by row, column and offset.
fn weighted(
    plane: Plane,
    gray: &[f32],
    weights: [f32; 5],
    at: impl Fn(usize, usize, usize) -> usize,
) -> Vec<f32> {
    let mut sums = vec![0.0; gray.len()];
    for row in 0..plane.height {
        for column in 0..plane.width {
            for (offset, weight) in weights.iter().enumerate() {
                sums[row * plane.width + column] += weight * gray[at(row, column, offset)];
            }
        }
    }
    sums
}

/// One gray, or black, over a rectangle.
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
