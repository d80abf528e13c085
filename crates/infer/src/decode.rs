//! Pictures out of bytes: which format, how large, which way up, gray or coloured.

use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;
use image::codecs::gif::GifDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageResult, Limits};
use modiste_dataset::ImageShape;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::error::{Error, name};
use crate::gray::{GrayRule, gray_plane, high_bytes};

/// Most pixels that a picture may have; checked before any is decoded.
pub const MAX_PIXELS: u64 = 100_000_000;

/// Most bytes that the pixels of one picture may take while it is decoded. (A decoder's own tables
/// come on top.)
pub const MAX_DECODED_BYTES: u64 = 512 << 20;

/// A picture in memory, the right way up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Height, width, and 1 channel for gray or 3 for red, green, blue.
    pub shape: ImageShape,
    /// `[row, column, channel]`, as many bytes as the shape says.
    pub pixels: Vec<u8>,
}

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
/// let png = include_bytes!("../tests/opencv/tiny-3x5.png");
/// let picture = modiste_infer::decode_gray(png)?;
/// assert_eq!(picture.shape.to_string(), "3x5x1");
/// assert_eq!(picture.pixels[..4], [200, 209, 211, 210]);
/// # Ok::<(), modiste_infer::Error>(())
/// ```
pub fn decode_gray(bytes: &[u8]) -> Result<Picture, Error> {
    let format = sniff(bytes)?;
    if format == ImageFormat::Jpeg
        && let Some(picture) = decode_luma(bytes)?
    {
        return Ok(picture);
    }
    let opened = open(format, bytes)?;
    let (width, height) = (opened.image.width(), opened.image.height());
    let gray = GrayImage::from_raw(width, height, gray_plane(opened.image, opened.gray))
        .map(DynamicImage::ImageLuma8)
        .unwrap_or_default();
    finish(format, gray, opened.orientation)
}

/// Decodes a picture to red, green, blue; gray pictures get three equal channels.
///
/// Otherwise as [`decode_gray`].
///
/// # Errors
/// As [`decode_gray`].
///
/// ```
/// let png = include_bytes!("../tests/opencv/tiny-3x5.png");
/// let picture = modiste_infer::decode_rgb(png)?;
/// assert_eq!(picture.shape.to_string(), "3x5x3");
/// # Ok::<(), modiste_infer::Error>(())
/// ```
pub fn decode_rgb(bytes: &[u8]) -> Result<Picture, Error> {
    let format = sniff(bytes)?;
    let opened = open(format, bytes)?;
    let image = DynamicImage::ImageRgb8(high_bytes(opened.image).into_rgb8());
    finish(format, image, opened.orientation)
}

/// A decoded picture and what is still to be done with it.
struct Opened {
    image: DynamicImage,
    orientation: Orientation,
    gray: GrayRule,
}

fn sniff(bytes: &[u8]) -> Result<ImageFormat, Error> {
    let unsupported = |found: String| Error::UnsupportedFormat { found };
    match image::guess_format(bytes) {
        Ok(
            format @ (ImageFormat::Png
            | ImageFormat::Jpeg
            | ImageFormat::WebP
            | ImageFormat::Gif
            | ImageFormat::Bmp),
        ) => Ok(format),
        Ok(other) => Err(unsupported(format!("this is a {} picture", name(other)))),
        Err(_) if bytes.is_empty() => Err(unsupported("the file is empty".into())),
        Err(_) => Err(unsupported("this is no picture of a known format".into())),
    }
}

fn open(format: ImageFormat, bytes: &[u8]) -> Result<Opened, Error> {
    let source = Cursor::new(bytes);
    match format {
        ImageFormat::Png => {
            let gamma = png_gamma(bytes);
            // The PNG decoder takes its limits at once: they hold for compressed texts as well.
            let decoder = checked(format, PngDecoder::with_limits(source, limits()))?;
            read(format, decoder, GrayRule::Png { gamma })
        }
        ImageFormat::Jpeg => {
            let decoder = checked(format, JpegDecoder::new(source))?;
            read(format, decoder, GrayRule::OpenCv14)
        }
        ImageFormat::WebP => {
            let decoder = checked(format, WebPDecoder::new(source))?;
            read(format, decoder, GrayRule::OpenCv15)
        }
        ImageFormat::Gif => {
            let decoder = checked(format, GifDecoder::new(source))?;
            read(format, decoder, GrayRule::OpenCv15)
        }
        _ => {
            let decoder = checked(format, BmpDecoder::new(source))?;
            read(format, decoder, GrayRule::OpenCv14)
        }
    }
}

/// The gamma that a PNG states, or that of sRGB where it says that it is sRGB. (`image` has a
/// function for it, which finds none in any file.)
fn png_gamma(bytes: &[u8]) -> Option<f64> {
    let limits = png::Limits {
        bytes: MAX_DECODED_BYTES as usize,
    };
    let reader = png::Decoder::new_with_limits(Cursor::new(bytes), limits)
        .read_info()
        .ok()?;
    let gamma = reader.info().gamma()?;
    Some(f64::from(gamma.into_scaled()) / 100_000.0)
}

fn read(
    format: ImageFormat,
    mut decoder: impl ImageDecoder,
    gray: GrayRule,
) -> Result<Opened, Error> {
    check_dimensions(format, decoder.dimensions())?;
    let mut limits = limits();
    checked(format, limits.reserve(decoder.total_bytes()))?;
    checked(format, decoder.set_limits(limits))?;
    // Metadata that cannot be read turns nothing.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok(Opened {
        image: checked(format, DynamicImage::from_decoder(decoder))?,
        orientation,
        gray,
    })
}

/// The luma plane of a JPEG, which is what libjpeg gives where gray is asked for. None where the
/// JPEG has no such plane (its colours are stored as RGB or CMYK).
fn decode_luma(bytes: &[u8]) -> Result<Option<Picture>, Error> {
    let format = ImageFormat::Jpeg;
    let mut metadata = checked(format, JpegDecoder::new(Cursor::new(bytes)))?;
    let (width, height) = metadata.dimensions();
    check_dimensions(format, (width, height))?;
    let orientation = metadata.orientation().unwrap_or(Orientation::NoTransforms);

    let options = DecoderOptions::default()
        .jpeg_set_out_colorspace(ColorSpace::Luma)
        .set_strict_mode(false)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX));
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let damaged = |reason: String| Error::Damaged {
        format: name(format),
        reason,
    };
    decoder
        .decode_headers()
        .map_err(|error| damaged(error.to_string()))?;
    if !matches!(
        decoder.input_colorspace(),
        Some(ColorSpace::YCbCr | ColorSpace::Luma)
    ) {
        return Ok(None);
    }
    let plane = decoder
        .decode()
        .map_err(|error| damaged(error.to_string()))?;
    let gray = GrayImage::from_raw(width, height, plane)
        .ok_or_else(|| damaged("its luma plane has another size than its header says".into()))?;
    finish(format, gray.into(), orientation).map(Some)
}

/// Turns the picture the right way up and takes its bytes.
fn finish(
    format: ImageFormat,
    mut image: DynamicImage,
    orientation: Orientation,
) -> Result<Picture, Error> {
    image.apply_orientation(orientation);
    check_dimensions(format, (image.width(), image.height()))?;
    let channels = usize::from(image.color().channel_count());
    Ok(Picture {
        shape: ImageShape::new(image.height() as usize, image.width() as usize, channels),
        pixels: image.into_bytes(),
    })
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    limits
}

fn check_dimensions(format: ImageFormat, (width, height): (u32, u32)) -> Result<(), Error> {
    if width == 0 || height == 0 {
        return Err(Error::Damaged {
            format: name(format),
            reason: format!("it has {width}x{height} pixels"),
        });
    }
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(Error::TooManyPixels { width, height });
    }
    Ok(())
}

fn checked<T>(format: ImageFormat, result: ImageResult<T>) -> Result<T, Error> {
    result.map_err(|error| Error::from_decoder(format, &error))
}
