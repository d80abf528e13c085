//! Decoding of image files in memory to gray or RGB pictures.

mod format;
mod gray;
mod jpeg;
mod markers;
mod memory;
mod open;
mod orientation;
mod tiff;

use image::{DynamicImage, GrayImage, ImageFormat, RgbImage};
use modiste_core::ImageShape;

use self::gray::{GrayRule, gray_plane, high_bytes};
use self::markers::{Ending, Layout};
use self::open::{Opened, finish, open};
use crate::catch_panic::catch_panic;
use crate::error::Error;
use crate::picture::Picture;
pub use format::{MAGIC_LENGTH, is_image};

/// Upper bound of the pixels of an image, checked before decoding.
pub const MAX_PIXELS: u64 = 100_000_000;

/// Upper bound of the bytes of decoded pixels of an image. The tables of a decoder, and a copy while
/// channels are converted, are not included.
pub const MAX_DECODED_BYTES: u64 = 320 << 20;

/// Decodes an image to gray, with the values of OpenCV's `imread(path, IMREAD_GRAYSCALE)`.
///
/// The format is detected from the content. The first frame of an animation is decoded, alpha is ignored
/// (a transparent pixel has the colour that is stored for it), and the EXIF orientation is applied. The
/// gray of a JPEG is its luma plane; the other formats use fixed-point forms of
/// `0.299 R + 0.587 G + 0.114 B`.
///
/// # Errors
/// Returns [`Error::UnsupportedFormat`] or [`Error::UnsupportedFeature`] if the image is not supported,
/// [`Error::Damaged`] if it is damaged, [`Error::TooManyPixels`], [`Error::TooMuchMemory`] or
/// [`Error::Memory`] if it exceeds a limit, and [`Error::Panicked`] if a decoder panics.
///
/// ```
/// let png = include_bytes!("../../tests/opencv/tiny-3x5.png");
/// let picture = modiste_imaging::decode_gray(png)?;
/// assert_eq!(picture.shape.to_string(), "3x5x1");
/// assert_eq!(picture.pixels[..4], [200, 209, 211, 210]);
/// # Ok::<(), modiste_imaging::Error>(())
/// ```
pub fn decode_gray(bytes: &[u8]) -> Result<Picture, Error> {
    decoded(bytes, |format, bytes| {
        if format == ImageFormat::Jpeg
            && let Some(picture) = open::jpeg_luma(bytes)?
        {
            return Ok(picture);
        }
        let Opened {
            image,
            orientation,
            gray,
        } = open(format, bytes)?;
        finish(format, gray_image(image, gray), orientation)
    })
}

/// Decodes an image to RGB, otherwise like [`decode_gray`]. A gray image gets three equal channels.
///
/// # Errors
/// Returns the errors of [`decode_gray`].
///
/// ```
/// let png = include_bytes!("../../tests/opencv/tiny-3x5.png");
/// let picture = modiste_imaging::decode_rgb(png)?;
/// assert_eq!(picture.shape.to_string(), "3x5x3");
/// # Ok::<(), modiste_imaging::Error>(())
/// ```
pub fn decode_rgb(bytes: &[u8]) -> Result<Picture, Error> {
    decoded(bytes, |format, bytes| {
        let opened = open(format, bytes)?;
        let image = DynamicImage::ImageRgb8(high_bytes(opened.image).into_rgb8());
        finish(format, image, opened.orientation)
    })
}

/// Decodes an image to RGB over white, with its alpha channel, otherwise like [`decode_gray`].
///
/// Transparent pixels are blended with white. The alpha channel, `[row, column]`, is returned if it can
/// serve as a mask: `None` if less than 1 % or more than 95 % of the pixels are opaque, as with rounded
/// corners.
///
/// # Errors
/// Returns the errors of [`decode_gray`].
pub fn decode_over_white(bytes: &[u8]) -> Result<(Picture, Option<Vec<u8>>), Error> {
    decoded(bytes, |format, bytes| {
        let opened = open(format, bytes)?;
        let image = high_bytes(opened.image);
        if !image.color().has_alpha() {
            let image = DynamicImage::ImageRgb8(image.into_rgb8());
            return Ok((finish(format, image, opened.orientation)?, None));
        }
        let image = DynamicImage::ImageRgba8(image.into_rgba8());
        Ok(over_white(finish(format, image, opened.orientation)?))
    })
}

/// Decodes an image to gray (1 channel) or RGB (3 channels), with transparent pixels blended with white, otherwise like
/// [`decode_gray`].
///
/// # Errors
/// Returns the errors of [`decode_gray`], and [`Error::Shape`] if the number of channels is neither 1 nor 3.
///
/// ```
/// let png = include_bytes!("../../tests/opencv/tiny-3x5.png");
/// assert_eq!(modiste_imaging::decode_opaque(png, 3)?.shape.to_string(), "3x5x3");
/// # Ok::<(), modiste_imaging::Error>(())
/// ```
pub fn decode_opaque(bytes: &[u8], channels: usize) -> Result<Picture, Error> {
    if ![1, 3].contains(&channels) {
        return Err(Error::Shape {
            shape: ImageShape::new(0, 0, channels),
            reason: "expected 1 channel (gray) or 3 channels (RGB)",
        });
    }
    decoded(bytes, |format, bytes| {
        if (channels, format) == (1, ImageFormat::Jpeg)
            && let Some(picture) = open::jpeg_luma(bytes)?
        {
            return Ok(picture);
        }
        let opened = open(format, bytes)?;
        let image = match opened.image.color().has_alpha() {
            true => blended_with_white(opened.image),
            false => opened.image,
        };
        let image = match channels {
            1 => gray_image(image, opened.gray),
            _ => DynamicImage::ImageRgb8(high_bytes(image).into_rgb8()),
        };
        finish(format, image, opened.orientation)
    })
}

/// Blends the pixels of an image with white; the result is RGB.
fn blended_with_white(image: DynamicImage) -> DynamicImage {
    let image = high_bytes(image).into_rgba8();
    let blended = image.pixels().flat_map(|pixel| {
        let [red, green, blue, alpha] = pixel.0;
        [red, green, blue].map(|value| over_white_value(value, alpha))
    });
    let rgb = RgbImage::from_raw(image.width(), image.height(), blended.collect());
    DynamicImage::ImageRgb8(rgb.unwrap_or_default())
}

fn gray_image(image: DynamicImage, rule: GrayRule) -> DynamicImage {
    let (width, height) = (image.width(), image.height());
    let gray = GrayImage::from_raw(width, height, gray_plane(image, rule));
    DynamicImage::ImageLuma8(gray.unwrap_or_default())
}

fn over_white_value(value: u8, alpha: u8) -> u8 {
    let [value, alpha] = [value, alpha].map(u32::from);
    ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

/// Height and width of an image in pixels, from its header, after its EXIF orientation is applied.
///
/// # Errors
/// Returns [`Error::UnsupportedFormat`], [`Error::Damaged`] if the header cannot be read, and [`Error::TooManyPixels`].
///
/// ```
/// let turned = include_bytes!("../../tests/opencv/turned-exif6-120x80.jpg");
/// assert_eq!(modiste_imaging::image_size(turned)?, [80, 120]);
/// # Ok::<(), modiste_imaging::Error>(())
/// ```
pub fn image_size(bytes: &[u8]) -> Result<[usize; 2], Error> {
    let format = format::sniff(bytes)?;
    catch_panic(|| open::upright_size(format, bytes))
}

/// Fractions of opaque pixels between which the alpha channel is a mask.
const MASK_FRACTION: std::ops::RangeInclusive<f64> = 0.01..=0.95;

/// Blends an RGBA picture with white, in place.
fn over_white(picture: Picture) -> (Picture, Option<Vec<u8>>) {
    let Picture { shape, mut pixels } = picture;
    let alphas: Vec<u8> = pixels.chunks_exact(4).map(|pixel| pixel[3]).collect();
    for (index, &alpha) in alphas.iter().enumerate() {
        for channel in 0..3 {
            pixels[3 * index + channel] = over_white_value(pixels[4 * index + channel], alpha);
        }
    }
    pixels.truncate(3 * alphas.len());
    let opaque = alphas.iter().filter(|alpha| **alpha > 127).count();
    let fraction = opaque as f64 / alphas.len() as f64;
    let is_mask = MASK_FRACTION.contains(&fraction);
    let shape = ImageShape {
        channels: 3,
        ..shape
    };
    (Picture { shape, pixels }, is_mask.then_some(alphas))
}

/// Warning about an image that can be decoded: a JPEG without its end marker, which an interrupted copy
/// may leave behind.
///
/// ```
/// let whole = include_bytes!("../../tests/opencv/large-612x408.jpg");
/// assert_eq!(modiste_imaging::image_warning(whole), None);
/// let without_end = &whole[..whole.len() - 2];
/// assert!(modiste_imaging::decode_gray(without_end).is_ok());
/// assert!(modiste_imaging::image_warning(without_end).is_some());
/// ```
pub fn image_warning(bytes: &[u8]) -> Option<&'static str> {
    let is_jpeg = format::sniff(bytes) == Ok(ImageFormat::Jpeg);
    let layout = is_jpeg.then(|| Layout::read(bytes)).flatten()?;
    (layout.ending != Ending::Marked)
        .then_some("the JPEG is missing its end marker; its pixels are complete")
}

/// Runs `decode` when there is enough memory, and turns a panic into an error.
fn decoded<T>(
    bytes: &[u8],
    decode: impl FnOnce(ImageFormat, &[u8]) -> Result<T, Error>,
) -> Result<T, Error> {
    let format = format::sniff(bytes)?;
    catch_panic(|| {
        let _reserved = memory::reserve(open::pixels(format, bytes)?)?;
        decode(format, bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panic_fails_for_one_image_only() {
        let photo = include_bytes!("../../tests/opencv/large-612x408.jpg");
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let work = |number: usize| {
                move || match number % 2 {
                    0 => decode_gray(photo),
                    _ => decoded(photo, |_, bytes| panic!("byte {}", bytes[number])),
                }
            };
            let threads: Vec<_> = (0..8).map(|number| scope.spawn(work(number))).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("the panic is caught"))
                .collect()
        });
        for (number, outcome) in outcomes.iter().enumerate() {
            match number % 2 {
                0 => assert!(outcome.is_ok()),
                _ => assert!(
                    matches!(outcome, Err(Error::Panicked { .. })),
                    "{outcome:?}"
                ),
            }
        }
    }
}
