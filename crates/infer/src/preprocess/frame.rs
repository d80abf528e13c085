//! Steps that cut or shrink the picture.

use std::ops::Range;

use super::view::View;
use crate::segment::bounds;
use modiste_core::ImageShape;
use modiste_imaging::Picture;
use modiste_imaging::shrunk;

/// The longest edge at most `longest`.
pub(super) fn shrink(view: &View, longest: usize) -> View {
    let shape = view.picture.shape;
    let cover = view.cover.as_ref().map(|cover| {
        let cover = Picture {
            shape: ImageShape {
                channels: 1,
                ..shape
            },
            pixels: cover.clone(),
        };
        shrunk(&cover, longest).pixels
    });
    View {
        picture: shrunk(&view.picture, longest),
        cover,
        window: view.window,
    }
}

/// Levels that a frame's pixels may differ from its colour by: what JPEG does to an even one.
const EVEN: u8 = 12;

/// A frame surrounds at least this share of the picture's pixels...
const LEAST_INSIDE: f64 = 0.3;

/// ... and what it surrounds fills the rectangle up to its edges: along each of them at least this
/// share of the pixels are of another colour. (A garment has a shape.)
const FULL_EDGE: f64 = 0.97;

/// Cuts off a frame, and a frame within it.
pub(super) fn unframe(view: &View) -> View {
    let mut view = view.clone();
    for _ in 0..2 {
        match inside_frame(&view.picture) {
            Some(bounds) => view = view.cropped(&bounds),
            None => break,
        }
    }
    view
}

/// The rows and columns within a frame, where there is one.
fn inside_frame(picture: &Picture) -> Option<[Range<usize>; 2]> {
    let ImageShape {
        height,
        width,
        channels,
    } = picture.shape;
    let colour = &picture.pixels[..channels];
    let differs: Vec<bool> = picture
        .pixels
        .chunks_exact(channels)
        .map(|pixel| pixel.iter().zip(colour).any(|(p, c)| p.abs_diff(*c) > EVEN))
        .collect();
    let [rows, columns] = bounds(&differs, width, |differs| *differs)?;
    if rows.len() == height && columns.len() == width {
        return None;
    }
    let inside = rows.len() * columns.len();
    if (inside as f64) < LEAST_INSIDE * (height * width) as f64 {
        return None;
    }
    let row = |row: usize| share(columns.clone().map(|column| differs[row * width + column]));
    let column = |column: usize| share(rows.clone().map(|row| differs[row * width + column]));
    let edges = [
        (rows.start > 0).then(|| row(rows.start)),
        (rows.end < height).then(|| row(rows.end - 1)),
        (columns.start > 0).then(|| column(columns.start)),
        (columns.end < width).then(|| column(columns.end - 1)),
    ];
    let full = |edge: &f64| *edge >= FULL_EDGE;
    edges.iter().flatten().all(full).then_some([rows, columns])
}

fn share(flags: impl ExactSizeIterator<Item = bool>) -> f64 {
    let count = flags.len() as f64;
    flags.filter(|flag| *flag).count() as f64 / count
}
