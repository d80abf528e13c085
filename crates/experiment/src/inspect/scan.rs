//! Reading of every file of a dataset once.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use modiste_dataset::{Images, read_picture, sha256};
use modiste_imaging::{ImageSignature, Picture, decode_over_white};
use rayon::prelude::*;

/// Description of a file that can be decoded, without its pixels.
pub(super) struct Scan {
    pub(super) sha256: String,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) mode: &'static str,
    pub(super) signature: Option<ImageSignature>,
}

/// Reads and decodes the files in parallel. `on_progress` receives the number of files so far; it is called from
/// several threads.
pub(super) fn scan_files(
    files: &[PathBuf],
    on_progress: &(dyn Fn(usize) + Sync),
) -> Vec<Result<Scan, String>> {
    let done = AtomicUsize::new(0);
    let scan = |file: &PathBuf| {
        let scanned = scan_file(file);
        on_progress(1 + done.fetch_add(1, Ordering::Relaxed));
        scanned
    };
    files.par_iter().map(scan).collect()
}

fn scan_file(file: &Path) -> Result<Scan, String> {
    let bytes = read_picture(file).map_err(|error| error.to_string())?;
    let (picture, mask) = decode_over_white(&bytes).map_err(|error| error.to_string())?;
    Ok(Scan::of(&bytes, &picture, mask.is_some()))
}

/// Describes images of arrays.
pub(super) fn scan_images(images: &Images) -> Vec<Result<Scan, String>> {
    let scan = |index: usize| {
        let pixels = images
            .image(index)
            .map_err(|error| error.to_string())?
            .into_owned();
        let picture = Picture {
            shape: images.shape(),
            pixels,
        };
        Ok(Scan::of(&picture.pixels, &picture, false))
    };
    (0..images.len()).into_par_iter().map(scan).collect()
}

impl Scan {
    /// Description of a picture, whose file has these bytes.
    fn of(bytes: &[u8], picture: &Picture, is_transparent: bool) -> Self {
        Self {
            sha256: sha256([bytes]),
            height: picture.shape.height,
            width: picture.shape.width,
            mode: match (is_gray(picture), is_transparent) {
                (true, false) => "gray",
                (true, true) => "gray with transparency",
                (false, false) => "color",
                (false, true) => "color with transparency",
            },
            signature: ImageSignature::of(picture).ok(),
        }
    }
}

/// Returns whether the channels of every pixel are equal.
fn is_gray(picture: &Picture) -> bool {
    let mut pixels = picture.pixels.chunks_exact(picture.shape.channels);
    pixels.all(|pixel| pixel.iter().all(|value| *value == pixel[0]))
}
