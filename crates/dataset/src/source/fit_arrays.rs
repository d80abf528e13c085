//! Fitting of images of arrays, which are in memory.

use std::fs::File;
use std::path::Path;

use modiste_imaging::Picture;
use rayon::prelude::*;

use super::decoded::{Decoded, chunks, new_sink, stored};
use super::error::SourceError;
use super::{Source, shape};
use crate::cache::Contents;
use crate::files::digest::digest;
use crate::images::Images;
use crate::pixels::Pixels;
use crate::transform::fitted_pixels;

/// Fits images of arrays, in memory.
pub(super) fn fit_arrays(
    source: &Source,
    images: &Images,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(Decoded, Vec<String>), SourceError> {
    let from = images.shape();
    let options = &source.decode;
    let shape = shape::of_arrays(from, options);
    let hashes = source
        .files()
        .iter()
        .map(|(_, file)| hash_of(file))
        .collect();
    if shape == from {
        progress(images.len(), images.len());
        let contents = Contents {
            shape,
            count: images.len(),
            bad: Vec::new(),
        };
        let decoded = Decoded {
            pixels: Pixels::Memory(images.to_contiguous()?.into_owned().into()),
            contents,
            from_cache: false,
            warning: None,
        };
        return Ok((decoded, hashes));
    }
    let mut sink = new_sink(shape, images.len(), options)?.0;
    let indices: Vec<usize> = (0..images.len()).collect();
    for (done, chunk) in chunks(&indices, shape) {
        let fitted: Vec<Result<Vec<u8>, SourceError>> = chunk
            .par_iter()
            .map(|&index| {
                let pixels = images.image(index)?.into_owned();
                let picture = Picture {
                    shape: from,
                    pixels,
                };
                fitted_pixels(picture, shape, options.fit).ok_or(SourceError::Size { shape })
            })
            .collect();
        for image in fitted {
            sink.write(&image?)?;
        }
        progress(done, images.len());
    }
    let contents = Contents {
        shape,
        count: images.len(),
        bad: Vec::new(),
    };
    Ok((stored(sink.finish(None, &contents)?, contents), hashes))
}

/// SHA-256 of a file of arrays; empty if it cannot be read.
fn hash_of(file: &Path) -> String {
    let opened = File::open(file);
    let found = opened.and_then(|file| digest(file, u64::MAX));
    found.map(|digest| digest.sha256).unwrap_or_default()
}
