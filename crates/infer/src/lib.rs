//! Photos in, ranked predictions out.
//!
//! A [`Classifier`] is a trained network, read from its one file, with its preprocessing.
//!
//! A photo is a PNG, JPEG, WebP, GIF or BMP file in memory. [`preprocess`] makes it what a network
//! takes, to the values that the lecture's notebook gets from OpenCV: [`decode_gray`] is
//! `cv2.imread(path, IMREAD_GRAYSCALE)` and [`resize`] is `cv2.resize`. The tests hold both
//! against values that OpenCV computed.
//!
//! ```
//! use modiste_dataset::ImageShape;
//! use modiste_infer::{Interpolation, Preprocessing, preprocess};
//!
//! let photo = include_bytes!("../tests/opencv/turned-exif6-120x80.jpg");
//! let area = Preprocessing::Notebook { interpolation: Interpolation::Area };
//! let input = preprocess(photo, &area, ImageShape::new(28, 28, 1))?;
//! assert_eq!(input.len(), 28 * 28);
//! # Ok::<(), modiste_infer::Error>(())
//! ```
//!
//! Nothing here prints, and only [`Classifier::load`] opens a file.

mod area;
mod classifier;
mod decode;
mod encode;
mod error;
mod gray;
mod preprocess;
mod resize;

pub use classifier::{Classifier, ClassifierError, Prediction};
pub use decode::{MAX_DECODED_BYTES, MAX_PIXELS, Picture, decode_gray, decode_rgb};
pub use encode::gray_png;
pub use error::Error;
pub use preprocess::{Preprocessing, preprocess};
pub use resize::{Interpolation, resize};

/// The examples of the README, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}
