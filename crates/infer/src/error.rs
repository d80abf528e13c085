//! Errors of preprocessing a photo.

use modiste_core::ImageShape;
use modiste_model::PreprocessingError;

/// Error of preprocessing a photo.
///
/// No variant names a file, because the functions of this crate take bytes: callers add the path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The photo cannot be decoded or resized.
    #[error(transparent)]
    Imaging(#[from] modiste_imaging::Error),
    /// A step cannot be run.
    #[error(transparent)]
    Preprocessing(#[from] PreprocessingError),
    /// The steps make images of another shape than the network takes.
    #[error("the preprocessing makes {found} images, but the network takes {shape} images")]
    OtherShape {
        /// Shape that the network takes.
        shape: ImageShape,
        /// Shape that the steps make.
        found: ImageShape,
    },
    /// The steps do not give an input of the requested shape.
    #[error("cannot make a {shape} input: {reason}")]
    Shape {
        /// Requested shape.
        shape: ImageShape,
        /// Mismatch between steps and shape.
        reason: &'static str,
    },
}
