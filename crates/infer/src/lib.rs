//! Photos in, ranked predictions out.
//!
//! A [`Classifier`] is a trained network, read from its one file, with its preprocessing.
//!
//! A photo is a PNG, JPEG, WebP, GIF, BMP or TIFF file in memory. [`preprocess`] makes it what a network
//! takes, to the values that the lecture's notebook gets from OpenCV: [`decode_gray`] is
//! `cv2.imread(path, IMREAD_GRAYSCALE)` and [`resize`] is `cv2.resize`. The tests hold both
//! against values that OpenCV computed.
//!
//! ```
//! use modiste_dataset::ImageShape;
//! use modiste_infer::{Interpolation, Preprocessing, preprocess};
//!
//! let photo = include_bytes!("../tests/opencv/turned-exif6-120x80.jpg");
//! let area = Preprocessing::notebook(Interpolation::Area);
//! let views = preprocess(photo, &area, ImageShape::new(28, 28, 1))?;
//! assert_eq!(views[0].len(), 28 * 28);
//! # Ok::<(), modiste_infer::Error>(())
//! ```
//!
//! Nothing here prints, and only [`Classifier::load`] opens a file.

mod area;
mod classifier;
mod decode;
mod encode;
mod error;
mod isolate;
mod preprocess;
mod resize;
mod segment;

pub use classifier::{
    Classifier, ClassifierError, Prediction, UNSURE, embedded_network, is_unsure,
};
pub use decode::{
    MAGIC_LENGTH, MAX_DECODED_BYTES, MAX_PIXELS, Picture, decode_gray, decode_rgb, image_warning,
    is_image,
};
pub use encode::{picture_png, thumbnail};
pub use error::Error;
pub use preprocess::{Preprocessing, Stage, Step, View, Window, explain, preprocess};
pub use resize::{Interpolation, resize, shrunk};
pub use segment::Cut;

/// The examples of the README, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}
