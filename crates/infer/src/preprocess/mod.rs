//! Execution of a [`Preprocessing`]: from the bytes of a photo to the input of a network.

mod crop;
mod place;
mod step;
mod tone;
mod view;

use modiste_core::ImageShape;
use modiste_imaging::{MAX_PIXELS, catch_panic};
use modiste_model::{Preprocessing, Step};

use crate::error::Error;
pub use view::{View, Window};

/// TTA views after one step, for inspection.
#[derive(Clone, Debug, PartialEq)]
pub struct StepResult {
    /// Step.
    pub step: Step,
    /// All TTA views after the step.
    pub views: Vec<View>,
}

impl StepResult {
    /// Returns the bytes of all views, as [`preprocess`] does after the last step.
    pub fn pixels(&self) -> Vec<Vec<u8>> {
        let views = self.views.iter();
        views.map(|view| view.picture.pixels.clone()).collect()
    }
}

/// Preprocesses a photo for a network with input `shape`.
///
/// Returns one buffer of `shape.size()` bytes per TTA view, laid out as `[row, column, channel]`.
/// [`normalize`](modiste_core::normalize) scales them to 0 to 1, as during training.
///
/// # Errors
/// Returns [`Error::Imaging`] if the photo cannot be decoded, [`Error::Preprocessing`] if a step cannot
/// be run, and [`Error::OtherShape`] if the views do not have the shape.
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
    photo: &[u8],
    preprocessing: &Preprocessing,
    shape: ImageShape,
) -> Result<Vec<Vec<u8>>, Error> {
    check(preprocessing, shape)?;
    catch_panic(|| {
        let mut views = Vec::new();
        for step in &preprocessing.steps {
            views = step::apply(step, photo, views, shape)?;
        }
        check_views(&views, shape)?;
        Ok(views.into_iter().map(|view| view.picture.pixels).collect())
    })
}

/// Preprocesses a photo like [`preprocess`] and returns the views after every step.
///
/// # Errors
/// Returns the errors of [`preprocess`].
pub fn explain(
    photo: &[u8],
    preprocessing: &Preprocessing,
    shape: ImageShape,
) -> Result<Vec<StepResult>, Error> {
    check(preprocessing, shape)?;
    catch_panic(|| {
        let mut results: Vec<StepResult> = Vec::new();
        for step in &preprocessing.steps {
            let before = last_views(&results).to_vec();
            results.push(StepResult {
                step: step.clone(),
                views: step::apply(step, photo, before, shape)?,
            });
        }
        check_views(last_views(&results), shape)?;
        Ok(results)
    })
}

fn last_views(results: &[StepResult]) -> &[View] {
    results.last().map_or(&[], |result| &result.views)
}

fn check(preprocessing: &Preprocessing, shape: ImageShape) -> Result<(), Error> {
    let pixels = shape.height.saturating_mul(shape.width) as u64;
    if pixels == 0 || pixels > MAX_PIXELS {
        return Err(Error::Shape {
            shape,
            reason: "the shape has no pixels, or too many",
        });
    }
    Ok(preprocessing.check()?)
}

fn check_views(views: &[View], shape: ImageShape) -> Result<(), Error> {
    if views.is_empty() {
        let reason = "the preprocessing has no steps";
        return Err(Error::Shape { shape, reason });
    }
    match views.iter().find(|view| view.picture.shape != shape) {
        None => Ok(()),
        Some(view) => Err(Error::OtherShape {
            shape,
            found: view.picture.shape,
        }),
    }
}
