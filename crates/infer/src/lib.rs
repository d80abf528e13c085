//! Photos in, ranked predictions out.
//!
//! A [`Classifier`] is a trained network, read from its one file, with its preprocessing.
//!
//! A photo is a PNG, JPEG, WebP, GIF, BMP or TIFF file in memory. [`preprocess`] turns it into the input of
//! a network; the tests compare the result with values that OpenCV computed.
//!
//! ```
//! use modiste_core::ImageShape;
//! use modiste_imaging::Interpolation;
//! use modiste_infer::{Preprocessing, preprocess};
//!
//! let photo = include_bytes!("../../imaging/tests/opencv/turned-exif6-120x80.jpg");
//! let area = Preprocessing::notebook(Interpolation::Area);
//! let views = preprocess(photo, &area, ImageShape::new(28, 28, 1))?;
//! assert_eq!(views[0].len(), 28 * 28);
//! # Ok::<(), modiste_infer::Error>(())
//! ```
//!
//! Nothing here prints, and only [`Classifier::load`] opens a file.

mod classifier;
mod error;
mod preprocess;
mod segment;

pub use classifier::{
    Classifier, ClassifierError, Prediction, UNSURE, embedded_network, is_unsure,
};
pub use error::Error;
pub use preprocess::{Preprocessing, Stage, Step, View, Window, explain, preprocess};
pub use segment::Cut;
