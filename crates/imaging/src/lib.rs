//! Pictures: decoded from bytes, resized and encoded.
//!
//! A picture is a PNG, JPEG, WebP, GIF, BMP or TIFF file in memory. [`decode_gray`] returns the pixels of
//! `cv2.imread(path, IMREAD_GRAYSCALE)` and [`resize`] those of `cv2.resize`; the tests compare both with
//! values that OpenCV computed. Decoding has limits ([`MAX_PIXELS`], [`MAX_DECODED_BYTES`]) and is
//! isolated: a decoder that panics is an error of that one picture.
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
//! Nothing here prints or opens a file.

mod area;
mod decode;
mod encode;
mod error;
mod isolate;
mod picture;
mod resize;

pub use decode::{
    MAGIC_LENGTH, MAX_DECODED_BYTES, MAX_PIXELS, decode_gray, decode_over_white, decode_rgb,
    image_warning, is_image,
};
pub use encode::{PngCompression, encode_png, picture_png, thumbnail};
pub use error::Error;
pub use isolate::isolated;
pub use picture::Picture;
pub use resize::{Interpolation, resize, shrunk};
