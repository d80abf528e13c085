//! Segmentation: masks of the garment by several methods, whose errors differ.

mod background;
mod distance;
mod edges;
mod grab_cut;
mod lab;
mod min_cut;
mod mixture;
mod morphology;

use modiste_core::{ImageShape, Interpolation};
use modiste_imaging::{Picture, resize, shrink_to_fit};
use modiste_model::Segmentation;

use background::Background;
use lab::Lab;
use morphology::Mask;

pub(crate) use morphology::bounds;

/// Longest edge of the picture that is segmented: finer than the input of the network, coarser than the
/// threads of cloth.
const LONGEST: usize = 112;

/// Largest [`Background::spread`] of an even background.
const EVEN: f32 = 1.5;

/// Smallest [`Background::spread`] for which the colour distance is not usable and GrabCut replaces it.
const BUSY: f32 = 8.0;

/// Half axes of the large initial ellipse of GrabCut, as fractions of the picture's sides.
const LARGE: f32 = 0.42;

/// Half axes of the small initial ellipse. It differs from [`LARGE`], so that two masks of a busy
/// picture have different errors.
const SMALL: f32 = 0.33;

/// Masks of a photo, one per method in order: `[row, column]`, 255 for the garment, in the size of
/// `picture`.
pub(crate) fn masks(picture: &Picture, methods: &[Segmentation]) -> Vec<Vec<u8>> {
    let shape = picture.shape;
    let small = shrink_to_fit(picture, LONGEST);
    let lab = Lab::new(&small);
    let blurred = lab.box_blurred();
    let background = Background::fit(&blurred);
    let distance = distance::mask(&lab, &blurred, &background);
    let even = background.spread < EVEN;
    let levels = grab_cut::Levels::new(&lab);
    let refined = |rough: &Mask| grab_cut::refine(&levels, rough);
    let ellipse = |axis: f32| Mask::ellipse(lab.height, lab.width, axis);
    methods
        .iter()
        .map(|method| {
            let mask = match method {
                Segmentation::Distance if background.spread < BUSY => distance.clone(),
                Segmentation::Distance => refined(&ellipse(SMALL)),
                Segmentation::GrabCut if even => refined(&distance),
                Segmentation::GrabCut | Segmentation::Centre => refined(&ellipse(LARGE)),
                Segmentation::Whole => Mask::full(lab.height, lab.width),
            };
            enlarged(&mask, shape)
        })
        .collect()
}

/// Enlarges a mask to the size of a picture, with a soft edge.
fn enlarged(mask: &Mask, shape: ImageShape) -> Vec<u8> {
    let pixels = mask
        .inside
        .iter()
        .map(|&inside| if inside { 255 } else { 0 });
    let small = Picture {
        shape: ImageShape::new(mask.height, mask.width, 1),
        pixels: pixels.collect(),
    };
    resize(&small, shape.height, shape.width, Interpolation::Linear)
        .expect("the picture is not empty")
        .pixels
}
