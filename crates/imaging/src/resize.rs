//! Resizing with the pixel values of OpenCV's `resize` for 8-bit images.

use modiste_core::{ImageShape, Interpolation};

use crate::area::{area, scale};
use crate::error::Error;
use crate::picture::Picture;

/// Resizes a picture to `height` x `width` without keeping the aspect ratio.
///
/// The result equals OpenCV's `resize(picture, (width, height), interpolation)`.
///
/// # Errors
/// Returns [`Error::Shape`] if a side is 0 or the result has too many pixels, and [`Error::Pixels`] if the
/// picture is empty or its length does not match its shape.
///
/// ```
/// use modiste_core::ImageShape;
/// use modiste_imaging::{Interpolation, Picture, resize};
///
/// let stripe = Picture {
///     shape: ImageShape::new(1, 4, 1),
///     pixels: vec![10, 20, 30, 40],
/// };
/// assert_eq!(resize(&stripe, 1, 2, Interpolation::Nearest)?.pixels, [10, 30]);
/// assert_eq!(resize(&stripe, 1, 2, Interpolation::Area)?.pixels, [15, 35]);
/// # Ok::<(), modiste_imaging::Error>(())
/// ```
pub fn resize(
    picture: &Picture,
    height: usize,
    width: usize,
    interpolation: Interpolation,
) -> Result<Picture, Error> {
    let from = picture.shape;
    let to = ImageShape::new(height, width, from.channels);
    let invalid = |shape, reason| Err(Error::Shape { shape, reason });
    if height == 0 || width == 0 {
        return invalid(to, "a side is 0");
    }
    if height.saturating_mul(width) as u64 > crate::MAX_PIXELS {
        return invalid(to, "too many pixels");
    }
    picture.check()?;
    let pixels = if (from.height, from.width) == (height, width) {
        picture.pixels.clone()
    } else {
        match interpolation {
            Interpolation::Nearest => nearest(picture, to),
            Interpolation::Area if shrinks(from, to) => area(picture, to),
            Interpolation::Area => {
                let rows = growing_taps(from.height, to.height);
                blend(picture, &rows, &growing_taps(from.width, to.width))
            }
            // At exactly half the size the four neighbours are the covered area.
            Interpolation::Linear if from.height == 2 * height && from.width == 2 * width => {
                area(picture, to)
            }
            Interpolation::Linear => {
                let rows = linear_taps(from.height, to.height);
                blend(picture, &rows, &linear_taps(from.width, to.width))
            }
        }
    };
    Ok(Picture { shape: to, pixels })
}

/// Shrinks a picture by area interpolation until its longest edge is at most `longest` pixels, and keeps
/// the aspect ratio. A smaller picture is returned unchanged.
///
/// # Panics
/// If the length of the picture does not match its shape, or `longest` is 0.
///
/// ```
/// use modiste_core::ImageShape;
/// use modiste_imaging::{Picture, shrink_to_fit};
///
/// let stripe = Picture { shape: ImageShape::new(1, 4, 1), pixels: vec![10, 20, 30, 40] };
/// assert_eq!(shrink_to_fit(&stripe, 2).pixels, [15, 35]);
/// ```
pub fn shrink_to_fit(picture: &Picture, longest: usize) -> Picture {
    let shape = picture.shape;
    let edge = shape.height.max(shape.width);
    if edge <= longest {
        return picture.clone();
    }
    let side = |length: usize| ((length * longest + edge / 2) / edge).max(1);
    let to = ImageShape {
        height: side(shape.height),
        width: side(shape.width),
        channels: shape.channels,
    };
    Picture {
        shape: to,
        pixels: area(picture, to),
    }
}

fn shrinks(from: ImageShape, to: ImageShape) -> bool {
    from.height >= to.height && from.width >= to.width
}

fn nearest(picture: &Picture, to: ImageShape) -> Vec<u8> {
    let from = picture.shape;
    let (row_scale, column_scale) = (scale(from.height, to.height), scale(from.width, to.width));
    let mut pixels = Vec::with_capacity(to.size());
    for row in 0..to.height {
        let row = ((row as f64 * row_scale) as usize).min(from.height - 1);
        for column in 0..to.width {
            let column = ((column as f64 * column_scale) as usize).min(from.width - 1);
            let start = (row * from.width + column) * from.channels;
            pixels.extend_from_slice(&picture.pixels[start..start + from.channels]);
        }
    }
    pixels
}

/// Two neighbouring source pixels with their weights in units of 1/2048.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tap {
    indices: [usize; 2],
    weights: [i32; 2],
}

/// Weight of 1 in fixed point.
const TAP_ONE: f32 = 2048.0;

fn tap(index: f64, fraction: f32, from: usize) -> Tap {
    let last = (from - 1) as f64;
    Tap {
        indices: [index, index + 1.0].map(|index| index.clamp(0.0, last) as usize),
        weights: [1.0 - fraction, fraction]
            .map(|weight| (weight * TAP_ONE).round_ties_even() as i32),
    }
}

/// Taps of `INTER_LINEAR`: the source pixels on either side of each target pixel's centre.
fn linear_taps(from: usize, to: usize) -> Vec<Tap> {
    let scale = scale(from, to);
    (0..to)
        .map(|index| {
            let position = ((index as f64 + 0.5) * scale - 0.5) as f32;
            let floor = position.floor();
            tap(f64::from(floor), position - floor, from)
        })
        .collect()
}

/// Taps of `INTER_AREA` along a side that grows: one source pixel for most target pixels, and two for
/// those that lie across a boundary.
fn growing_taps(from: usize, to: usize) -> Vec<Tap> {
    let inverse = to as f64 / from as f64;
    let scale = 1.0 / inverse;
    (0..to)
        .map(|index| {
            let floor = (index as f64 * scale).floor();
            let beyond = ((index + 1) as f64 - (floor + 1.0) * inverse) as f32;
            let fraction = if beyond <= 0.0 { 0.0 } else { beyond.fract() };
            tap(floor, fraction, from)
        })
        .collect()
}

fn blend(picture: &Picture, rows: &[Tap], columns: &[Tap]) -> Vec<u8> {
    let channels = picture.shape.channels;
    let row_length = picture.shape.width * channels;
    let mix_columns = |row: usize| -> Vec<i32> {
        let source = &picture.pixels[row * row_length..(row + 1) * row_length];
        let mut mixed = Vec::with_capacity(columns.len() * channels);
        for tap in columns {
            for channel in 0..channels {
                let [left, right] = tap
                    .indices
                    .map(|column| i32::from(source[column * channels + channel]));
                mixed.push(left * tap.weights[0] + right * tap.weights[1]);
            }
        }
        mixed
    };
    let mut pixels = Vec::with_capacity(rows.len() * columns.len() * channels);
    for tap in rows {
        let [upper, lower] = tap.indices.map(mix_columns);
        pixels.extend(upper.iter().zip(&lower).map(|(upper, lower)| {
            // OpenCV drops the 22 fractional bits in these three steps.
            let upper = (tap.weights[0] * (upper >> 4)) >> 16;
            let lower = (tap.weights[1] * (lower >> 4)) >> 16;
            ((upper + lower + 2) >> 2).clamp(0, 255) as u8
        }));
    }
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Picture of 2x3 pixels and two channels with distinct values.
    fn distinct() -> Picture {
        Picture {
            shape: ImageShape::new(2, 3, 2),
            pixels: (0..12).map(|value| value * 20).collect(),
        }
    }

    #[test]
    fn same_size_is_identity() {
        for interpolation in [
            Interpolation::Nearest,
            Interpolation::Linear,
            Interpolation::Area,
        ] {
            let same = resize(&distinct(), 2, 3, interpolation).expect("sides above 0");
            assert_eq!(same, distinct(), "{interpolation}");
        }
    }

    #[test]
    fn keeps_rows_columns_and_channels() {
        let doubled = resize(&distinct(), 4, 6, Interpolation::Nearest).expect("sides above 0");
        let narrow = resize(&doubled, 2, 3, Interpolation::Area).expect("sides above 0");
        assert_eq!(narrow, distinct());
        let row = resize(&distinct(), 1, 3, Interpolation::Area).expect("sides above 0");
        assert_eq!(row.pixels, [60, 80, 100, 120, 140, 160]);
        let column = resize(&distinct(), 2, 1, Interpolation::Linear).expect("sides above 0");
        assert_eq!(column.pixels, [40, 60, 160, 180]);
    }

    #[test]
    fn rejects_invalid_shapes() {
        let rejected = |picture: &Picture, height| {
            resize(picture, height, 3, Interpolation::Linear)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            rejected(&distinct(), 0),
            "cannot resize an image to 0x3x2: a side is 0"
        );
        let short = Picture {
            pixels: vec![0; 11],
            ..distinct()
        };
        assert!(rejected(&short, 4).contains("2x3x2"));
    }
}
