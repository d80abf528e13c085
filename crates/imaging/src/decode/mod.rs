//! Pictures out of bytes: which format, how large, which way up, gray or coloured.

mod format;
mod gray;
mod jpeg;
mod markers;
mod open;
mod orientation;
mod room;
mod tiff;

use image::{DynamicImage, GrayImage, ImageFormat};
use modiste_core::ImageShape;

use self::gray::{gray_plane, high_bytes};
use self::markers::{Ending, Layout};
use self::open::{Opened, finish, open};
use crate::error::Error;
use crate::isolate::isolated;
use crate::picture::Picture;
pub use format::{MAGIC_LENGTH, is_image};

/// Most pixels that a picture may have; checked before any is decoded.
pub const MAX_PIXELS: u64 = 100_000_000;

/// Most bytes that a decoder may give the pixels of one picture. (Its own tables come on top, and a
/// second copy while channels are converted.)
pub const MAX_DECODED_BYTES: u64 = 320 << 20;

/// Decodes a picture to gray, to the values that OpenCV's `imread(path, IMREAD_GRAYSCALE)` gives.
///
/// What kind of picture it is comes from its content. Of an animation the first frame is taken,
/// alpha is ignored (a transparent pixel counts with the colour that lies under it), and the EXIF
/// orientation is applied. A JPEG's gray is its luma plane; of the other formats each has its own
/// fixed-point form of `0.299 R + 0.587 G + 0.114 B`.
///
/// # Errors
/// Where the bytes are no picture of a format that is read, are damaged, or where the picture
/// exceeds [`MAX_PIXELS`] or [`MAX_DECODED_BYTES`].
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
        let (width, height) = (image.width(), image.height());
        let gray = GrayImage::from_raw(width, height, gray_plane(image, gray))
            .map(DynamicImage::ImageLuma8)
            .unwrap_or_default();
        finish(format, gray, orientation)
    })
}

/// Decodes a picture to red, green, blue; gray pictures get three equal channels.
///
/// Otherwise as [`decode_gray`].
///
/// # Errors
/// As [`decode_gray`].
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

/// Decodes a picture to red, green, blue, and says how much of each pixel is seen: 255 for all of
/// it. What is transparent is mixed with white. Where (nearly) all or nothing of it is seen there are
/// no such bytes: rounded corners are no mask.
///
/// Otherwise as [`decode_gray`].
///
/// # Errors
/// As [`decode_gray`].
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

/// Alpha is a garment's mask where it shows at least this share of the picture...
const LEAST_SEEN: f64 = 0.01;

/// ... and no more than this.
const MOST_SEEN: f64 = 0.95;

/// Mixes a picture of four channels with white, in place.
fn over_white(picture: Picture) -> (Picture, Option<Vec<u8>>) {
    let Picture { shape, mut pixels } = picture;
    let cover: Vec<u8> = pixels.chunks_exact(4).map(|pixel| pixel[3]).collect();
    for (index, &alpha) in cover.iter().enumerate() {
        for channel in 0..3 {
            let [value, alpha] = [pixels[4 * index + channel], alpha].map(u32::from);
            pixels[3 * index + channel] = ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        }
    }
    pixels.truncate(3 * cover.len());
    let seen = cover.iter().filter(|alpha| **alpha > 127).count();
    let share = seen as f64 / cover.len() as f64;
    let tells = (LEAST_SEEN..=MOST_SEEN).contains(&share);
    let shape = ImageShape {
        channels: 3,
        ..shape
    };
    (Picture { shape, pixels }, tells.then_some(cover))
}

/// What to warn of in a picture that can be decoded: a JPEG without its end marker, as an interrupted
/// copy leaves it.
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
        .then_some("the JPEG lacks its end marker; its pixels are all there")
}

/// Decodes by `decode`, when there is room for it. A decoder that panics has failed on these bytes alone.
fn decoded<T>(
    bytes: &[u8],
    decode: impl FnOnce(ImageFormat, &[u8]) -> Result<T, Error>,
) -> Result<T, Error> {
    let format = format::sniff(bytes)?;
    isolated(|| {
        let _room = room::wait_for(open::pixels(format, bytes)?)?;
        decode(format, bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoder_that_panics_costs_no_other_picture() {
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
                .map(|thread| thread.join().expect("no panic gets out"))
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
