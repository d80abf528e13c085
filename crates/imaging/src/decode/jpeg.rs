//! JPEGs: what their markers say, and which decoder reads them.
//!
//! zune-jpeg is fast and right on what cameras and programs usually write; [`Layout::is_common`] says
//! what that is. Other layouts (a scan per component, unusual sampling factors) go to jpeg-decoder,
//! which is slower: zune-jpeg 0.5.15 decodes some of them to garbage without an error, and panics on
//! others. `tests/infer/jpeg.rs` holds both to libjpeg-turbo.

use std::borrow::Cow;

use image::{DynamicImage, GrayImage, ImageFormat, RgbImage};
use jpeg_decoder::{ColorTransform, PixelFormat};
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::MAX_DECODED_BYTES;
use super::markers::{END_OF_IMAGE, Ending, Layout};
use crate::error::{Error, name};

/// The bytes of a JPEG, with an end marker. A file that lacks only that is whole.
///
/// # Errors
/// Where data of the image are missing or its markers cannot be read.
pub(super) fn whole(bytes: &[u8]) -> Result<(Cow<'_, [u8]>, Layout), Error> {
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
            // Half of the end marker may be there.
            let data = bytes.strip_suffix(&[0xff]).unwrap_or(bytes);
            Cow::Owned([data, &END_OF_IMAGE].concat())
        }
    };
    Ok((bytes, layout))
}

/// Returns whether a JPEG without an end marker has all data of its last scan: then it does not matter
/// which bits follow them.
fn is_complete(bytes: &[u8]) -> bool {
    // As many as a decoder reads ahead, and more.
    const ZEROS: [u8; 16] = [0; 16];
    /// Ones: behind 0xFF stands a zero that is not data.
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

/// Decodes a layout that is not common, to gray or to red, green, blue; `None` for a common one, which
/// `image` decodes.
///
/// # Errors
/// Where the data are damaged.
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
    let info = decoder.info().ok_or_else(|| damaged("it has no frame"))?;
    let (width, height) = (info.width.into(), info.height.into());
    let image = match info.pixel_format {
        PixelFormat::L8 => GrayImage::from_raw(width, height, pixels).map(DynamicImage::from),
        PixelFormat::RGB24 => RgbImage::from_raw(width, height, pixels).map(DynamicImage::from),
        PixelFormat::CMYK32 => {
            let colours = pixels.chunks_exact(4).flat_map(without_ink).collect();
            RgbImage::from_raw(width, height, colours).map(DynamicImage::from)
        }
        PixelFormat::L16 => {
            return Err(unsupported("more than 8 bits per value are not supported"));
        }
    };
    image.map(Some).ok_or_else(wrong_size)
}

/// The luma plane, which is what libjpeg gives where gray is asked for; `None` where the JPEG has no
/// such plane (its colours are stored as RGB or CMYK).
///
/// # Errors
/// Where the data are damaged.
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
            // No transform: three values per pixel, of which the first is luma.
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

/// Refuses what no decoder here reads right.
fn check_layout(layout: &Layout) -> Result<(), Error> {
    match layout.is_misread() {
        true => Err(unsupported(
            "these sampling factors with a scan for one component are not supported",
        )),
        false => Ok(()),
    }
}

fn wrong_size() -> Error {
    damaged("it has another size than its header says")
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

/// Cyan, magenta, yellow and black to red, green and blue, as OpenCV's decoder computes them.
fn without_ink(ink: &[u8]) -> [u8; 3] {
    let light = 255 - u32::from(ink[3]);
    [0, 1, 2].map(|channel| (light - ((u32::from(ink[channel]) * light) >> 8)) as u8)
}
