//! What can be wrong with a picture.

use image::{ImageError, ImageFormat};
use modiste_core::{ImageShape, OutOfMemory};

/// Why a picture could not be read, resized or written.
///
/// The functions here take bytes, so no variant names a file: who read the file adds its path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are no picture, or one of a kind that is not read here.
    #[error("{found}; PNG, JPEG, WebP, GIF, BMP and TIFF images can be read")]
    UnsupportedFormat {
        /// What the first bytes say, as a half sentence.
        found: String,
    },

    /// The picture uses a part of its format that is not read here.
    #[error("this {format} picture cannot be read: {reason}")]
    UnsupportedFeature {
        /// The format that the first bytes announce.
        format: &'static str,
        /// What the decoder says.
        reason: String,
    },

    /// The picture ends early or contradicts itself.
    #[error("the {format} picture is damaged: {reason}")]
    Damaged {
        /// The format that the first bytes announce.
        format: &'static str,
        /// What the decoder says.
        reason: String,
    },

    /// The picture has more than [`MAX_PIXELS`](crate::MAX_PIXELS) pixels.
    #[error(
        "the picture has {width}x{height} pixels; at most {} million are read",
        crate::MAX_PIXELS / 1_000_000
    )]
    TooManyPixels {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },

    /// Decoding would take more than [`MAX_DECODED_BYTES`](crate::MAX_DECODED_BYTES) of memory.
    #[error(
        "decoding the {format} picture would take more than {} MiB of memory",
        crate::MAX_DECODED_BYTES >> 20
    )]
    TooMuchMemory {
        /// The format that the first bytes announce.
        format: &'static str,
    },

    /// Decoding would take more memory than this process may have.
    #[error("decoding the picture {0}")]
    Memory(
        /// How much it takes, and how much there is. It is part of the text, so it is no `source()`.
        OutOfMemory,
    ),

    /// A decoder, or a step after it, failed in a way that it should not.
    #[error("the picture cannot be processed (internal error: {message})")]
    Panicked {
        /// What the failing code says.
        message: String,
    },

    /// A picture in memory is none that can be worked with: it has no pixels, not as many bytes as its
    /// shape says, or channels that mean nothing here.
    #[error("{found} bytes are no {shape} picture")]
    Pixels {
        /// Its shape.
        shape: ImageShape,
        /// How many bytes it has.
        found: usize,
    },

    /// No picture can be resized to such a shape.
    #[error("a picture cannot become a {shape} input: {reason}")]
    Shape {
        /// Height, width and channels that were asked for.
        shape: ImageShape,
        /// What is wrong with them.
        reason: &'static str,
    },

    /// A name that is no interpolation.
    #[error("there is no interpolation `{found}`; there are `nearest`, `linear` and `area`")]
    UnknownInterpolation {
        /// The name that was given.
        found: String,
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

/// The format as people write it.
pub(crate) fn name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Png => "PNG",
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Gif => "GIF",
        ImageFormat::Bmp => "BMP",
        ImageFormat::Tiff => "TIFF",
        // None of the others is decoded.
        _ => "unsupported",
    }
}
