//! Decoded images on their way to memory or to the cache.

use std::path::PathBuf;

use modiste_core::ImageShape;

use super::error::SourceError;
use super::listing::SourceWarning;
use super::options::DecodeOptions;
use crate::cache::Contents;
use crate::pixels::Pixels;
use crate::sink::{Sink, Stored};

/// Bytes of decoded images between two calls of the progress callback.
const CHUNK_BYTES: usize = 16 << 20;

/// Part of the available memory that decoded images may use: one in this number.
pub(super) const MEMORY_SHARE: u64 = 4;

/// Decoded images, and the samples that could not be decoded.
pub(super) struct Decoded {
    pub(super) pixels: Pixels,
    pub(super) contents: Contents,
    pub(super) from_cache: bool,
    pub(super) warning: Option<SourceWarning>,
}

pub(super) fn stored(stored: Stored, contents: Contents) -> Decoded {
    Decoded {
        pixels: stored.pixels,
        warning: stored
            .not_cached
            .map(|reason| SourceWarning::NotCached { reason }),
        contents,
        from_cache: false,
    }
}

/// Destination of the decoded images, and the folder of the cache if they fit into it.
pub(super) fn new_sink(
    shape: ImageShape,
    count: usize,
    options: &DecodeOptions,
) -> Result<(Sink, Option<PathBuf>), SourceError> {
    let bytes = count as u64 * shape.size() as u64;
    Sink::new(bytes, MEMORY_SHARE, options.cache.folder())
}

/// Chunks of the samples, each with the number of samples up to its end.
pub(super) fn chunks(
    indices: &[usize],
    shape: ImageShape,
) -> impl Iterator<Item = (usize, &[usize])> {
    let length = (CHUNK_BYTES / shape.size().max(1)).clamp(32, 2048);
    let chunks = indices.chunks(length);
    chunks.scan(0, |done, chunk| {
        *done += chunk.len();
        Some((*done, chunk))
    })
}
