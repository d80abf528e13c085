//! Errors of decoding, resizing and encoding.

use image::{ImageError, ImageFormat};
use modiste_core::{ImageShape, OutOfMemory};

/// Error of decoding, resizing or encoding a picture.
///
/// No variant names a file, because the functions of this crate take bytes: callers add the path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not an image, or an image of an unsupported format.
    #[error("{found}; supported formats are PNG, JPEG, WebP, GIF, BMP and TIFF")]
    UnsupportedFormat {
        /// Content that the first bytes announce, as a clause of the message.
        found: String,
    },

    /// The image uses an unsupported feature of its format.
    #[error("cannot decode the {format} image: {reason}")]
    UnsupportedFeature {
        /// Format that the first bytes announce.
        format: &'static str,
        /// Message of the decoder.
        reason: String,
    },

    /// The image is truncated or inconsistent.
    #[error("the {format} image is damaged: {reason}")]
    Damaged {
        /// Format that the first bytes announce.
        format: &'static str,
        /// Message of the decoder.
        reason: String,
    },

    /// The image has more than [`MAX_PIXELS`](crate::MAX_PIXELS) pixels.
    #[error(
        "the image has {width}x{height} pixels, the limit is {} million",
        crate::MAX_PIXELS / 1_000_000
    )]
    TooManyPixels {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },

    /// Decoding needs more than [`MAX_DECODED_BYTES`](crate::MAX_DECODED_BYTES) of memory.
    #[error(
        "decoding the {format} image needs more than {} MiB of memory",
        crate::MAX_DECODED_BYTES >> 20
    )]
    TooMuchMemory {
        /// Format that the first bytes announce.
        format: &'static str,
    },

    /// Decoding needs more memory than this process may use.
    #[error("decoding the image {0}")]
    Memory(
        /// Needed and allowed memory. It is part of the message and therefore not a `source()`.
        OutOfMemory,
    ),

    /// A decoder or a later step panicked.
    #[error("the image cannot be processed (internal error: {message})")]
    Panicked {
        /// Message of the panic.
        message: String,
    },

    /// The picture is empty, its length does not match its shape, or its number of channels is not
    /// supported.
    #[error("{found} bytes are not a {shape} image")]
    Pixels {
        /// Shape of the picture.
        shape: ImageShape,
        /// Number of bytes.
        found: usize,
    },

    /// The target shape of a resize is invalid.
    #[error("cannot resize an image to {shape}: {reason}")]
    Shape {
        /// Requested shape.
        shape: ImageShape,
        /// Invalid part of the shape.
        reason: &'static str,
    },
}

impl From<OutOfMemory> for Error {
    fn from(memory: OutOfMemory) -> Self {
        Self::Memory(memory)
    }
}

impl Error {
    pub(crate) fn from_decoder(format: ImageFormat, error: &ImageError) -> Self {
        let format = name(format);
        match error {
            ImageError::Limits(_) => Self::TooMuchMemory { format },
            ImageError::Unsupported(_) => Self::UnsupportedFeature {
                format,
                reason: format!("{error}; convert it to PNG or JPEG first"),
            },
            _ => Self::Damaged {
                format,
                reason: error.to_string(),
            },
        }
    }
}

/// Name of a format for messages.
pub(crate) fn name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Png => "PNG",
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Gif => "GIF",
        ImageFormat::Bmp => "BMP",
        ImageFormat::Tiff => "TIFF",
        // Other formats are not decoded.
        _ => "unsupported",
    }
}
