//! Colours: gamma, brightness, contrast, saturation, hue and grayscale.

use std::f64::consts::TAU;

use modiste_core::Rng;

use super::settings::{ColorJitter, ImageAugmentation};
use crate::augment::random::{between, chance, log_between};

/// Weights of red, green and blue in luma (ITU-R BT.601).
const LUMA: [f64; 3] = [0.299, 0.587, 0.114];

/// Rotation of colours by a quarter of the circle in the plane of constant luma: `[red, green, blue]` to `[red, green,
/// blue]`. It is the rotation of U and V in YUV (BT.601), in the direction from red to green.
const QUARTER_TURN: [[f64; 3]; 3] = [
    [-0.167_723_743_649, -0.329_277_048_569, 0.497_000_792_218],
    [0.328_128_713_050, -0.035_503_296_591, -0.292_625_416_459],
    [-1.249_668_028_148, 1.046_440_987_907, 0.203_227_040_241],
];

/// Fractional bits of the factors of a pixel. Factors are below 32, so that sums of three products fit 32 bits.
const FACTOR_BITS: u32 = 16;

/// Changes of the colours of one image.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Colors {
    /// Exponent of values from 0 to 1.
    gamma: Option<f64>,
    /// Linear changes.
    jitter: Option<Jitter>,
    is_gray: bool,
}

/// Factors of brightness, contrast and saturation, and the angle of the hue.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Jitter {
    brightness: f64,
    contrast: f64,
    saturation: f64,
    /// Angle in radians.
    hue: f64,
}

/// Linear map of a pixel. Offsets are gray levels.
struct LinearMap {
    factors: [[f64; 3]; 3],
    offset: f64,
}

impl Colors {
    /// Draws the changes of one image.
    pub(super) fn draw(settings: &ImageAugmentation, rng: &mut Rng) -> Self {
        let gamma = settings.gamma.as_ref();
        let gamma = gamma.filter(|gamma| chance(rng, gamma.probability));
        let gamma = gamma.map(|gamma| log_between(rng, gamma.range));
        let jitter = settings.color_jitter.as_ref();
        let jitter = jitter.filter(|jitter| chance(rng, jitter.probability));
        let jitter = jitter.map(|jitter| Jitter::draw(jitter, rng));
        let is_gray = settings.grayscale > 0.0 && chance(rng, settings.grayscale);
        Self {
            gamma,
            jitter,
            is_gray,
        }
    }

    /// Changes an image with 1 or 3 channels in place.
    pub(super) fn apply(&self, channels: usize, image: &mut [u8]) {
        if let Some(gamma) = self.gamma {
            let curve = curve(|value| 255.0 * (value / 255.0).powf(gamma));
            image
                .iter_mut()
                .for_each(|value| *value = curve[usize::from(*value)]);
        }
        if channels == 1 {
            if let Some(jitter) = self.jitter {
                let mean = mean_luma::<1>(image, &[1.0]);
                let (factor, offset) = jitter.brightness_and_contrast(mean);
                let curve = curve(|value| factor * value + offset);
                image
                    .iter_mut()
                    .for_each(|value| *value = curve[usize::from(*value)]);
            }
        } else if self.jitter.is_some() || self.is_gray {
            let jitter = self.jitter.unwrap_or(Jitter::NONE);
            jitter
                .linear_map(mean_luma(image, &LUMA), self.is_gray)
                .apply(image);
        }
    }
}

impl Jitter {
    /// No change.
    const NONE: Self = Self {
        brightness: 1.0,
        contrast: 1.0,
        saturation: 1.0,
        hue: 0.0,
    };

    fn draw(jitter: &ColorJitter, rng: &mut Rng) -> Self {
        let mut signed = |largest: f64| between(rng, [-largest, largest]);
        Self {
            brightness: 1.0 + signed(jitter.brightness),
            contrast: 1.0 + signed(jitter.contrast),
            saturation: 1.0 + signed(jitter.saturation),
            hue: TAU * signed(jitter.hue),
        }
    }

    /// Factor and offset of all values, for an image with the mean luma `mean`.
    fn brightness_and_contrast(&self, mean: f64) -> (f64, f64) {
        let factor = self.brightness * self.contrast;
        (factor, self.brightness * (1.0 - self.contrast) * mean)
    }

    /// All changes as one map, for an image with the mean luma `mean`.
    fn linear_map(&self, mean: f64, is_gray: bool) -> LinearMap {
        let (factor, offset) = self.brightness_and_contrast(mean);
        let saturation = if is_gray { 0.0 } else { self.saturation };
        let (sine, cosine) = self.hue.sin_cos();
        // Luma, plus the deviation from it, scaled and rotated. Both parts preserve gray, and hence the offset.
        let mut factors = [[0.0; 3]; 3];
        for (row, factors) in factors.iter_mut().enumerate() {
            for (column, value) in factors.iter_mut().enumerate() {
                let identity = if row == column { 1.0 } else { 0.0 };
                let deviation = identity - LUMA[column];
                let rotated = cosine * deviation + sine * QUARTER_TURN[row][column];
                *value = factor * (LUMA[column] + saturation * rotated);
            }
        }
        LinearMap { factors, offset }
    }
}

impl LinearMap {
    /// Changes an image with 3 channels in place. Results are rounded and clamped.
    fn apply(&self, image: &mut [u8]) {
        let one = f64::from(1_u32 << FACTOR_BITS);
        let factors = self
            .factors
            .map(|row| row.map(|factor| (factor * one).round() as i32));
        let offset = ((self.offset + 0.5) * one).round() as i32;
        let (pixels, _) = image.as_chunks_mut::<3>();
        for pixel in pixels {
            let values = pixel.map(i32::from);
            *pixel = factors.map(|factors| {
                let sum = factors[0] * values[0] + factors[1] * values[1] + factors[2] * values[2];
                ((sum + offset) >> FACTOR_BITS).clamp(0, 255) as u8
            });
        }
    }
}

/// Table of a function of gray levels, rounded and clamped.
fn curve(function: impl Fn(f64) -> f64) -> [u8; 256] {
    std::array::from_fn(|value| function(value as f64).round().clamp(0.0, 255.0) as u8)
}

/// Mean luma of an image, for the weights of its channels.
fn mean_luma<const CHANNELS: usize>(image: &[u8], weights: &[f64; CHANNELS]) -> f64 {
    let (pixels, _) = image.as_chunks::<CHANNELS>();
    let mut sums = [0_u64; CHANNELS];
    for pixel in pixels {
        for (sum, &value) in sums.iter_mut().zip(pixel) {
            *sum += u64::from(value);
        }
    }
    let weighted = sums.iter().zip(weights);
    weighted
        .map(|(&sum, weight)| sum as f64 * weight)
        .sum::<f64>()
        / pixels.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Jitter = Jitter::NONE;

    fn colors(jitter: Jitter) -> Colors {
        Colors {
            jitter: Some(jitter),
            ..Colors::default()
        }
    }

    /// Random pixels.
    fn random(count: usize) -> Vec<u8> {
        let mut rng = Rng::new(8);
        (0..count).map(|_| rng.next_u64() as u8).collect()
    }

    fn applied(colors: Colors, channels: usize, image: &[u8]) -> Vec<u8> {
        let mut changed = image.to_vec();
        colors.apply(channels, &mut changed);
        changed
    }

    fn luma(pixel: &[u8]) -> f64 {
        let values = pixel.iter().zip(LUMA);
        values
            .map(|(&value, weight)| f64::from(value) * weight)
            .sum()
    }

    #[test]
    fn identity_changes_nothing() {
        let image = random(300);
        for channels in [1, 3] {
            assert_eq!(applied(colors(NONE), channels, &image), image);
            assert_eq!(applied(Colors::default(), channels, &image), image);
        }
    }

    #[test]
    fn brightness_contrast_and_saturation_match_definitions() {
        let image = random(300);
        let (brightness, contrast, saturation) = (0.9, 0.7, 1.3);
        let jitter = Jitter {
            brightness,
            contrast,
            saturation,
            hue: 0.0,
        };
        // One change after the other, without rounding in between.
        let mut expected: Vec<f64> = image.iter().map(|&v| brightness * f64::from(v)).collect();
        let luma_of = |pixel: &[f64]| pixel.iter().zip(LUMA).map(|(v, w)| v * w).sum::<f64>();
        let mean = expected.chunks(3).map(luma_of).sum::<f64>() / 100.0;
        for value in &mut expected {
            *value = contrast * *value + (1.0 - contrast) * mean;
        }
        for pixel in expected.chunks_mut(3) {
            let gray = luma_of(pixel);
            for value in pixel {
                *value = saturation * *value + (1.0 - saturation) * gray;
            }
        }
        for (found, expected) in applied(colors(jitter), 3, &image).iter().zip(expected) {
            let difference = f64::from(*found) - expected.clamp(0.0, 255.0);
            assert!(difference.abs() < 0.51, "{found}, {expected}");
        }
        let gray = applied(colors(jitter), 1, &image);
        let mean = image.iter().map(|&v| f64::from(v)).sum::<f64>() / 300.0;
        for (found, &before) in gray.iter().zip(&image) {
            let bright = brightness * f64::from(before);
            let expected = contrast * bright + (1.0 - contrast) * brightness * mean;
            assert!(
                (f64::from(*found) - expected).abs() < 0.51,
                "{found}, {expected}"
            );
        }
    }

    #[test]
    fn hue_preserves_luma_and_gray() {
        // Colours that no rotation moves out of range.
        let image: Vec<u8> = random(300).into_iter().map(|v| 112 + v / 8).collect();
        for turn in [0.01, 0.1, 0.25, 0.4, 0.5] {
            let hue = TAU * turn;
            let changed = applied(colors(Jitter { hue, ..NONE }), 3, &image);
            for (before, after) in image.chunks(3).zip(changed.chunks(3)) {
                assert!(
                    (luma(before) - luma(after)).abs() < 0.6,
                    "{before:?}, {after:?}"
                );
            }
            assert_ne!(changed, image);
            let gray = [90; 30];
            assert_eq!(applied(colors(Jitter { hue, ..NONE }), 3, &gray), gray);
            // A rotation and its inverse.
            let hue = -hue;
            let back = applied(colors(Jitter { hue, ..NONE }), 3, &changed);
            let difference = |(one, other): (&u8, &u8)| one.abs_diff(*other);
            let largest = back.iter().zip(&image).map(difference).max();
            assert!(largest <= Some(2), "{largest:?}");
        }
        // From red towards yellow.
        let red = applied(colors(Jitter { hue: 0.3, ..NONE }), 3, &[200, 60, 60]);
        assert!(red[1] > 70 && red[2] < 50, "{red:?}");
    }

    #[test]
    fn grayscale_has_equal_channels_of_the_luma() {
        let image = random(300);
        let gray = Colors {
            is_gray: true,
            ..Colors::default()
        };
        for (before, after) in image.chunks(3).zip(applied(gray, 3, &image).chunks(3)) {
            assert!(
                after
                    .iter()
                    .all(|&v| (f64::from(v) - luma(before)).abs() < 0.51)
            );
            assert!(after[0] == after[1] && after[1] == after[2]);
        }
        assert_eq!(applied(gray, 1, &image), image);
    }

    #[test]
    fn gamma_raises_values_to_the_power() {
        let image: Vec<u8> = (0..=255).collect();
        let gamma = Colors {
            gamma: Some(2.0),
            ..Colors::default()
        };
        for (before, after) in image.iter().zip(applied(gamma, 1, &image)) {
            let expected = f64::from(*before).powi(2) / 255.0;
            assert!((f64::from(after) - expected).abs() <= 0.5);
        }
    }

    #[test]
    fn extreme_factors_are_clamped() {
        let jitter = Jitter {
            brightness: 2.0,
            contrast: 2.0,
            saturation: 2.0,
            hue: 2.0,
        };
        let image = [255, 0, 0, 0, 255, 0, 255, 255, 255, 0, 0, 0];
        let changed = applied(colors(jitter), 3, &image);
        assert_eq!(
            (&changed[6..9], &changed[9..]),
            (&[255; 3][..], &[0; 3][..])
        );
    }
}
