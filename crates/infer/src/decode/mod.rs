//! Pictures out of bytes: which format, how large, which way up, gray or coloured.

use std::io::Cursor;
use std::sync::{PoisonError, RwLock};

use image::codecs::bmp::BmpDecoder;
use image::codecs::gif::GifDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader, ImageResult, Limits};
use modiste_dataset::ImageShape;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::error::{Error, name};
use crate::gray::{GrayRule, gray_plane, high_bytes};
use crate::jpeg::ends_early;

/// Most pixels that a picture may have; checked before any is decoded.
pub const MAX_PIXELS: u64 = 100_000_000;

/// Most bytes that a decoder may give the pixels of one picture. (Its own tables come on top, and a
/// second copy while channels are converted.)
pub const MAX_DECODED_BYTES: u64 = 320 << 20;

/// A picture of more pixels than this is decoded while no other one is, so that what decoders need is
/// not needed on many threads at once.
const LARGE: u64 = 16_000_000;

/// Held in common by those who decode small pictures, alone by one who decodes a large one.
static DECODING: RwLock<()> = RwLock::new(());

/// A picture in memory, the right way up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Height, width, and 1 channel for gray or 3 for red, green, blue.
    pub shape: ImageShape,
    /// `[row, column, channel]`, as many bytes as the shape says.
    pub pixels: Vec<u8>,
}

impl Picture {
    /// Whether there are pixels, as many as the shape says.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.shape.size() > 0 && self.pixels.len() == self.shape.size() {
            true => Ok(()),
            false => Err(self.pixels_error()),
        }
    }

    pub(crate) fn pixels_error(&self) -> Error {
        Error::Pixels {
            shape: self.shape,
            found: self.pixels.len(),
        }
    }
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
    in_turn(bytes, || gray(format, bytes))
}

fn gray(format: ImageFormat, bytes: &[u8]) -> Result<Picture, Error> {
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
    in_turn(bytes, || {
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
pub(crate) fn decode_over_white(bytes: &[u8]) -> Result<(Picture, Option<Vec<u8>>), Error> {
    let format = sniff(bytes)?;
    in_turn(bytes, || {
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

/// Decodes by `decode`, alone where the picture is large: see [`LARGE`].
fn in_turn<T>(bytes: &[u8], decode: impl FnOnce() -> T) -> T {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let size = reader.ok().and_then(|reader| reader.into_dimensions().ok());
    // One whose size cannot be told is refused before it takes memory.
    let pixels = size.map_or(0, |(width, height)| u64::from(width) * u64::from(height));
    // A panic of another one left nothing half done: the lock guards no data.
    if pixels > LARGE {
        let _alone = DECODING.write().unwrap_or_else(PoisonError::into_inner);
        decode()
    } else {
        let _together = DECODING.read().unwrap_or_else(PoisonError::into_inner);
        decode()
    }
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
        Ok(ImageFormat::Jpeg) if ends_early(bytes) => Err(Error::Damaged {
            format: name(ImageFormat::Jpeg),
            reason: "its data ends early".into(),
        }),
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
