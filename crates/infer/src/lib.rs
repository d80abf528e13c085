//! Classification of photos: from image files to ranked predictions.
//!
//! A [`Classifier`] is a trained network with its preprocessing, both read from one model file.
//! [`preprocess`] turns a PNG, JPEG, WebP, GIF, BMP or TIFF file in memory into the input of a
//! network; the tests compare its results with values that OpenCV computed. The steps are data,
//! defined in `modiste-model` and re-exported here.
//!
//! ```
//! use modiste_core::{ImageShape, Interpolation};
//! use modiste_infer::{Preprocessing, preprocess};
//!
//! let photo = include_bytes!("../../imaging/tests/opencv/turned-exif6-120x80.jpg");
//! let area = Preprocessing::notebook(Interpolation::Area);
//! let views = preprocess(photo, &area, ImageShape::new(28, 28, 1))?;
//! assert_eq!(views[0].len(), 28 * 28);
//! # Ok::<(), modiste_infer::Error>(())
//! ```
//!
//! The crate does not print, and only [`Classifier::load`] opens a file.

mod classifier;
mod error;
mod preprocess;
mod segment;

pub use classifier::{
    Answer, Classifier, ClassifierError, Prediction, UNSURE_BELOW, embedded_network, is_unsure,
    prediction_set,
};
pub use error::Error;
pub use modiste_model::{Preprocessing, PreprocessingError, Segmentation, Step};
pub use preprocess::{StepResult, View, Window, explain, preprocess};

/// Examples of the crate's README, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
