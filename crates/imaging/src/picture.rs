//! Decoded pixels.

use modiste_core::ImageShape;

use crate::error::Error;

/// Decoded image, upright.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Height, width, and 1 channel (gray) or 3 channels (RGB).
    pub shape: ImageShape,
    /// Pixels, `[row, column, channel]`: `shape.size()` bytes.
    pub pixels: Vec<u8>,
}

impl Picture {
    /// Checks that the picture is not empty and that its length matches its shape.
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
