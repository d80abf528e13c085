//! Execution of one step.

use modiste_core::ImageShape;
use modiste_imaging::{decode_gray, decode_opaque, decode_over_white, decode_rgb, resize};
use modiste_model::{Segmentation, Step};

use super::view::View;
use super::{crop, place, tone};
use crate::error::Error;
use crate::segment::masks;

/// Applies `step` to the views of the previous step, or to the photo itself if the step decodes it.
pub(super) fn apply(
    step: &Step,
    photo: &[u8],
    views: Vec<View>,
    shape: ImageShape,
) -> Result<Vec<View>, Error> {
    match step {
        Step::Read => {
            let picture = match shape.channels {
                1 => decode_gray(photo)?,
                3 => decode_rgb(photo)?,
                _ => {
                    return Err(Error::Shape {
                        shape,
                        reason: "expected 1 channel (gray) or 3 channels (RGB)",
                    });
                }
            };
            Ok(vec![View::new(picture)])
        }
        Step::ReadRgb => {
            let (picture, mask) = decode_over_white(photo)?;
            Ok(vec![View {
                mask,
                ..View::new(picture)
            }])
        }
        Step::Decode => Ok(vec![View::new(decode_opaque(photo, shape.channels)?)]),
        Step::Fit { mode } => views
            .into_iter()
            .map(|view| crop::fitted(view, shape, *mode))
            .collect(),
        Step::Negate => Ok(each(views, tone::negate)),
        Step::Stretch { interpolation } => {
            let stretch = |view: View| {
                let picture = resize(&view.picture, shape.height, shape.width, *interpolation)?;
                Ok(View {
                    picture,
                    mask: None,
                    window: view.window,
                })
            };
            views.into_iter().map(stretch).collect()
        }
        Step::Shrink { longest } => Ok(each(views, |view| crop::shrink(&view, *longest))),
        Step::CropBorder => Ok(each(views, |view| crop::crop_border(&view))),
        Step::Segment { methods } => Ok(several(views, |view| segment(view, methods))),
        Step::Gray => Ok(each(views, tone::gray)),
        Step::NormalizeTone {
            mean,
            deviation,
            gain,
            floor,
        } => Ok(each(views, |view| {
            tone::normalize_tone(view, *mean, *deviation, *gain, *floor)
        })),
        Step::Place { longest } => Ok(several(views, |view| place::place(view, longest, shape))),
        Step::Sharpen { sigma, amount } => {
            Ok(each(views, |view| tone::sharpen(view, *sigma, *amount)))
        }
        Step::Mirror => Ok(several(views, |view| {
            let mirrored = view.mirrored();
            vec![view, mirrored]
        })),
    }
}

fn each(views: Vec<View>, change: impl Fn(View) -> View) -> Vec<View> {
    views.into_iter().map(change).collect()
}

fn several(views: Vec<View>, change: impl Fn(View) -> Vec<View>) -> Vec<View> {
    views.into_iter().flat_map(change).collect()
}

fn segment(view: View, methods: &[Segmentation]) -> Vec<View> {
    // The alpha channel of the photo is a better mask than any that is computed.
    if view.mask.is_some() {
        return vec![view];
    }
    masks(&view.picture, methods)
        .into_iter()
        .map(|mask| View {
            picture: view.picture.clone(),
            mask: Some(mask),
            window: view.window,
        })
        .collect()
}
