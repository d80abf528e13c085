//! Preprocessing steps as data.

use std::fmt;

use modiste_core::{Fit, Interpolation};
use serde::{Deserialize, Serialize};

/// One step of a [`Preprocessing`](super::Preprocessing).
///
/// `Display` describes the step in words. The stored names are part of the model file format, and
/// some differ from the names in Rust: [`name`](Self::name) returns them. The enum is exhaustive, so
/// that the compiler finds a step without an implementation in `modiste-infer`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Decodes the photo as OpenCV does: to gray for a network with one input channel, to RGB for one
    /// with three.
    Read,
    /// Decodes the photo with transparent pixels blended with white: to gray for a network with one input channel, to
    /// RGB for one with three.
    Decode,
    /// Fits the image to the input shape.
    Fit {
        /// Way to fit.
        mode: Fit,
    },
    /// Replaces gray by 255 minus gray: the datasets show light clothes on black, most photos dark
    /// clothes on white. RGB images are left unchanged.
    Negate,
    /// Resizes to the input shape without keeping the aspect ratio.
    Stretch {
        /// Interpolation method.
        interpolation: Interpolation,
    },
    /// Decodes the photo to RGB. Transparent pixels become white and are not part of the garment.
    #[serde(rename = "colours")]
    ReadRgb,
    /// Downscales by area until the longest edge is at most `longest`. Smaller images are left
    /// unchanged.
    Shrink {
        /// Longest edge in pixels.
        longest: usize,
    },
    /// Crops borders of a single colour around a rectangle that the rest of the image fills completely.
    #[serde(rename = "unframe")]
    CropBorder,
    /// Separates the garment from the background, with one TTA view per method. If the photo
    /// has a transparent background, its alpha channel is the mask and there is one TTA view.
    #[serde(rename = "mask")]
    Segment {
        /// Segmentation methods.
        #[serde(rename = "cuts")]
        methods: Vec<Segmentation>,
    },
    /// Converts to inverted gray (255 minus luma).
    Gray,
    /// Scales the garment's gray levels to a given mean and standard deviation.
    #[serde(rename = "tone")]
    NormalizeTone {
        /// Mean, 0 to 255.
        mean: f32,
        /// Standard deviation in gray levels.
        deviation: f32,
        /// Lower and upper bound of the contrast gain.
        gain: [f32; 2],
        /// Lower bound of the result, so that no part of the garment vanishes into the background.
        floor: f32,
    },
    /// Centres the garment on black, with one TTA view per length.
    Place {
        /// Lengths of the garment's longest edge, in pixels of the input.
        longest: Vec<usize>,
    },
    /// Sharpens by unsharp masking: adds `amount` times the difference to a Gaussian blur.
    Sharpen {
        /// Standard deviation of the Gaussian in pixels.
        sigma: f32,
        /// Factor of the difference.
        amount: f32,
    },
    /// Adds the horizontal mirror image of each TTA view.
    Mirror,
}

/// Method that separates a garment from its background.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Segmentation {
    /// Colour distance (CIE Lab) to a linear colour gradient fitted to the image's border. If the
    /// border is too busy for that, GrabCut initialized with a small ellipse in the middle.
    Distance,
    /// GrabCut (Rother, Kolmogorov, Blake 2004): colours of both sides as mixtures of Gaussians, with
    /// a boundary along edges. It is initialized with [`Segmentation::Distance`] if the border is
    /// even, and as [`Segmentation::Centre`] otherwise.
    GrabCut,
    /// GrabCut initialized with a large ellipse in the middle. It does not need an even border.
    Centre,
    /// The whole image.
    Whole,
}

impl fmt::Display for Segmentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Distance => "colour distance",
            Self::GrabCut => "GrabCut",
            Self::Centre => "GrabCut from the centre",
            Self::Whole => "whole picture",
        })
    }
}

impl Step {
    /// Stored name of the step.
    ///
    /// ```
    /// assert_eq!(modiste_model::Step::CropBorder.name(), "unframe");
    /// ```
    pub fn name(&self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Decode => "decode",
            Self::Fit { .. } => "fit",
            Self::Negate => "negate",
            Self::Stretch { .. } => "stretch",
            Self::ReadRgb => "colours",
            Self::Shrink { .. } => "shrink",
            Self::CropBorder => "unframe",
            Self::Segment { .. } => "mask",
            Self::Gray => "gray",
            Self::NormalizeTone { .. } => "tone",
            Self::Place { .. } => "place",
            Self::Sharpen { .. } => "sharpen",
            Self::Mirror => "mirror",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read => f.write_str("decode as OpenCV does"),
            Self::Decode => f.write_str("decode over white, upright"),
            Self::Fit { mode } => write!(f, "fit to the input shape: {mode}"),
            Self::Negate => f.write_str("255 minus gray"),
            Self::Stretch { interpolation } => {
                write!(f, "resize to the input shape, {interpolation}")
            }
            Self::ReadRgb => f.write_str("decode to RGB, upright"),
            Self::Shrink { longest } => write!(f, "shrink to at most {longest} pixels"),
            Self::CropBorder => f.write_str("crop single-colour borders"),
            Self::Segment { methods } => {
                write!(f, "segment the garment: {}", joined(methods))
            }
            Self::Gray => f.write_str("inverted gray"),
            Self::NormalizeTone {
                mean, deviation, ..
            } => write!(
                f,
                "normalize the garment's gray to mean {mean}, standard deviation {deviation}"
            ),
            Self::Place { longest } => {
                write!(f, "centre on black, {} pixels long", joined(longest))
            }
            Self::Sharpen { sigma, amount } => {
                write!(f, "sharpen: unsharp mask, sigma {sigma}, amount {amount}")
            }
            Self::Mirror => f.write_str("add the mirror image"),
        }
    }
}

fn joined<T: ToString>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(", ")
}
