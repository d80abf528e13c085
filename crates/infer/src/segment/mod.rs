//! Which pixels of a photo are the garment's: masks by methods that err in different ways.

mod background;
mod distance;
mod edges;
mod grab_cut;
mod lab;
mod min_cut;
mod mixture;
mod morphology;

use std::fmt;

use modiste_core::ImageShape;
use serde::{Deserialize, Serialize};

use background::Background;
use lab::Lab;
use modiste_imaging::Picture;
use modiste_imaging::{Interpolation, resize, shrunk};
use morphology::Mask;

pub(crate) use morphology::bounds;

/// The longest edge that masks are found at: finer than the network sees, coarser than threads of
/// cloth.
const LONGEST: usize = 112;

/// A border whose pixels are, in the median, nearer than this to one ramp of colour is a quiet
/// background.
const QUIET: f32 = 1.5;

/// From here on, distance from the border's colour tells nothing, and GrabCut takes its place.
const BUSY: f32 = 8.0;

/// The half axes of the ellipses that GrabCut starts from, as parts of the picture's sides. Two, so
/// that two masks of a busy picture err in different ways.
const LARGE: f32 = 0.42;
const SMALL: f32 = 0.33;

/// How a garment is told from what it lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cut {
    /// What differs in colour (CIE Lab) from a ramp fitted to the picture's border. Where the border
    /// is too busy for that, GrabCut that starts from a small ellipse in the middle.
    Distance,
    /// GrabCut (Rother, Kolmogorov, Blake 2004): colours of both sides as mixtures of Gaussians, and a
    /// border along edges. It starts from [`Cut::Distance`] where the border is quiet, else as
    /// [`Cut::Centre`].
    GrabCut,
    /// GrabCut that starts from a large ellipse in the middle: it needs no quiet border.
    Centre,
    /// The whole picture.
    Whole,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Distance => "colour distance",
            Self::GrabCut => "GrabCut",
            Self::Centre => "GrabCut from the middle",
            Self::Whole => "everything",
        })
    }
}

/// Masks of one photo, as bytes of `picture`'s size, 255 inside: for each cut in its order.
pub(crate) fn masks(picture: &Picture, cuts: &[Cut]) -> Vec<Vec<u8>> {
    let shape = picture.shape;
    let small = shrunk(picture, LONGEST);
    let lab = Lab::of(&small);
    let blurred = lab.blurred();
    let background = Background::of(&blurred);
    let distance = distance::mask(&lab, &blurred, &background);
    let quiet = background.spread < QUIET;
    let levels = grab_cut::Levels::of(&lab);
    let refined = |rough: &Mask| grab_cut::refine(&levels, rough);
    let room = |room: f32| Mask::ellipse(lab.height, lab.width, room);
    cuts.iter()
        .map(|cut| {
            let mask = match cut {
                Cut::Distance if background.spread < BUSY => distance.clone(),
                Cut::Distance => refined(&room(SMALL)),
                Cut::GrabCut if quiet => refined(&distance),
                Cut::GrabCut | Cut::Centre => refined(&room(LARGE)),
                Cut::Whole => Mask::full(lab.height, lab.width),
            };
            grown(&mask, shape)
        })
        .collect()
}

/// A mask as bytes of a picture's size, its edge softened where it grows.
fn grown(mask: &Mask, shape: ImageShape) -> Vec<u8> {
    let pixels = mask
        .inside
        .iter()
        .map(|&inside| if inside { 255 } else { 0 });
    let small = Picture {
        shape: ImageShape::new(mask.height, mask.width, 1),
        pixels: pixels.collect(),
    };
    resize(&small, shape.height, shape.width, Interpolation::Linear)
        .expect("a picture has pixels")
        .pixels
}
