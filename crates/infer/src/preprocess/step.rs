//! The steps, as data and as what they do.

use std::fmt;

use modiste_core::ImageShape;
use serde::{Deserialize, Serialize};

use super::view::View;
use super::{frame, place, tone};
use crate::error::Error;
use crate::segment::{self, Cut};
use modiste_imaging::{Interpolation, resize};
use modiste_imaging::{decode_gray, decode_over_white, decode_rgb};

/// One step of a [`Preprocessing`](super::Preprocessing). Its `Display` says in words what it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Step {
    /// Decodes as OpenCV does: to gray for a network of one channel, to colours for one of three.
    Read,
    /// 255 minus gray: the datasets show light clothes on black, photos dark clothes on white.
    /// Colours are kept.
    Negate,
    /// Stretches to the size of the input, whatever the proportions.
    Stretch {
        /// How.
        interpolation: Interpolation,
    },
    /// Decodes to colours. What is transparent is no garment, and becomes white.
    Colours,
    /// Shrinks until the longest edge is at most this, by the mean of areas.
    Shrink {
        /// In pixels.
        longest: usize,
    },
    /// Cuts off frames: borders of one colour around what fills a whole rectangle.
    Unframe,
    /// Tells the garment from the background: a view for each cut. A transparent background is
    /// known already, and stays.
    Mask {
        /// How.
        cuts: Vec<Cut>,
    },
    /// To gray, negated.
    Gray,
    /// Gives the garment this mean and standard deviation of gray.
    Tone {
        /// 0 to 255.
        mean: f32,
        /// In levels of gray.
        deviation: f32,
        /// The contrast is multiplied by no less and no more than this.
        gain: [f32; 2],
        /// No part of the garment becomes darker than this.
        floor: f32,
    },
    /// Lays the garment on black in the middle of the input, its longest edge so many pixels: a view
    /// for each.
    Place {
        /// In pixels of the input.
        longest: Vec<usize>,
    },
    /// Adds a multiple of the difference to the picture blurred by a Gaussian.
    Sharpen {
        /// Its standard deviation in pixels.
        sigma: f32,
        /// The multiple.
        amount: f32,
    },
    /// Adds each view mirrored, left to right.
    Mirror,
}

impl Step {
    /// Its name, as it is stored.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Negate => "negate",
            Self::Stretch { .. } => "stretch",
            Self::Colours => "colours",
            Self::Shrink { .. } => "shrink",
            Self::Unframe => "unframe",
            Self::Mask { .. } => "mask",
            Self::Gray => "gray",
            Self::Tone { .. } => "tone",
            Self::Place { .. } => "place",
            Self::Sharpen { .. } => "sharpen",
            Self::Mirror => "mirror",
        }
    }

    /// What this step makes of the views so far; of the photo itself, where it decodes.
    pub(super) fn apply(
        &self,
        bytes: &[u8],
        views: Vec<View>,
        shape: ImageShape,
    ) -> Result<Vec<View>, Error> {
        match self {
            Self::Read => {
                let picture = match shape.channels {
                    1 => decode_gray(bytes)?,
                    3 => decode_rgb(bytes)?,
                    _ => {
                        return Err(Error::Shape {
                            shape,
                            reason: "1 channel takes a gray picture and 3 take a coloured one",
                        });
                    }
                };
                Ok(vec![View::plain(picture)])
            }
            Self::Colours => {
                let (picture, cover) = decode_over_white(bytes)?;
                Ok(vec![View {
                    cover,
                    ..View::plain(picture)
                }])
            }
            Self::Negate => Ok(each(views, tone::negate)),
            Self::Stretch { interpolation } => {
                let stretch = |view: View| {
                    let to = (shape.height, shape.width);
                    let picture = resize(&view.picture, to.0, to.1, *interpolation)?;
                    Ok(View {
                        picture,
                        cover: None,
                        window: view.window,
                    })
                };
                views.into_iter().map(stretch).collect()
            }
            Self::Shrink { longest } => Ok(each(views, |view| frame::shrink(&view, *longest))),
            Self::Unframe => Ok(each(views, |view| frame::unframe(&view))),
            Self::Mask { cuts } => Ok(several(views, |view| mask(view, cuts))),
            Self::Gray => Ok(each(views, tone::gray)),
            Self::Tone {
                mean,
                deviation,
                gain,
                floor,
            } => Ok(each(views, |view| {
                tone::tone(view, *mean, *deviation, *gain, *floor)
            })),
            Self::Place { longest } => {
                Ok(several(views, |view| place::place(view, longest, shape)))
            }
            Self::Sharpen { sigma, amount } => {
                Ok(each(views, |view| tone::sharpen(view, *sigma, *amount)))
            }
            Self::Mirror => Ok(several(views, |view| {
                let mirrored = view.mirrored();
                vec![view, mirrored]
            })),
        }
    }
}

fn each(views: Vec<View>, change: impl Fn(View) -> View) -> Vec<View> {
    views.into_iter().map(change).collect()
}

fn several(views: Vec<View>, change: impl Fn(View) -> Vec<View>) -> Vec<View> {
    views.into_iter().flat_map(change).collect()
}

fn mask(view: View, cuts: &[Cut]) -> Vec<View> {
    if view.cover.is_some() {
        return vec![view];
    }
    segment::masks(&view.picture, cuts)
        .into_iter()
        .map(|cover| View {
            picture: view.picture.clone(),
            cover: Some(cover),
            window: view.window,
        })
        .collect()
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read => f.write_str("read as OpenCV reads it"),
            Self::Negate => f.write_str("255 minus gray"),
            Self::Stretch { interpolation } => {
                write!(
                    f,
                    "stretch to the input's size, interpolation {interpolation}"
                )
            }
            Self::Colours => f.write_str("read in colours, the right way up"),
            Self::Shrink { longest } => write!(f, "shrink to {longest} pixels at most"),
            Self::Unframe => f.write_str("cut off frames of one colour"),
            Self::Mask { cuts } => {
                let names: Vec<String> = cuts.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "tell the garment from the background: {}",
                    names.join(", ")
                )
            }
            Self::Gray => f.write_str("gray, negated"),
            Self::Tone {
                mean, deviation, ..
            } => write!(
                f,
                "give the garment the gray {mean} and the contrast {deviation}"
            ),
            Self::Place { longest } => {
                let sizes: Vec<String> = longest.iter().map(ToString::to_string).collect();
                write!(f, "centre it on black, {} pixels long", sizes.join(", "))
            }
            Self::Sharpen { sigma, amount } => {
                write!(
                    f,
                    "sharpen: {amount} times what a blur of {sigma} takes away"
                )
            }
            Self::Mirror => f.write_str("mirror as well"),
        }
    }
}
