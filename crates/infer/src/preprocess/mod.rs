//! From a photo to the input of a network, as a list of steps.

mod check;
mod frame;
mod place;
mod preset;
mod step;
mod tone;
mod view;

use modiste_core::ImageShape;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use modiste_imaging::MAX_PIXELS;
use modiste_imaging::isolated;
pub use step::Step;
pub use view::{View, Window};

/// What is done to a photo before a network sees it: named steps, one after the other. Part of a
/// model: it is stored beside the weights.
///
/// A step may make several views of each that it is given (mirrored ones, several sizes); the network
/// sees all of them, and its answer is their mean.
///
/// It is parsed from the name of a preset: `notebook`, which is the lecture's way, also as
/// `notebook:area` with another interpolation, and `fashion`, for photos of clothes.
///
/// ```
/// use modiste_infer::{Preprocessing, Step};
///
/// let notebook: Preprocessing = "notebook".parse()?;
/// assert_eq!(notebook, Preprocessing::default());
/// assert_eq!(notebook.steps[..2], [Step::Read, Step::Negate]);
/// # Ok::<(), modiste_infer::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "serde_json::Value")]
pub struct Preprocessing {
    /// The preset that it is, or whatever its maker called it.
    pub name: String,
    /// First to last.
    pub steps: Vec<Step>,
}

/// What one step made of a photo.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The step.
    pub step: Step,
    /// All views after it.
    pub views: Vec<View>,
}

/// Makes a photo the input of a network: for each view bytes in the order row, column, channel, as
/// many as `shape` says. They are to be scaled to 0..1 as the training images were.
///
/// # Errors
/// Where the photo cannot be decoded, [`Error::Step`] where a step cannot be carried out,
/// [`Error::Shape`] where the steps do not lead to `shape`.
///
/// ```
/// use modiste_core::ImageShape;
/// use modiste_infer::{Preprocessing, preprocess};
///
/// let photo = include_bytes!("../../../imaging/tests/opencv/large-612x408.jpg");
/// let views = preprocess(photo, &Preprocessing::default(), ImageShape::new(28, 28, 1))?;
/// assert_eq!((views.len(), views[0].len()), (1, 28 * 28));
/// # Ok::<(), modiste_infer::Error>(())
/// ```
pub fn preprocess(
    bytes: &[u8],
    preprocessing: &Preprocessing,
    shape: ImageShape,
) -> Result<Vec<Vec<u8>>, Error> {
    check(preprocessing, shape)?;
    isolated(|| {
        let mut views = Vec::new();
        for step in &preprocessing.steps {
            views = step.apply(bytes, views, shape)?;
        }
        finished(views, shape)
    })
}

/// The same, with what every step makes of the photo, for people to look at.
///
/// # Errors
/// As [`preprocess`].
pub fn explain(
    bytes: &[u8],
    preprocessing: &Preprocessing,
    shape: ImageShape,
) -> Result<Vec<Stage>, Error> {
    check(preprocessing, shape)?;
    isolated(|| stages_of(bytes, preprocessing, shape))
}

fn stages_of(
    bytes: &[u8],
    preprocessing: &Preprocessing,
    shape: ImageShape,
) -> Result<Vec<Stage>, Error> {
    let mut stages: Vec<Stage> = Vec::new();
    for step in &preprocessing.steps {
        let before = stages
            .last()
            .map_or(Vec::new(), |stage| stage.views.clone());
        stages.push(Stage {
            step: step.clone(),
            views: step.apply(bytes, before, shape)?,
        });
    }
    let last = stages
        .last()
        .map_or(Vec::new(), |stage| stage.views.clone());
    finished(last, shape)?;
    Ok(stages)
}

fn check(preprocessing: &Preprocessing, shape: ImageShape) -> Result<(), Error> {
    let pixels = shape.height.saturating_mul(shape.width) as u64;
    if pixels == 0 || pixels > MAX_PIXELS {
        return Err(Error::Shape {
            shape,
            reason: "it has no pixels, or too many",
        });
    }
    preprocessing.check()
}

fn finished(views: Vec<View>, shape: ImageShape) -> Result<Vec<Vec<u8>>, Error> {
    let fits = |view: &View| view.picture.shape == shape;
    if views.is_empty() || !views.iter().all(fits) {
        return Err(Error::Shape {
            shape,
            reason: "the steps of its preprocessing do not lead there",
        });
    }
    Ok(views.into_iter().map(|view| view.picture.pixels).collect())
}
