//! Steps that crop or shrink the picture.

use std::ops::Range;

use modiste_core::ImageShape;
use modiste_imaging::{Fit, Picture, Placement, fit, shrink_to_fit};

use super::view::View;
use crate::error::Error;
use crate::segment::bounds;

/// Shrinks a view and its mask until the longest edge is at most `longest`.
pub(super) fn shrink(view: &View, longest: usize) -> View {
    let shape = view.picture.shape;
    let mask = view.mask.as_ref().map(|mask| {
        let mask = Picture {
            shape: ImageShape {
                channels: 1,
                ..shape
            },
            pixels: mask.clone(),
        };
        shrink_to_fit(&mask, longest).pixels
    });
    View {
        picture: shrink_to_fit(&view.picture, longest),
        mask,
        window: view.window,
    }
}

/// Fits a view to the input shape of the network.
pub(super) fn fitted(view: View, shape: ImageShape, mode: Fit) -> Result<View, Error> {
    let to = [shape.height, shape.width];
    let from = view.picture.shape;
    let Placement {
        source,
        size,
        offset,
    } = Placement::of([from.height, from.width], to, mode);
    let shown = View {
        window: view.window.part_of([from.height, from.width], &source),
        ..view
    };
    Ok(View {
        window: shown.padded_window(offset, size, to),
        picture: fit(shown.picture, shape.height, shape.width, mode)?,
        mask: None,
    })
}

/// Largest difference of a border's pixels from its colour, in levels: JPEG artefacts of an even area.
const TOLERANCE: u8 = 12;

/// Smallest fraction of the pixels that a border surrounds.
const MIN_INSIDE: f64 = 0.3;

/// Smallest fraction of pixels of another colour along each edge of the inner rectangle. A picture fills
/// its rectangle; a garment on an even background does not.
const MIN_FULL_EDGE: f64 = 0.97;

/// Crops a single-colour border, and a second one within it.
pub(super) fn crop_border(view: &View) -> View {
    let mut view = view.clone();
    for _ in 0..2 {
        match inside_border(&view.picture) {
            Some(bounds) => view = view.cropped(&bounds),
            None => break,
        }
    }
    view
}

/// Rows and columns within the border; `None` if there is no border.
fn inside_border(picture: &Picture) -> Option<[Range<usize>; 2]> {
    let ImageShape {
        height,
        width,
        channels,
    } = picture.shape;
    let colour = &picture.pixels[..channels];
    let differs: Vec<bool> = picture
        .pixels
        .chunks_exact(channels)
        .map(|pixel| {
            let mut pairs = pixel.iter().zip(colour);
            pairs.any(|(value, border)| value.abs_diff(*border) > TOLERANCE)
        })
        .collect();
    let [rows, columns] = bounds(&differs, width, |differs| *differs)?;
    if rows.len() == height && columns.len() == width {
        return None;
    }
    let inside = rows.len() * columns.len();
    if (inside as f64) < MIN_INSIDE * (height * width) as f64 {
        return None;
    }
    let row = |row: usize| fraction(columns.clone().map(|column| differs[row * width + column]));
    let column = |column: usize| fraction(rows.clone().map(|row| differs[row * width + column]));
    let edges = [
        (rows.start > 0).then(|| row(rows.start)),
        (rows.end < height).then(|| row(rows.end - 1)),
        (columns.start > 0).then(|| column(columns.start)),
        (columns.end < width).then(|| column(columns.end - 1)),
    ];
    let full = |edge: &f64| *edge >= MIN_FULL_EDGE;
    edges.iter().flatten().all(full).then_some([rows, columns])
}

fn fraction(flags: impl ExactSizeIterator<Item = bool>) -> f64 {
    let count = flags.len() as f64;
    flags.filter(|flag| *flag).count() as f64 / count
}
