//! Test pictures, shared with the tests of `modiste-infer`.

use std::fs;
use std::io::Cursor;
use std::path::PathBuf;

use image::{DynamicImage, ImageFormat, RgbImage};

/// Bytes of a file for which OpenCV's pixels are recorded.
pub(crate) fn opencv(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../imaging/tests/opencv")
        .join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Largest difference between two slices of the same length.
#[track_caller]
pub(crate) fn deviation(found: &[u8], expected: &[u8]) -> u8 {
    assert_eq!(found.len(), expected.len());
    let differences = found.iter().zip(expected).map(|(a, b)| a.abs_diff(*b));
    differences.max().unwrap_or(0)
}

/// Picture of 5x7 pixels with distinct colours.
pub(crate) fn colours() -> RgbImage {
    RgbImage::from_fn(7, 5, |x, y| {
        let (x, y) = (x as u8, y as u8);
        image::Rgb([x * 40, y * 60, 255 - x * 20 - y * 9])
    })
}

pub(crate) fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let written = image.into().write_to(&mut bytes, format);
    written.unwrap_or_else(|error| panic!("{format:?}: {error}"));
    bytes.into_inner()
}
