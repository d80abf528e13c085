//! Pixels in memory.

use modiste_core::ImageShape;

use crate::error::Error;

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
