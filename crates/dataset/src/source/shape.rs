//! Shape that suits images, if the size or the colour is not given.

use std::path::PathBuf;

use modiste_core::ImageShape;
use modiste_imaging::{decode_opaque, image_size};
use rayon::prelude::*;

use super::options::{Color, DecodeOptions};
use crate::folder::read_picture;

/// Largest side of images that keep their size.
const SMALL: usize = 32;

/// Height and width of larger images, or of images whose sizes differ.
const USUAL: [usize; 2] = [64, 64];

/// Number of images that decide between gray and RGB.
const COLOR_SAMPLE: usize = 256;

/// Largest side of decoded images.
const MAX_SIDE: usize = 4096;

/// Number of images whose headers are read at a time.
const CHUNK: usize = 1024;

/// Shape for the images in `files`; `None` if a given side is 0 or too large.
pub(super) fn suitable(
    files: &[PathBuf],
    options: &DecodeOptions,
) -> Result<ImageShape, ImageShape> {
    let [height, width] = options.size.unwrap_or_else(|| suitable_size(files));
    let shape = ImageShape::new(height, width, 3);
    if !(1..=MAX_SIDE).contains(&height) || !(1..=MAX_SIDE).contains(&width) {
        return Err(shape);
    }
    let is_gray = match options.color {
        Color::Gray => true,
        Color::Rgb => false,
        Color::Auto => are_gray(files),
    };
    Ok(match is_gray {
        true => ImageShape {
            channels: 1,
            ..shape
        },
        false => shape,
    })
}

/// Shape for images of arrays, which have the shape `from`.
pub(super) fn of_arrays(from: ImageShape, options: &DecodeOptions) -> ImageShape {
    let [height, width] = options.size.unwrap_or([from.height, from.width]);
    let channels = match options.color {
        Color::Auto => from.channels,
        Color::Gray => 1,
        Color::Rgb => 3,
    };
    ImageShape::new(height, width, channels)
}

/// The common size of images of at most 32 pixels a side, or else 64x64. Unreadable images do not count.
fn suitable_size(files: &[PathBuf]) -> [usize; 2] {
    let mut common = None;
    for files in files.chunks(CHUNK) {
        let size_of = |file: &PathBuf| image_size(&read_picture(file).ok()?).ok();
        // The first image alone decides about most folders.
        let first = files.iter().find_map(size_of);
        let sizes: Vec<[usize; 2]> = match (common, first) {
            (_, None) => continue,
            (Some(common), Some(first)) if common != first => return USUAL,
            (_, Some([height, width])) if height > SMALL || width > SMALL => return USUAL,
            (_, Some(first)) => {
                common = Some(first);
                files.par_iter().filter_map(size_of).collect()
            }
        };
        if sizes.iter().any(|size| Some(*size) != common) {
            return USUAL;
        }
    }
    common.unwrap_or(USUAL)
}

/// Returns `true` if all images of a sample, evenly spread over the files, have equal channels.
fn are_gray(files: &[PathBuf]) -> bool {
    let step = files.len().div_ceil(COLOR_SAMPLE).max(1);
    let sample: Vec<&PathBuf> = files.iter().step_by(step).collect();
    // `None` for images that cannot be decoded.
    let is_gray = |file: &&PathBuf| {
        let picture = decode_opaque(&read_picture(file).ok()?, 3).ok()?;
        let mut pixels = picture.pixels.chunks_exact(3);
        Some(pixels.all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]))
    };
    // The first ones alone decide about most folders.
    let (first, rest) = sample.split_at(sample.len().min(8));
    let all_gray = |files: &[&PathBuf]| -> Option<bool> {
        let found: Vec<bool> = files.par_iter().filter_map(is_gray).collect();
        (!found.is_empty()).then(|| found.iter().all(|gray| *gray))
    };
    match all_gray(first) {
        Some(false) => false,
        some => all_gray(rest).or(some).unwrap_or(false),
    }
}
