//! Decoders per format, with limits and OpenCV's gray conversion.

use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;
use image::codecs::gif::GifDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::tiff::TiffDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, ImageResult, Limits};
use modiste_core::ImageShape;

use super::gray::GrayRule;
use super::jpeg;
use super::markers::Layout;
use super::orientation;
use super::tiff;
use super::{MAX_DECODED_BYTES, MAX_PIXELS, Picture};
use crate::error::{Error, name};

/// Decoded image before its orientation is applied.
pub(super) struct Opened {
    pub(super) image: DynamicImage,
    /// EXIF orientation.
    pub(super) orientation: Option<Orientation>,
    /// Gray conversion of the format.
    pub(super) gray: GrayRule,
}

/// Height and width from the header, after the EXIF orientation is applied.
pub(super) fn upright_size(format: ImageFormat, bytes: &[u8]) -> Result<[usize; 2], Error> {
    let (size, orientation) = match format {
        ImageFormat::Jpeg => {
            let layout = Layout::read(bytes);
            let size = layout
                .as_ref()
                .map(|layout| (layout.width.into(), layout.height.into()));
            (size, layout.as_ref().and_then(jpeg_orientation))
        }
        _ => {
            let size = ImageReader::with_format(Cursor::new(bytes), format).into_dimensions();
            let orientation = match format {
                ImageFormat::Png => orientation::of_png(bytes),
                ImageFormat::Tiff => orientation::of_exif(bytes),
                ImageFormat::WebP => WebPDecoder::new(Cursor::new(bytes))
                    .and_then(|mut decoder| decoder.exif_metadata())
                    .ok()
                    .flatten()
                    .and_then(|exif| orientation::of_exif(&exif)),
                _ => None,
            };
            (size.ok(), orientation)
        }
    };
    let damaged = || Error::Damaged {
        format: name(format),
        reason: "its header cannot be read".into(),
    };
    let (width, height): (u32, u32) = size.ok_or_else(damaged)?;
    check_dimensions(format, (width, height))?;
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    let is_turned = matches!(
        orientation,
        Some(Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
    );
    let upright = match is_turned {
        true => [width, height],
        false => [height, width],
    };
    Ok(upright.map(|side| side as usize))
}

/// Number of pixels from the header; 0 if the header cannot be read, for which decoding returns the
/// error.
///
/// # Errors
/// Returns [`Error::TooManyPixels`] if the number exceeds [`MAX_PIXELS`].
pub(super) fn pixels(format: ImageFormat, bytes: &[u8]) -> Result<u64, Error> {
    let size = match format {
        ImageFormat::Jpeg => {
            Layout::read(bytes).map(|layout| (layout.width.into(), layout.height.into()))
        }
        _ => ImageReader::with_format(Cursor::new(bytes), format)
            .into_dimensions()
            .ok(),
    };
    let (width, height) = size.unwrap_or_default();
    let pixels = u64::from(width) * u64::from(height);
    match pixels > MAX_PIXELS {
        true => Err(Error::TooManyPixels { width, height }),
        false => Ok(pixels),
    }
}

/// Decodes an image.
///
/// # Errors
/// Returns [`Error`] if it is damaged or not supported.
pub(super) fn open(format: ImageFormat, bytes: &[u8]) -> Result<Opened, Error> {
    let source = Cursor::new(bytes);
    match format {
        ImageFormat::Png => {
            let gamma = png_gamma(bytes);
            // Limits that are set later do not apply to compressed text chunks.
            let decoder = checked(format, PngDecoder::with_limits(source, limits()))?;
            let orientation = orientation::of_png(bytes);
            read(format, decoder, GrayRule::Png { gamma }, orientation)
        }
        ImageFormat::Jpeg => open_jpeg(bytes),
        ImageFormat::WebP => {
            let mut decoder = checked(format, WebPDecoder::new(source))?;
            // Unreadable metadata is ignored.
            let exif = decoder.exif_metadata().ok().flatten();
            let orientation = exif.and_then(|exif| orientation::of_exif(&exif));
            read(format, decoder, GrayRule::OpenCv15, orientation)
        }
        ImageFormat::Gif => {
            let decoder = checked(format, GifDecoder::new(source))?;
            read(format, decoder, GrayRule::OpenCv15, None)
        }
        ImageFormat::Tiff => {
            tiff::check(bytes)?;
            let decoder = checked(format, TiffDecoder::new(source))?;
            // EXIF data have the structure of a TIFF file.
            let orientation = orientation::of_exif(bytes);
            read(format, decoder, GrayRule::OpenCv14, orientation)
        }
        _ => {
            let decoder = checked(format, BmpDecoder::new(source))?;
            let mut opened = read(format, decoder, GrayRule::OpenCv14, None)?;
            opened.image = without_unset_alpha(opened.image);
            Ok(opened)
        }
    }
}

fn open_jpeg(bytes: &[u8]) -> Result<Opened, Error> {
    let format = ImageFormat::Jpeg;
    let (bytes, layout) = jpeg::completed(bytes)?;
    check_dimensions(format, (layout.width.into(), layout.height.into()))?;
    let orientation = jpeg_orientation(&layout);
    match jpeg::decode_rare(&bytes, &layout)? {
        Some(image) => Ok(Opened {
            image,
            orientation,
            gray: GrayRule::OpenCv14,
        }),
        None => {
            let decoder = checked(format, JpegDecoder::new(Cursor::new(&*bytes)))?;
            read(format, decoder, GrayRule::OpenCv14, orientation)
        }
    }
}

/// Decodes the luma plane of a JPEG, upright, which is its gray in OpenCV. `None` if it has no luma
/// plane.
///
/// # Errors
/// Returns [`Error`] if it is damaged or not supported.
pub(super) fn jpeg_luma(bytes: &[u8]) -> Result<Option<Picture>, Error> {
    let (bytes, layout) = jpeg::completed(bytes)?;
    check_dimensions(
        ImageFormat::Jpeg,
        (layout.width.into(), layout.height.into()),
    )?;
    let plane = jpeg::decode_luma(&bytes, &layout)?;
    let upright = |plane| {
        finish(
            ImageFormat::Jpeg,
            DynamicImage::ImageLuma8(plane),
            jpeg_orientation(&layout),
        )
    };
    plane.map(upright).transpose()
}

fn jpeg_orientation(layout: &Layout) -> Option<Orientation> {
    layout.exif.as_deref().and_then(orientation::of_exif)
}

/// Drops an alpha channel that is 0 everywhere: some programs write 32-bit BMP files without setting it.
fn without_unset_alpha(image: DynamicImage) -> DynamicImage {
    match image {
        DynamicImage::ImageRgba8(pixels) if pixels.pixels().all(|pixel| pixel.0[3] == 0) => {
            DynamicImage::ImageRgba8(pixels).into_rgb8().into()
        }
        other => other,
    }
}

/// Gamma of a PNG: from its gAMA chunk, or that of sRGB if it has an sRGB chunk. The function of `image`
/// always returns `None`.
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
    orientation: Option<Orientation>,
) -> Result<Opened, Error> {
    check_dimensions(format, decoder.dimensions())?;
    let mut limits = limits();
    checked(format, limits.reserve(decoder.total_bytes()))?;
    checked(format, decoder.set_limits(limits))?;
    Ok(Opened {
        image: checked(format, DynamicImage::from_decoder(decoder))?,
        orientation,
        gray,
    })
}

/// Applies the orientation and returns the bytes.
pub(super) fn finish(
    format: ImageFormat,
    mut image: DynamicImage,
    orientation: Option<Orientation>,
) -> Result<Picture, Error> {
    if let Some(orientation) = orientation {
        image.apply_orientation(orientation);
    }
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
            reason: format!("its size is {width}x{height}"),
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
