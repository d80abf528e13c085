//! Blur and noise.

use modiste_core::{ImageShape, Rng, separable_filter};

use super::settings::ImageAugmentation;
use crate::augment::random::{between, chance};

/// Blurs an image and adds noise to it, in place and each with its probability.
pub(super) fn apply(
    settings: &ImageAugmentation,
    shape: ImageShape,
    image: &mut [u8],
    rng: &mut Rng,
) {
    if let Some(blur) = &settings.blur
        && chance(rng, blur.probability)
    {
        gaussian_blur(shape, image, between(rng, blur.sigma));
    }
    if let Some(noise) = &settings.noise
        && chance(rng, noise.probability)
    {
        add_noise(image, between(rng, noise.sigma), rng);
    }
}

/// Blurs an image with a window of three standard deviations, `sigma` pixels each. The edge is repeated.
fn gaussian_blur(shape: ImageShape, image: &mut [u8], sigma: f64) {
    let reach = (3.0 * sigma).ceil() as i32;
    let weights = (-reach..=reach).map(|distance| {
        let deviations = f64::from(distance) / sigma;
        (-0.5 * deviations * deviations).exp() as f32
    });
    let weights: Vec<f32> = weights.collect();
    let sum = weights.iter().sum();
    let values: Vec<f32> = image.iter().map(|&value| f32::from(value)).collect();
    let blurred = separable_filter(shape, &values, &weights, sum);
    for (value, blurred) in image.iter_mut().zip(blurred) {
        *value = rounded(blurred);
    }
}

/// Adds noise with a standard deviation of `sigma` gray levels.
fn add_noise(image: &mut [u8], sigma: f64, rng: &mut Rng) {
    // The sum of four uniform numbers approximates a normal distribution (Irwin-Hall). Each number has 16 bits; the sum
    // has a mean of 2 * 65535 and a variance of (65536^2 - 1) / 3.
    let scale = (sigma * 3.0_f64.sqrt() / 65536.0) as f32;
    for value in image {
        let bits = rng.next_u64();
        let sum = [0, 16, 32, 48].map(|shift| (bits >> shift) as u16);
        let sum: u32 = sum.into_iter().map(u32::from).sum();
        *value = rounded(f32::from(*value) + scale * (sum as f32 - 131_070.0));
    }
}

/// Nearest gray level of a value; halves are rounded up.
fn rounded(value: f32) -> u8 {
    // `as` truncates and saturates.
    (value + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blur_matches_two_dimensional_gaussian() {
        let shape = ImageShape::new(7, 9, 3);
        let mut rng = Rng::new(2);
        let image: Vec<u8> = (0..shape.size()).map(|_| rng.next_u64() as u8).collect();
        let mut blurred = image.clone();
        gaussian_blur(shape, &mut blurred, 0.8);
        for (index, found) in blurred.iter().enumerate() {
            let (row, column, channel) = (index / 27, index / 3 % 9, index % 3);
            let (mut sum, mut weights) = (0.0, 0.0);
            for (down, right) in (-3..=3).flat_map(|down| (-3..=3).map(move |right| (down, right)))
            {
                let at = |index: usize, offset: i32, side: i32| {
                    (index as i32 + offset).clamp(0, side - 1) as usize
                };
                let pixel = at(row, down, 7) * 9 + at(column, right, 9);
                let weight = (f64::from(-down * down - right * right) / (2.0 * 0.64)).exp();
                sum += weight * f64::from(image[pixel * 3 + channel]);
                weights += weight;
            }
            let expected = sum / weights;
            assert!(
                (f64::from(*found) - expected).abs() < 0.51,
                "{found}, {expected}"
            );
        }
    }

    #[test]
    fn noise_has_the_deviation_and_no_bias() {
        let mut rng = Rng::new(2);
        let mut image = vec![128; 60_000];
        add_noise(&mut image, 12.0, &mut rng);
        let differences = || image.iter().map(|&value| f64::from(value) - 128.0);
        let mean = differences().sum::<f64>() / 60_000.0;
        let deviation = (differences().map(|d| d * d).sum::<f64>() / 60_000.0).sqrt();
        assert!(mean.abs() < 0.25, "{mean}");
        assert!((deviation - 12.0).abs() < 0.2, "{deviation}");
        let kurtosis = differences().map(|d| d.powi(4)).sum::<f64>() / 60_000.0 / deviation.powi(4);
        // That of the sum of four uniform numbers is 2.7, that of a normal distribution 3.
        assert!((kurtosis - 2.7).abs() < 0.1, "{kurtosis}");
        let mut same = vec![0, 7, 255];
        add_noise(&mut same, 0.0, &mut rng);
        assert_eq!(same, [0, 7, 255]);
    }
}
