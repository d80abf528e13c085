//! Encoding to JPEG and PNG.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageError};
use modiste_core::ImageShape;

use crate::error::Error;
use crate::picture::Picture;
use crate::resize::shrink_to_fit;

/// Encodes a picture as a small JPEG whose longest edge is at most `longest` pixels.
///
/// # Errors
/// Returns [`Error::Pixels`] if the picture is empty, its length does not match its shape, or it has
/// neither 1 nor 3 channels.
///
/// ```
/// let picture = modiste_imaging::decode_rgb(include_bytes!("../tests/opencv/rgb-101x67.png"))?;
/// let jpeg = modiste_imaging::thumbnail(&picture, 64)?;
/// assert_eq!(modiste_imaging::decode_rgb(&jpeg)?.shape.to_string(), "64x42x3");
/// # Ok::<(), modiste_imaging::Error>(())
/// ```
pub fn thumbnail(picture: &Picture, longest: usize) -> Result<Vec<u8>, Error> {
    const QUALITY: u8 = 80;
    let shape = picture.shape;
    picture.check()?;
    let small = shrink_to_fit(picture, longest.clamp(1, usize::from(u16::MAX)));
    let colour = match shape.channels {
        1 => ExtendedColorType::L8,
        3 => ExtendedColorType::Rgb8,
        _ => return Err(picture.pixels_error()),
    };
    let (width, height) = (small.shape.width as u32, small.shape.height as u32);
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .encode(&small.pixels, width, height, colour)
        .map_err(|error: ImageError| Error::from_decoder(image::ImageFormat::Jpeg, &error))?;
    Ok(bytes)
}

/// Effort of [`encode_png`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PngCompression {
    /// Balance of time and size.
    #[default]
    Balanced,
    /// Smallest file, for pages with many pictures.
    Small,
}

/// Encodes pixels, `[row, column, channel]`, as PNG: 1 channel is gray, 3 are RGB, 4 are RGBA.
///
/// # Panics
/// If `pixels` is empty, its length is not `shape.size()`, or the shape has another number of channels.
///
/// ```
/// use modiste_core::ImageShape;
/// use modiste_imaging::{PngCompression, decode_gray, encode_png};
///
/// let shape = ImageShape::new(2, 3, 1);
/// let png = encode_png(&[0, 255, 128, 7, 9, 30], shape, PngCompression::Balanced);
/// assert_eq!(decode_gray(&png)?.pixels, [0, 255, 128, 7, 9, 30]);
/// # Ok::<(), modiste_imaging::Error>(())
/// ```
pub fn encode_png(pixels: &[u8], shape: ImageShape, compression: PngCompression) -> Vec<u8> {
    assert!(
        !pixels.is_empty() && pixels.len() == shape.size(),
        "{} bytes are not a {shape} image",
        pixels.len()
    );
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, shape.width as u32, shape.height as u32);
    encoder.set_color(match shape.channels {
        1 => png::ColorType::Grayscale,
        3 => png::ColorType::Rgb,
        4 => png::ColorType::Rgba,
        channels => panic!("{channels} channels, expected 1, 3 or 4"),
    });
    encoder.set_depth(png::BitDepth::Eight);
    if compression == PngCompression::Small {
        encoder.set_compression(png::Compression::High);
    }
    encoder
        .write_header()
        .and_then(|mut writer| {
            writer.write_image_data(pixels)?;
            writer.finish()
        })
        .expect("writing to memory does not fail");
    bytes
}

/// Encodes pixels as PNG with balanced compression: see [`encode_png`].
///
/// # Panics
/// Panics if [`encode_png`] does.
pub fn picture_png(pixels: &[u8], shape: ImageShape) -> Vec<u8> {
    encode_png(pixels, shape, PngCompression::Balanced)
}
