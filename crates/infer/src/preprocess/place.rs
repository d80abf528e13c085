//! The garment in the middle of the input, as large as the training images have it.

use modiste_core::ImageShape;

use super::view::View;
use crate::segment::bounds;
use modiste_imaging::Picture;
use modiste_imaging::{Interpolation, resize};

/// A view for each length of the longest edge.
pub(super) fn place(view: View, longest: &[usize], shape: ImageShape) -> Vec<View> {
    let garment = cut_out(view);
    longest
        .iter()
        .map(|&longest| centred(&garment, longest, shape))
        .collect()
}

/// The garment's rows and columns, on black.
fn cut_out(view: View) -> View {
    let width = view.picture.shape.width;
    let Some(cover) = &view.cover else {
        return view;
    };
    let Some(bounds) = bounds(cover, width, |cover| *cover > 127) else {
        return view;
    };
    let mut garment = view.cropped(&bounds);
    let channels = garment.picture.shape.channels;
    if let Some(cover) = &garment.cover {
        let pixels = garment.picture.pixels.chunks_exact_mut(channels);
        for (pixel, cover) in pixels.zip(cover) {
            for value in pixel {
                *value = ((u32::from(*value) * u32::from(*cover) + 127) / 255) as u8;
            }
        }
    }
    garment
}

fn centred(garment: &View, longest: usize, shape: ImageShape) -> View {
    let from = garment.picture.shape;
    let edge = from.height.max(from.width);
    let longest = longest.min(shape.height).min(shape.width);
    let side = |length: usize| ((length * longest + edge / 2) / edge).max(1);
    let (height, width) = (side(from.height), side(from.width));
    let small =
        resize(&garment.picture, height, width, Interpolation::Area).expect("it has pixels");
    let row_length = shape.width * from.channels;
    let mut pixels = vec![0; shape.height * row_length];
    let (top, left) = ((shape.height - height) / 2, (shape.width - width) / 2);
    let rows = small.pixels.chunks_exact(width * from.channels);
    for (row, source) in (top..).zip(rows) {
        let start = row * row_length + left * from.channels;
        pixels[start..start + source.len()].copy_from_slice(source);
    }
    View {
        picture: Picture {
            shape: ImageShape {
                channels: from.channels,
                ..shape
            },
            pixels,
        },
        cover: None,
        window: garment.window_within([top, left], [height, width], [shape.height, shape.width]),
    }
}
