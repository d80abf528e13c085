//! What can be wrong with a photo, or with what is asked of it.

use modiste_core::ImageShape;

/// Why a photo could not be prepared for a network.
///
/// The functions here take bytes, so no variant names a file: who read the file adds its path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The picture cannot be decoded or resized.
    #[error(transparent)]
    Imaging(#[from] modiste_imaging::Error),

    /// A step of a preprocessing cannot be carried out.
    #[error("step {number}, {step}: {problem}")]
    Step {
        /// Its place in the list, from 1.
        number: usize,
        /// Its name.
        step: &'static str,
        /// What is wrong with it, and what to do.
        problem: String,
    },

    /// No picture can be made into the input of such a network.
    #[error("a picture cannot become a {shape} input: {reason}")]
    Shape {
        /// Height, width and channels that were asked for.
        shape: ImageShape,
        /// What is wrong with them.
        reason: &'static str,
    },

    /// A name that is no preprocessing.
    #[error(
        "there is no preprocessing `{found}`; there are `notebook:nearest`, `notebook:linear`, \
         `notebook:area` (`notebook` is the first) and `fashion`"
    )]
    UnknownPreprocessing {
        /// The name that was given.
        found: String,
    },
}
