//! Pixels: the size of an image, and its bytes as network input.

use std::fmt;

/// Height, width and channels of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageShape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// 1 for gray, 3 for red, green, blue.
    pub channels: usize,
}

impl ImageShape {
    /// A shape from its three numbers.
    pub const fn new(height: usize, width: usize, channels: usize) -> Self {
        Self {
            height,
            width,
            channels,
        }
    }

    /// Bytes of one image: height x width x channels.
    pub const fn size(self) -> usize {
        self.height * self.width * self.channels
    }
}

impl fmt::Display for ImageShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.height, self.width, self.channels)
    }
}

/// Scales pixels to `[0, 1]`: the one place where bytes become numbers, for training and for
/// inference alike.
///
/// # Panics
/// Where the slices differ in length.
///
/// ```
/// let mut values = [0.0; 3];
/// modiste_core::normalize(&[0, 51, 255], &mut values);
/// assert_eq!(values, [0.0, 0.2, 1.0]);
/// ```
pub fn normalize(pixels: &[u8], values: &mut [f32]) {
    assert_eq!(pixels.len(), values.len(), "a value per pixel");
    for (value, &pixel) in values.iter_mut().zip(pixels) {
        *value = f32::from(pixel) / 255.0;
    }
}
