//! Image decoding, resizing and encoding with the pixel values of OpenCV.
//!
//! The decoders read PNG, JPEG, WebP, GIF, BMP and TIFF files in memory. [`decode_gray`] returns
//! the pixels of `cv2.imread(path, IMREAD_GRAYSCALE)` and [`resize`] those of `cv2.resize`; the
//! tests compare both with values that OpenCV computed. Decoding is limited by [`MAX_PIXELS`],
//! [`MAX_DECODED_BYTES`] and the memory that the process may use. A decoder that panics returns an
//! error.
//!
//! ```
//! use modiste_imaging::{Interpolation, decode_gray, resize};
//!
//! let photo = include_bytes!("../tests/opencv/turned-exif6-120x80.jpg");
//! let small = resize(&decode_gray(photo)?, 28, 28, Interpolation::Area)?;
//! assert_eq!(small.pixels.len(), 28 * 28);
//! # Ok::<(), modiste_imaging::Error>(())
//! ```
//!
//! The crate does not open files and does not print.

mod area;
mod catch_panic;
mod decode;
mod encode;
mod error;
mod fit;
mod picture;
mod resize;
mod similarity;

pub use catch_panic::catch_panic;
pub use decode::{
    MAGIC_LENGTH, MAX_DECODED_BYTES, MAX_PIXELS, decode_gray, decode_opaque, decode_over_white,
    decode_rgb, image_size, image_warning, is_image,
};
pub use encode::{PngCompression, encode_png, picture_png, thumbnail};
pub use error::Error;
pub use fit::{Placement, decode_fit, fit};
pub use modiste_core::{Fit, Interpolation};
pub use picture::Picture;
pub use resize::{resize, shrink_to_fit};
pub use similarity::ImageSignature;

/// Examples of the crate's README, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
