//! Images of any size as input of a network: one shape, upright, gray or RGB, without transparency.
//!
//! Training and prediction both use [`decode_fit`], so that a file gives the same bytes in either.

use std::ops::Range;

use modiste_core::{Fit, ImageShape, Interpolation};

use crate::decode::decode_opaque;
use crate::error::Error;
use crate::picture::Picture;
use crate::resize::resize;

/// Decodes an image file and fits it to `shape`: [`decode_opaque`] to the channels of the shape, then [`fit`].
///
/// # Errors
/// Returns the errors of [`decode_opaque`] and [`fit`].
///
/// ```
/// use modiste_core::{Fit, ImageShape};
///
/// let photo = include_bytes!("../tests/opencv/large-612x408.jpg");
/// let picture = modiste_imaging::decode_fit(photo, ImageShape::new(32, 48, 3), Fit::Crop)?;
/// assert_eq!(picture.shape.to_string(), "32x48x3");
/// # Ok::<(), modiste_imaging::Error>(())
/// ```
pub fn decode_fit(bytes: &[u8], shape: ImageShape, mode: Fit) -> Result<Picture, Error> {
    let picture = decode_opaque(bytes, shape.channels)?;
    fit(picture, shape.height, shape.width, mode)
}

/// Fits a picture to `height` x `width`.
///
/// A side that shrinks becomes the mean of the covered area, and a side that grows is interpolated linearly. A picture
/// that has the size already is returned unchanged.
///
/// # Errors
/// Returns [`Error::Shape`] if a side is 0 or the result has too many pixels, and [`Error::Pixels`] if the picture is
/// empty or its length does not match its shape.
///
/// ```
/// use modiste_core::{Fit, ImageShape};
/// use modiste_imaging::{Picture, fit};
///
/// let stripe = || Picture { shape: ImageShape::new(1, 4, 1), pixels: vec![10, 20, 30, 40] };
/// assert_eq!(fit(stripe(), 2, 2, Fit::Pad)?.pixels, [15, 35, 0, 0]);
/// assert_eq!(fit(stripe(), 1, 1, Fit::Crop)?.pixels, [20]);
/// assert_eq!(fit(stripe(), 1, 2, Fit::Stretch)?.pixels, [15, 35]);
/// # Ok::<(), modiste_imaging::Error>(())
/// ```
pub fn fit(picture: Picture, height: usize, width: usize, mode: Fit) -> Result<Picture, Error> {
    picture.check()?;
    let from = picture.shape;
    if (from.height, from.width) == (height, width) {
        return Ok(picture);
    }
    let to = ImageShape::new(height, width, from.channels);
    if height == 0 || width == 0 || height.saturating_mul(width) as u64 > crate::MAX_PIXELS {
        let reason = "a side is 0, or there are too many pixels";
        return Err(Error::Shape { shape: to, reason });
    }
    let Placement {
        source,
        size,
        offset,
    } = Placement::of([from.height, from.width], [height, width], mode);
    let resized = match source == [0..from.height, 0..from.width] {
        true => resize_smoothly(&picture, size)?,
        false => resize_smoothly(&cropped(&picture, &source), size)?,
    };
    match size == [height, width] {
        true => Ok(resized),
        false => Ok(padded(&resized, to, offset)),
    }
}

/// Part of an image that [`fit`] shows, and the place of that part in the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Rows and columns of the image that are shown.
    pub source: [Range<usize>; 2],
    /// Height and width of that part in the result.
    pub size: [usize; 2],
    /// Row and column of its upper left corner in the result.
    pub offset: [usize; 2],
}

impl Placement {
    /// Placement of an image of `from` height and width in `to` height and width. All sides are above 0.
    pub fn of(from: [usize; 2], to: [usize; 2], mode: Fit) -> Self {
        let whole = from.map(|side| 0..side);
        // The aspect ratios, compared without division.
        let is_wider = from[1] * to[0] > from[0] * to[1];
        match mode {
            Fit::Stretch => Self {
                source: whole,
                size: to,
                offset: [0, 0],
            },
            Fit::Pad => {
                let size = match is_wider {
                    true => [scaled(from[0], to[1], from[1]).min(to[0]), to[1]],
                    false => [to[0], scaled(from[1], to[0], from[0]).min(to[1])],
                };
                Self {
                    source: whole,
                    size,
                    offset: [0, 1].map(|axis| (to[axis] - size[axis]) / 2),
                }
            }
            Fit::Crop => {
                let kept = match is_wider {
                    true => [from[0], scaled(to[1], from[0], to[0]).min(from[1])],
                    false => [scaled(to[0], from[1], to[1]).min(from[0]), from[1]],
                };
                Self {
                    source: [0, 1].map(|axis| {
                        let start = (from[axis] - kept[axis]) / 2;
                        start..start + kept[axis]
                    }),
                    size: to,
                    offset: [0, 0],
                }
            }
        }
    }
}

/// `side * numerator / denominator`, rounded, at least 1.
fn scaled(side: usize, numerator: usize, denominator: usize) -> usize {
    ((side * numerator + denominator / 2) / denominator).max(1)
}

/// Resizes by area along sides that shrink, and linearly along sides that grow.
fn resize_smoothly(picture: &Picture, [height, width]: [usize; 2]) -> Result<Picture, Error> {
    let from = picture.shape;
    let (smaller, narrower) = (height.min(from.height), width.min(from.width));
    let small = resize(picture, smaller, narrower, Interpolation::Area)?;
    match (smaller, narrower) == (height, width) {
        true => Ok(small),
        false => resize(&small, height, width, Interpolation::Linear),
    }
}

fn cropped(picture: &Picture, [rows, columns]: &[Range<usize>; 2]) -> Picture {
    let ImageShape {
        width, channels, ..
    } = picture.shape;
    let shape = ImageShape::new(rows.len(), columns.len(), channels);
    let mut pixels = Vec::with_capacity(shape.size());
    for row in rows.clone() {
        let start = row * width;
        let row = (start + columns.start) * channels..(start + columns.end) * channels;
        pixels.extend_from_slice(&picture.pixels[row]);
    }
    Picture { shape, pixels }
}

fn padded(picture: &Picture, shape: ImageShape, [top, left]: [usize; 2]) -> Picture {
    let mut pixels = vec![0; shape.size()];
    let row_length = picture.shape.width * shape.channels;
    for (row, source) in (top..).zip(picture.pixels.chunks_exact(row_length)) {
        let start = (row * shape.width + left) * shape.channels;
        pixels[start..start + row_length].copy_from_slice(source);
    }
    Picture { shape, pixels }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn placed(
        from: [usize; 2],
        to: [usize; 2],
        mode: Fit,
        expected: ([[usize; 2]; 2], [usize; 2], [usize; 2]),
    ) {
        let Placement {
            source,
            size,
            offset,
        } = Placement::of(from, to, mode);
        let source = source.map(|range| [range.start, range.end]);
        assert_eq!(
            (source, size, offset),
            expected,
            "{from:?} to {to:?}, {mode}"
        );
    }

    #[test]
    fn keeps_the_aspect_ratio() {
        placed(
            [100, 50],
            [64, 64],
            Fit::Pad,
            ([[0, 100], [0, 50]], [64, 32], [0, 16]),
        );
        placed(
            [50, 101],
            [64, 96],
            Fit::Pad,
            ([[0, 50], [0, 101]], [48, 96], [8, 0]),
        );
        placed(
            [100, 50],
            [64, 64],
            Fit::Crop,
            ([[25, 75], [0, 50]], [64, 64], [0, 0]),
        );
        placed(
            [50, 200],
            [64, 96],
            Fit::Crop,
            ([[0, 50], [62, 137]], [64, 96], [0, 0]),
        );
        placed(
            [100, 50],
            [64, 96],
            Fit::Stretch,
            ([[0, 100], [0, 50]], [64, 96], [0, 0]),
        );
        // A line stays at least one pixel wide.
        placed(
            [9000, 1],
            [8, 8],
            Fit::Pad,
            ([[0, 9000], [0, 1]], [8, 1], [0, 3]),
        );
        placed(
            [9000, 1],
            [8, 8],
            Fit::Crop,
            ([[4499, 4500], [0, 1]], [8, 8], [0, 0]),
        );
        // A smaller image grows.
        placed([2, 4], [8, 8], Fit::Pad, ([[0, 2], [0, 4]], [4, 8], [2, 0]));
    }

    #[test]
    fn every_mode_gives_the_shape() {
        for [height, width] in [[1, 1], [3, 7], [70, 31], [64, 96], [1, 400]] {
            for channels in [1, 3] {
                let shape = ImageShape::new(height, width, channels);
                let pixels = (0..shape.size()).map(|at| at as u8).collect();
                let picture = Picture { shape, pixels };
                for mode in [Fit::Pad, Fit::Crop, Fit::Stretch] {
                    let fitted = fit(picture.clone(), 64, 96, mode).expect("a valid shape");
                    assert_eq!(fitted.shape, ImageShape::new(64, 96, channels));
                    assert_eq!(fitted.pixels.len(), fitted.shape.size());
                }
            }
        }
    }

    #[test]
    fn one_side_may_shrink_while_the_other_grows() {
        // Four rows, two columns: the means of pairs of rows, then a linear ramp between the columns.
        let picture = Picture {
            shape: ImageShape::new(4, 2, 1),
            pixels: vec![0, 80, 20, 100, 40, 120, 60, 140],
        };
        let fitted = fit(picture, 2, 4, Fit::Stretch).expect("a valid shape");
        assert_eq!(fitted.pixels, [10, 30, 70, 90, 50, 70, 110, 130]);
    }

    #[test]
    fn rejects_empty_shapes() {
        let picture = |pixels: usize| Picture {
            shape: ImageShape::new(2, 3, 1),
            pixels: vec![1; pixels],
        };
        assert!(matches!(
            fit(picture(6), 0, 3, Fit::Pad),
            Err(Error::Shape { .. })
        ));
        assert!(matches!(
            fit(picture(6), usize::MAX, 3, Fit::Pad),
            Err(Error::Shape { .. })
        ));
        assert!(matches!(
            fit(picture(5), 2, 3, Fit::Pad),
            Err(Error::Pixels { .. })
        ));
    }
}
