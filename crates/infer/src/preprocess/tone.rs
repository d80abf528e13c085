//! Steps that change how bright pixels are.

use modiste_core::ImageShape;

use super::view::View;
use modiste_imaging::Picture;

/// 255 minus gray; colours stay.
pub(super) fn negate(mut view: View) -> View {
    if view.picture.shape.channels == 1 {
        for value in &mut view.picture.pixels {
            *value = 255 - *value;
        }
    }
    view
}

/// 255 minus the gray of the colours (ITU-R BT.601).
pub(super) fn gray(view: View) -> View {
    let shape = view.picture.shape;
    if shape.channels != 3 {
        return negate(view);
    }
    let gray = |colour: &[u8]| {
        let [red, green, blue] = [0, 1, 2].map(|channel| u32::from(colour[channel]));
        255 - ((299 * red + 587 * green + 114 * blue + 500) / 1000) as u8
    };
    View {
        picture: Picture {
            shape: ImageShape {
                channels: 1,
                ..shape
            },
            pixels: view.picture.pixels.chunks_exact(3).map(gray).collect(),
        },
        ..view
    }
}

/// Moves the garment's gray to a mean and a standard deviation.
pub(super) fn tone(
    mut view: View,
    mean: f32,
    deviation: f32,
    [least, most]: [f32; 2],
    floor: f32,
) -> View {
    let channels = view.picture.shape.channels;
    let cover = |index: usize| match &view.cover {
        Some(cover) => f64::from(cover[index / channels]),
        None => 255.0,
    };
    let (mut area, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for (index, &value) in view.picture.pixels.iter().enumerate() {
        let (value, weight) = (f64::from(value), cover(index));
        area += weight;
        sum += weight * value;
        squares += weight * value * value;
    }
    if area == 0.0 {
        return view;
    }
    let found = sum / area;
    let spread = (squares / area - found * found).max(0.0).sqrt();
    let gain = (deviation / spread.max(1.0) as f32).clamp(least, most);
    for value in &mut view.picture.pixels {
        let moved = mean + gain * (f32::from(*value) - found as f32);
        *value = moved.clamp(floor, 255.0).round() as u8;
    }
    view
}

/// Adds `amount` times what a Gaussian blur takes away.
pub(super) fn sharpen(mut view: View, sigma: f32, amount: f32) -> View {
    let blurred = blur(&view.picture, sigma);
    for (value, blurred) in view.picture.pixels.iter_mut().zip(blurred) {
        let value_before = f32::from(*value);
        let sharp = value_before + amount * (value_before - blurred);
        *value = sharp.round().clamp(0.0, 255.0) as u8;
    }
    view
}

/// A Gaussian blur in a window of three sigma; beyond the edge the picture goes on as it ends.
fn blur(picture: &Picture, sigma: f32) -> Vec<f32> {
    let ImageShape {
        height,
        width,
        channels,
    } = picture.shape;
    let reach = (3.0 * sigma).ceil().max(1.0) as usize;
    let weight = |offset: usize| {
        let distance = offset as f32 - reach as f32;
        (-distance * distance / (2.0 * sigma * sigma)).exp()
    };
    let weights: Vec<f32> = (0..=2 * reach).map(weight).collect();
    let sum: f32 = weights.iter().sum();
    let source: Vec<f32> = picture.pixels.iter().map(|&v| f32::from(v)).collect();
    let along = |values: &[f32], side: usize, step: usize, position: &dyn Fn(usize) -> usize| {
        (0..values.len())
            .map(|index| {
                let at = position(index);
                let mixed = weights.iter().enumerate().map(|(offset, weight)| {
                    let to = (at + offset).saturating_sub(reach).min(side - 1);
                    weight * values[index - at * step + to * step]
                });
                mixed.sum::<f32>() / sum
            })
            .collect::<Vec<f32>>()
    };
    let row_length = width * channels;
    let rows = along(&source, height, row_length, &|index| index / row_length);
    along(&rows, width, channels, &|index| {
        index % row_length / channels
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(height: usize, width: usize, pixels: &[u8]) -> View {
        View::plain(Picture {
            shape: ImageShape::new(height, width, 1),
            pixels: pixels.to_vec(),
        })
    }

    #[test]
    fn colours_become_negated_gray() {
        let colours = View::plain(Picture {
            shape: ImageShape::new(1, 3, 3),
            pixels: vec![255, 255, 255, 200, 100, 50, 0, 0, 0],
        });
        // 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2
        assert_eq!(gray(colours).picture.pixels, [0, 131, 255]);
    }

    #[test]
    fn the_garment_gets_its_mean_and_contrast() {
        let mut view = plane(1, 5, &[90, 110, 90, 110, 250]);
        view.cover = Some(vec![255, 255, 255, 255, 0]);
        // The mean is 100 and the deviation 10 where the cover is; what lies beside takes part in
        // neither.
        let moved = tone(view.clone(), 150.0, 20.0, [0.1, 5.0], 0.0)
            .picture
            .pixels;
        assert_eq!(moved, [130, 170, 130, 170, 255]);
        let bounded = tone(view.clone(), 150.0, 20.0, [0.1, 1.5], 0.0);
        assert_eq!(bounded.picture.pixels[..2], [135, 165]);
        let floor = tone(view, 20.0, 20.0, [0.1, 5.0], 15.0);
        assert_eq!(floor.picture.pixels[..2], [15, 40]);
        // A cover counts pixels, not bytes.
        let mut colours = View::plain(Picture {
            shape: ImageShape::new(1, 2, 3),
            pixels: vec![90, 110, 100, 7, 7, 7],
        });
        colours.cover = Some(vec![255, 0]);
        let moved = tone(colours, 150.0, 10.0, [1.0, 1.0], 0.0).picture.pixels;
        assert_eq!(moved[..3], [140, 160, 150]);
    }

    #[test]
    fn a_point_is_blurred_to_a_gaussian_and_sharpened_the_other_way() {
        let mut pixels = [0; 7 * 9];
        pixels[3 * 9 + 4] = 200;
        let view = plane(7, 9, &pixels);
        let blurred = blur(&view.picture, 1.0);
        // The Gaussian at 0 and 1, over its sum from -3 to 3.
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
