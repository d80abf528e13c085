//! Pixels: the size of an image, its bytes as network input, and the operations that training and
//! inference share.

use std::fmt;

/// Height, width and channels of an image. `Display` prints `28x28x1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageShape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Number of channels: 1 for gray, 3 for RGB.
    pub channels: usize,
}

impl ImageShape {
    /// Creates a shape.
    #[inline]
    pub const fn new(height: usize, width: usize, channels: usize) -> Self {
        Self {
            height,
            width,
            channels,
        }
    }

    /// Number of values of one image: height x width x channels.
    #[inline]
    pub const fn size(self) -> usize {
        self.height * self.width * self.channels
    }
}

impl From<[usize; 3]> for ImageShape {
    /// Shape from height, width and channels.
    fn from([height, width, channels]: [usize; 3]) -> Self {
        Self::new(height, width, channels)
    }
}

impl fmt::Display for ImageShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.height, self.width, self.channels)
    }
}

/// Luma of an RGB pixel: `0.299 R + 0.587 G + 0.114 B` (ITU-R BT.601), rounded.
///
/// ```
/// assert_eq!(modiste_core::luma([255, 0, 0]), 76);
/// ```
#[inline]
pub fn luma(pixel: [u8; 3]) -> u8 {
    let [red, green, blue] = pixel.map(u32::from);
    ((299 * red + 587 * green + 114 * blue + 500) / 1000) as u8
}

/// Scales pixels from 0..=255 to `[0, 1]`. Training and inference both use this function.
///
/// # Panics
/// If the slices differ in length.
///
/// ```
/// let mut values = [0.0; 3];
/// modiste_core::normalize(&[0, 51, 255], &mut values);
/// assert_eq!(values, [0.0, 0.2, 1.0]);
/// ```
#[inline]
pub fn normalize(pixels: &[u8], values: &mut [f32]) {
    assert_eq!(pixels.len(), values.len(), "one value per pixel");
    for (value, &pixel) in values.iter_mut().zip(pixels) {
        *value = f32::from(pixel) / 255.0;
    }
}

/// Mirrors images horizontally (left to right), in place.
///
/// `values` holds the rows of one image or of several of `shape`, one after the other:
/// `[row, column, channel]`. Channels keep their order.
///
/// # Panics
/// If `values` does not consist of whole rows.
///
/// ```
/// use modiste_core::{ImageShape, mirror};
///
/// let mut pixels = [1, 2, 3, 4, 5, 6];
/// mirror(ImageShape::new(2, 3, 1), &mut pixels);
/// assert_eq!(pixels, [3, 2, 1, 6, 5, 4]);
/// ```
pub fn mirror<T>(shape: ImageShape, values: &mut [T]) {
    let (width, channels) = (shape.width, shape.channels);
    let row_length = (width * channels).max(1);
    assert!(
        values.len().is_multiple_of(row_length),
        "{} values are not rows of {row_length}",
        values.len()
    );
    for row in values.chunks_exact_mut(row_length) {
        for column in 0..width / 2 {
            let opposite = (width - 1 - column) * channels;
            for channel in 0..channels {
                row.swap(column * channels + channel, opposite + channel);
            }
        }
    }
}

/// Convolves an image with `kernel` along its columns, then along its rows, channel by channel.
///
/// `values` holds one image of `shape`: `[row, column, channel]`. Each sum of products is divided by
/// `divisor`: the sum of `kernel`, or 1 if the kernel is normalized. Beyond an edge the image repeats
/// its outermost pixel. Products are added in the order of `kernel`, so that results are reproducible
/// to the last bit.
///
/// # Panics
/// If the length of `kernel` is even or that of `values` is not `shape.size()`.
///
/// ```
/// use modiste_core::{ImageShape, separable_filter};
///
/// let blurred = separable_filter(ImageShape::new(1, 3, 1), &[0.0, 4.0, 8.0], &[1.0, 2.0, 1.0], 4.0);
/// assert_eq!(blurred, [1.0, 4.0, 7.0]);
/// ```
pub fn separable_filter(
    shape: ImageShape,
    values: &[f32],
    kernel: &[f32],
    divisor: f32,
) -> Vec<f32> {
    assert!(!kernel.len().is_multiple_of(2), "an odd kernel length");
    assert_eq!(
        values.len(),
        shape.size(),
        "one value per pixel and channel"
    );
    let row_length = shape.width * shape.channels;
    let mut columns = vec![0.0; values.len()];
    let mut rows = vec![0.0; values.len()];
    if values.is_empty() {
        return rows;
    }
    let reach = kernel.len() / 2;
    for (row, sums) in columns.chunks_exact_mut(row_length).enumerate() {
        for (offset, weight) in kernel.iter().enumerate() {
            let from = (row + offset).saturating_sub(reach).min(shape.height - 1);
            add_scaled(sums, *weight, &values[from * row_length..]);
        }
        sums.iter_mut().for_each(|sum| *sum /= divisor);
    }
    // A row with its first and last pixel repeated, so that the inner loop runs over the whole row.
    let mut padded = vec![0.0; row_length + 2 * reach * shape.channels];
    let sources = columns.chunks_exact(row_length);
    for (sums, source) in rows.chunks_exact_mut(row_length).zip(sources) {
        pad(&mut padded, source, shape.channels);
        for (offset, weight) in kernel.iter().enumerate() {
            add_scaled(sums, *weight, &padded[offset * shape.channels..]);
        }
        sums.iter_mut().for_each(|sum| *sum /= divisor);
    }
    rows
}

/// Adds `weight * values` to `sums`, value by value.
fn add_scaled(sums: &mut [f32], weight: f32, values: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += weight * value;
    }
}

/// Centers `row` in `padded`, and repeats its outermost pixels on both sides.
fn pad(padded: &mut [f32], row: &[f32], channels: usize) {
    let padding = (padded.len() - row.len()) / 2;
    let (left, rest) = padded.split_at_mut(padding);
    let (middle, right) = rest.split_at_mut(row.len());
    middle.copy_from_slice(row);
    for pixel in left.chunks_exact_mut(channels) {
        pixel.copy_from_slice(&row[..channels]);
    }
    for pixel in right.chunks_exact_mut(channels) {
        pixel.copy_from_slice(&row[row.len() - channels..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirror_keeps_channel_order() {
        let shape = ImageShape::new(2, 3, 2);
        let mut pixels: Vec<u8> = (0..12).collect();
        mirror(shape, &mut pixels);
        assert_eq!(pixels, [4, 5, 2, 3, 0, 1, 10, 11, 8, 9, 6, 7]);
        mirror(shape, &mut pixels);
        assert_eq!(pixels, (0..12).collect::<Vec<u8>>());
        mirror(ImageShape::new(0, 0, 1), &mut [0_u8; 0]);
    }

    #[test]
    #[should_panic(expected = "5 values are not rows of 3")]
    fn mirror_rejects_partial_rows() {
        mirror(ImageShape::new(2, 3, 1), &mut [0_u8; 5]);
    }

    #[test]
    fn separable_filter_matches_definition() {
        let shape = ImageShape::new(3, 4, 2);
        let values: Vec<f32> = (0..24_u16).map(|i| f32::from(i * i % 17)).collect();
        let kernel = [1.0, 3.0, 5.0, 2.0, 1.0];
        let filtered = separable_filter(shape, &values, &kernel, 12.0);
        let clamped =
            |at: usize, offset: usize, side: usize| (at + offset).saturating_sub(2).min(side - 1);
        for (index, found) in filtered.iter().enumerate() {
            let (row, column, channel) = (index / 8, index % 8 / 2, index % 2);
            let mut expected = 0.0;
            for (down, vertical) in kernel.iter().enumerate() {
                for (right, horizontal) in kernel.iter().enumerate() {
                    let from = clamped(row, down, 3) * 8 + clamped(column, right, 4) * 2 + channel;
                    expected += vertical * horizontal * values[from] / 144.0;
                }
            }
            assert!(
                (found - expected).abs() < 1e-4,
                "{index}: {found}, {expected}"
            );
        }
    }
}
