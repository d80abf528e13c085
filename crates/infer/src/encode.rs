//! A picture as a file, for people to look at.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageError};

use crate::decode::Picture;
use crate::error::Error;
use crate::segment::shrunk;

/// A small picture as JPEG, its longest edge at most `longest` pixels.
///
/// # Errors
/// [`Error::Pixels`] where it has no pixels, or not as many as its shape says, or neither 1 nor 3
/// channels.
///
/// ```
/// let picture = modiste_infer::decode_rgb(include_bytes!("../tests/opencv/rgb-101x67.png"))?;
/// let jpeg = modiste_infer::thumbnail(&picture, 64)?;
/// assert_eq!(modiste_infer::decode_rgb(&jpeg)?.shape.to_string(), "64x42x3");
/// # Ok::<(), modiste_infer::Error>(())
/// ```
pub fn thumbnail(picture: &Picture, longest: usize) -> Result<Vec<u8>, Error> {
    const QUALITY: u8 = 80;
    let shape = picture.shape;
    picture.check()?;
    let small = shrunk(picture, longest.clamp(1, usize::from(u16::MAX)));
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

/// A gray picture as PNG: a byte per pixel, row by row.
///
/// # Panics
/// Where there are no pixels, or not `height * width` of them.
///
/// ```
/// let png = modiste_infer::gray_png(&[0, 255, 128, 7, 9, 30], 2, 3);
/// assert_eq!(modiste_infer::decode_gray(&png)?.pixels, [0, 255, 128, 7, 9, 30]);
/// # Ok::<(), modiste_infer::Error>(())
/// ```
pub fn gray_png(pixels: &[u8], height: usize, width: usize) -> Vec<u8> {
    assert!(
        !pixels.is_empty() && pixels.len() == height * width,
        "{} pixels are no {height}x{width} picture",
        pixels.len()
    );
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(pixels))
        .expect("memory takes every byte");
    bytes
}
