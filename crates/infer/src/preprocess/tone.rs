//! Steps that change gray levels and sharpness.

use modiste_core::{ImageShape, luma, separable_filter};
use modiste_imaging::Picture;

use super::view::View;

/// Replaces gray by 255 minus gray; RGB views are left unchanged.
pub(super) fn negate(mut view: View) -> View {
    if view.picture.shape.channels == 1 {
        for value in &mut view.picture.pixels {
            *value = 255 - *value;
        }
    }
    view
}

/// Converts RGB to 255 minus luma (ITU-R BT.601).
pub(super) fn gray(view: View) -> View {
    let shape = view.picture.shape;
    if shape.channels != 3 {
        return negate(view);
    }
    let (colours, _) = view.picture.pixels.as_chunks();
    let pixels = colours.iter().map(|&colour| 255 - luma(colour)).collect();
    View {
        picture: Picture {
            shape: ImageShape {
                channels: 1,
                ..shape
            },
            pixels,
        },
        ..view
    }
}

/// Scales gray levels so that the garment has the given mean and standard deviation. The contrast gain
/// is clamped to `[low, high]` and the result to at least `floor`.
pub(super) fn normalize_tone(
    mut view: View,
    mean: f32,
    deviation: f32,
    [low, high]: [f32; 2],
    floor: f32,
) -> View {
    let channels = view.picture.shape.channels;
    let coverage = |index: usize| match &view.mask {
        Some(mask) => f64::from(mask[index / channels]),
        None => 255.0,
    };
    let (mut area, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for (index, &value) in view.picture.pixels.iter().enumerate() {
        let (value, weight) = (f64::from(value), coverage(index));
        area += weight;
        sum += weight * value;
        squares += weight * value * value;
    }
    if area == 0.0 {
        return view;
    }
    let found = sum / area;
    let spread = (squares / area - found * found).max(0.0).sqrt();
    let gain = (deviation / spread.max(1.0) as f32).clamp(low, high);
    for value in &mut view.picture.pixels {
        let moved = mean + gain * (f32::from(*value) - found as f32);
        *value = moved.clamp(floor, 255.0).round() as u8;
    }
    view
}

/// Unsharp mask: adds `amount` times the difference to a Gaussian blur.
pub(super) fn sharpen(mut view: View, sigma: f32, amount: f32) -> View {
    let blurred = gaussian_blur(&view.picture, sigma);
    for (value, blurred) in view.picture.pixels.iter_mut().zip(blurred) {
        let value_before = f32::from(*value);
        let sharp = value_before + amount * (value_before - blurred);
        *value = sharp.round().clamp(0.0, 255.0) as u8;
    }
    view
}

/// Gaussian blur with a kernel of three standard deviations on either side.
fn gaussian_blur(picture: &Picture, sigma: f32) -> Vec<f32> {
    let reach = (3.0 * sigma).ceil().max(1.0) as usize;
    let weight = |offset: usize| {
        let distance = offset as f32 - reach as f32;
        (-distance * distance / (2.0 * sigma * sigma)).exp()
    };
    let kernel: Vec<f32> = (0..=2 * reach).map(weight).collect();
    let values: Vec<f32> = picture.pixels.iter().map(|&v| f32::from(v)).collect();
    separable_filter(picture.shape, &values, &kernel, kernel.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(height: usize, width: usize, pixels: &[u8]) -> View {
        View::new(Picture {
            shape: ImageShape::new(height, width, 1),
            pixels: pixels.to_vec(),
        })
    }

    #[test]
    fn gray_is_inverted_luma() {
        let colours = View::new(Picture {
            shape: ImageShape::new(1, 3, 3),
            pixels: vec![255, 255, 255, 200, 100, 50, 0, 0, 0],
        });
        // 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2
        assert_eq!(gray(colours).picture.pixels, [0, 131, 255]);
    }

    #[test]
    fn normalize_tone_sets_mean_and_deviation_of_garment() {
        let mut view = plane(1, 5, &[90, 110, 90, 110, 250]);
        view.mask = Some(vec![255, 255, 255, 255, 0]);
        // Within the mask the mean is 100 and the deviation 10; the last pixel counts for neither.
        let moved = normalize_tone(view.clone(), 150.0, 20.0, [0.1, 5.0], 0.0)
            .picture
            .pixels;
        assert_eq!(moved, [130, 170, 130, 170, 255]);
        let bounded = normalize_tone(view.clone(), 150.0, 20.0, [0.1, 1.5], 0.0);
        assert_eq!(bounded.picture.pixels[..2], [135, 165]);
        let floor = normalize_tone(view, 20.0, 20.0, [0.1, 5.0], 15.0);
        assert_eq!(floor.picture.pixels[..2], [15, 40]);
        // The mask has one byte per pixel, not per channel.
        let mut colours = View::new(Picture {
            shape: ImageShape::new(1, 2, 3),
            pixels: vec![90, 110, 100, 7, 7, 7],
        });
        colours.mask = Some(vec![255, 0]);
        let moved = normalize_tone(colours, 150.0, 10.0, [1.0, 1.0], 0.0);
        assert_eq!(moved.picture.pixels[..3], [140, 160, 150]);
    }

    #[test]
    fn blurs_to_gaussian_and_sharpens_edges() {
        let mut pixels = [0; 7 * 9];
        pixels[3 * 9 + 4] = 200;
        let view = plane(7, 9, &pixels);
        let blurred = gaussian_blur(&view.picture, 1.0);
        // The Gaussian at 0 and 1, divided by its sum from -3 to 3.
        let sum: f32 = (-3..=3).map(|x: i32| (-0.5 * (x * x) as f32).exp()).sum();
        let at = |distance: f32| (-0.5 * distance * distance).exp() / sum;
        for (index, expected) in [
            (3 * 9 + 4, at(0.0) * at(0.0)),
            (3 * 9 + 5, at(0.0) * at(1.0)),
            (2 * 9 + 4, at(1.0) * at(0.0)),
            (4 * 9 + 6, at(1.0) * at(2.0)),
        ] {
            assert!((blurred[index] - 200.0 * expected).abs() < 1e-3, "{index}");
        }
        let step = plane(1, 4, &[100, 100, 150, 150]);
        let sharp = sharpen(step, 1.0, 0.5).picture.pixels;
        assert!(sharp[1] < 100 && sharp[2] > 150, "{sharp:?}");
    }
}
