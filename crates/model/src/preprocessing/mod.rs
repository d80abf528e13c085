//! Preprocessing of photos as data: what a model file stores about the way from a photo to an input.
//!
//! `modiste-infer` runs the steps.

mod check;
mod error;
mod preset;
mod single_view;
mod step;
pub(crate) mod stored;

use serde::{Deserialize, Serialize};

pub use error::PreprocessingError;
pub use step::{Segmentation, Step};

/// Named list of steps that turn a photo into the input of a network. It is stored in the model file
/// beside the weights.
///
/// A step may make several TTA views of each one that it receives (mirror images, several sizes). The
/// network classifies every TTA view, and the probabilities are averaged: test-time augmentation (TTA).
///
/// `FromStr` parses the name of a preset: `notebook`, the preprocessing of the original Keras notebook, also with
/// another interpolation as in `notebook:area`, `fashion`, for photos of clothes, and `images:pad`, `images:crop` and
/// `images:stretch`, for networks that were trained on image files.
///
/// ```
/// use modiste_model::{Preprocessing, Step};
///
/// let notebook: Preprocessing = "notebook".parse()?;
/// assert_eq!(notebook, Preprocessing::default());
/// assert_eq!(notebook.steps[..2], [Step::Read, Step::Negate]);
/// # Ok::<(), modiste_model::PreprocessingError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "serde_json::Value")]
pub struct Preprocessing {
    /// Name of the preset, or any name for other steps.
    pub name: String,
    /// Steps, first to last.
    pub steps: Vec<Step>,
}
