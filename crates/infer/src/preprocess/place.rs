//! The step that centres the garment, at the size that garments have in the training images.

use modiste_core::{ImageShape, Interpolation};
use modiste_imaging::{Picture, resize};

use super::view::View;
use crate::segment::bounds;

/// Makes a view for each length of the garment's longest edge.
pub(super) fn place(view: View, longest: &[usize], shape: ImageShape) -> Vec<View> {
    let garment = cut_out(view);
    longest
        .iter()
        .map(|&longest| centred(&garment, longest, shape))
        .collect()
}

/// Crops a view to the bounding box of its mask and blends the background to black.
fn cut_out(view: View) -> View {
    let width = view.picture.shape.width;
    let Some(mask) = &view.mask else {
        return view;
    };
    let Some(bounds) = bounds(mask, width, |coverage| *coverage > 127) else {
        return view;
    };
    let mut garment = view.cropped(&bounds);
    let channels = garment.picture.shape.channels;
    if let Some(mask) = &garment.mask {
        let pixels = garment.picture.pixels.chunks_exact_mut(channels);
        for (pixel, coverage) in pixels.zip(mask) {
            for value in pixel {
                *value = ((u32::from(*value) * u32::from(*coverage) + 127) / 255) as u8;
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
        mask: None,
        window: garment.padded_window([top, left], [height, width], [shape.height, shape.width]),
    }
}
