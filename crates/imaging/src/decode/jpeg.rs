//! JPEG decoding with one of two decoders.
//!
//! zune-jpeg is fast, and correct for the layouts that cameras and programs usually write
//! ([`Layout::is_common`]). Other layouts (one scan per component, unusual sampling factors) go to the
//! slower jpeg-decoder, because zune-jpeg 0.5.15 decodes some of them to garbage without an error and
//! panics on others. `tests/imaging/jpeg.rs` compares both with libjpeg-turbo.

use std::borrow::Cow;

use image::{DynamicImage, GrayImage, ImageFormat, RgbImage};
use jpeg_decoder::{ColorTransform, PixelFormat};
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::MAX_DECODED_BYTES;
use super::markers::{END_OF_IMAGE, Ending, Layout};
use crate::error::{Error, name};

/// Returns the bytes of a JPEG, with the end marker added if only that is missing, and its layout.
///
/// # Errors
/// Returns [`Error::Damaged`] if image data are missing or the markers are invalid, and
/// [`Error::UnsupportedFeature`] if no decoder supports the coding.
pub(super) fn completed(bytes: &[u8]) -> Result<(Cow<'_, [u8]>, Layout), Error> {
    let layout = Layout::read(bytes).ok_or_else(|| damaged("its data end early"))?;
    if let Some(reason) = layout.unsupported() {
        return Err(unsupported(reason));
    }
    let bytes = match layout.ending {
        Ending::Marked => Cow::Borrowed(bytes),
        Ending::InSegment => return Err(damaged("its data end early")),
        Ending::InScan => {
            if !(layout.has_all_scans() && is_complete(bytes)) {
                return Err(damaged("its data end early"));
            }
            // The first byte of the end marker may be present.
            let data = bytes.strip_suffix(&[0xff]).unwrap_or(bytes);
            Cow::Owned([data, &END_OF_IMAGE].concat())
        }
    };
    Ok((bytes, layout))
}

/// Checks that a JPEG without an end marker has all data of its last scan: the pixels then do not depend
/// on the bits that follow.
fn is_complete(bytes: &[u8]) -> bool {
    // More than a decoder reads ahead.
    const ZEROS: [u8; 16] = [0; 16];
    // A zero byte after 0xFF is stuffing, not data.
    const ONES: [u8; 16] = [
        0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0,
    ];
    let data = bytes.strip_suffix(&[0xff]).unwrap_or(bytes);
    let followed_by = |bits: [u8; 16]| {
        let bytes = [data, &bits, &END_OF_IMAGE].concat();
        decoder(&bytes).decode().ok()
    };
    let zeros = followed_by(ZEROS);
    zeros.is_some() && zeros == followed_by(ONES)
}

/// Decodes an uncommon layout to gray or RGB. Returns `None` for a common layout, which `image` decodes.
///
/// # Errors
/// Returns [`Error::Damaged`] or [`Error::UnsupportedFeature`].
pub(super) fn decode_rare(bytes: &[u8], layout: &Layout) -> Result<Option<DynamicImage>, Error> {
    if layout.is_common() {
        return Ok(None);
    }
    check_layout(layout)?;
    let mut decoder = decoder(bytes);
    if layout.components.len() == 3 {
        decoder.set_color_transform(match layout.has_luma() {
            true => ColorTransform::YCbCr,
            false => ColorTransform::RGB,
        });
    }
    let pixels = decoder
        .decode()
        .map_err(|error| damaged(error.to_string()))?;
    let info = decoder
        .info()
        .ok_or_else(|| damaged("its frame header is missing"))?;
    let (width, height) = (info.width.into(), info.height.into());
    let image = match info.pixel_format {
        PixelFormat::L8 => GrayImage::from_raw(width, height, pixels).map(DynamicImage::from),
        PixelFormat::RGB24 => RgbImage::from_raw(width, height, pixels).map(DynamicImage::from),
        PixelFormat::CMYK32 => {
            let colours = pixels.chunks_exact(4).flat_map(cmyk_to_rgb).collect();
            RgbImage::from_raw(width, height, colours).map(DynamicImage::from)
        }
        PixelFormat::L16 => {
            return Err(unsupported("more than 8 bits per value are not supported"));
        }
    };
    image.map(Some).ok_or_else(wrong_size)
}

/// Decodes the luma plane, as libjpeg does for gray output. Returns `None` for a JPEG in RGB or
/// CMYK, which has no luma plane.
///
/// # Errors
/// Returns [`Error::Damaged`] or [`Error::UnsupportedFeature`].
pub(super) fn decode_luma(bytes: &[u8], layout: &Layout) -> Result<Option<GrayImage>, Error> {
    if !layout.has_luma() {
        return Ok(None);
    }
    let (width, height) = (layout.width.into(), layout.height.into());
    let plane = match layout.is_common() {
        true => common_luma(bytes)?,
        false => {
            check_layout(layout)?;
            let mut decoder = decoder(bytes);
            // Without a transform, the first of the three values per pixel is luma.
            if layout.components.len() == 3 {
                decoder.set_color_transform(ColorTransform::RGB);
            }
            let values = decoder
                .decode()
                .map_err(|error| damaged(error.to_string()))?;
            values
                .into_iter()
                .step_by(layout.components.len())
                .collect()
        }
    };
    let gray = GrayImage::from_raw(width, height, plane);
    gray.map(Some).ok_or_else(wrong_size)
}

/// Rejects layouts that neither decoder reads correctly.
fn check_layout(layout: &Layout) -> Result<(), Error> {
    match layout.is_misread() {
        true => Err(unsupported(
            "these sampling factors with a scan for one component are not supported",
        )),
        false => Ok(()),
    }
}

fn wrong_size() -> Error {
    damaged("its size differs from its header")
}

fn damaged(reason: impl Into<String>) -> Error {
    Error::Damaged {
        format: name(ImageFormat::Jpeg),
        reason: reason.into(),
    }
}

fn unsupported(reason: &str) -> Error {
    Error::UnsupportedFeature {
        format: name(ImageFormat::Jpeg),
        reason: reason.into(),
    }
}

fn common_luma(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let options = DecoderOptions::default()
        .jpeg_set_out_colorspace(ColorSpace::Luma)
        .set_strict_mode(false)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX));
    zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options)
        .decode()
        .map_err(|error| damaged(error.to_string()))
}

fn decoder(bytes: &[u8]) -> jpeg_decoder::Decoder<&[u8]> {
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(MAX_DECODED_BYTES as usize);
    decoder
}

/// Converts CMYK to RGB with the arithmetic of OpenCV's decoder.
fn cmyk_to_rgb(ink: &[u8]) -> [u8; 3] {
    let light = 255 - u32::from(ink[3]);
    [0, 1, 2].map(|channel| (light - ((u32::from(ink[channel]) * light) >> 8)) as u8)
}
