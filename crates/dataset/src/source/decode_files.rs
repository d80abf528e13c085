//! Decoding of image files: in parallel, in bounded memory, once.

use std::path::{Path, PathBuf};

use modiste_core::{ImageShape, require_memory};
use modiste_imaging::{catch_panic, decode_fit};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::decoded::{Decoded, MEMORY_SHARE, chunks, new_sink, stored};
use super::error::SourceError;
use super::options::DecodeOptions;
use super::{Source, shape};
use crate::cache::{ContentHash, Contents, HashIndex, Stamp, open_entry};
use crate::files::digest::hex;
use crate::folder::read_picture;
use crate::pixels::Pixels;

/// Changes whenever the same file gives other pixels.
const DECODER_VERSION: u32 = 1;

/// In place of the hash of a file that cannot be read. It is not stored, so that the file is tried again.
const UNREAD: ContentHash = [0; 32];

/// Decodes image files, or opens their entry of the cache.
pub(super) fn decode_files(
    source: &Source,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(Decoded, Vec<String>), SourceError> {
    let options = &source.decode;
    let cache = options.cache.folder().map(|(folder, _)| folder);
    let (names, files): (Vec<PathBuf>, Vec<PathBuf>) = source.files().into_iter().unzip();
    let stamps: Vec<Option<Stamp>> = files.par_iter().map(|file| Stamp::of(file)).collect();
    let mut index = match &cache {
        Some(cache) => HashIndex::read(cache, &source.listing.root),
        None => HashIndex::default(),
    };
    let known = names.iter().zip(&stamps).map(|(name, stamp)| match stamp {
        Some(stamp) => index.get(name, *stamp),
        None => Some(UNREAD),
    });
    let mut hashes: Vec<Option<ContentHash>> = known.collect();
    // If no hash is known, files are hashed as they are decoded, so that each is read once.
    if hashes
        .iter()
        .zip(&stamps)
        .any(|(hash, stamp)| hash.is_some() && stamp.is_some())
    {
        hashes.par_iter_mut().zip(&files).for_each(|(hash, file)| {
            hash.get_or_insert_with(|| {
                read_picture(file).map_or(UNREAD, |bytes| content_hash(&bytes))
            });
        });
    }
    let mut opened = None;
    if let Some(cache) = &cache
        && let Some(hashes) = hashes.iter().copied().collect::<Option<Vec<_>>>()
    {
        opened = open_entry(cache, &key(&hashes, options));
    }
    let decoded = match opened {
        Some((file, path, contents)) => {
            progress(files.len(), files.len());
            Decoded {
                pixels: in_memory_if_small(Pixels::of_file(file, path, 0), &contents)?,
                contents,
                from_cache: true,
                warning: None,
            }
        }
        None => decode(&files, &mut hashes, options, progress)?,
    };
    let hashes: Vec<ContentHash> = hashes
        .into_iter()
        .map(|hash| hash.unwrap_or(UNREAD))
        .collect();
    if cache.is_some() {
        let read = names.iter().zip(&stamps).zip(&hashes);
        let read = read.filter(|(_, hash)| **hash != UNREAD);
        index.store(
            read.filter_map(|((name, stamp), hash)| Some((name.as_path(), (*stamp)?, *hash))),
        );
    }
    let texts = hashes.iter().map(|hash| match *hash == UNREAD {
        true => String::new(),
        false => hex(hash),
    });
    Ok((decoded, texts.collect()))
}

/// Decodes all files into a sink, and computes the hashes that are missing.
fn decode(
    files: &[PathBuf],
    hashes: &mut [Option<ContentHash>],
    options: &DecodeOptions,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Decoded, SourceError> {
    let shape = shape::suitable(files, options).map_err(|shape| SourceError::Size { shape })?;
    let (mut sink, folder) = new_sink(shape, files.len(), options)?;
    let (mut bad, mut is_out_of_memory) = (Vec::new(), false);
    let indices: Vec<usize> = (0..files.len()).collect();
    for (done, chunk) in chunks(&indices, shape) {
        let decoded: Vec<DecodedFile> = chunk
            .par_iter()
            .map(|&index| decode_file(&files[index], shape, options))
            .collect();
        for (&index, file) in chunk.iter().zip(decoded) {
            hashes[index] = Some(file.hash);
            is_out_of_memory |= file.is_out_of_memory;
            match file.pixels {
                Ok(pixels) => sink.write(&pixels)?,
                Err(reason) => bad.push((index, reason)),
            }
        }
        progress(done, files.len());
    }
    let contents = Contents {
        shape,
        count: files.len() - bad.len(),
        bad,
    };
    let known: Vec<ContentHash> = hashes.iter().map(|hash| hash.unwrap_or(UNREAD)).collect();
    // An image that memory does not suffice for now may be decoded later.
    let folder = folder.filter(|_| !is_out_of_memory);
    let entry = folder.map(|folder| (folder, key(&known, options)));
    let stored_at = sink.finish(
        entry
            .as_ref()
            .map(|(folder, key)| (folder.as_path(), key.as_str())),
        &contents,
    )?;
    Ok(stored(stored_at, contents))
}

/// Reads the pixels of an entry into memory if they need at most a share of it.
fn in_memory_if_small(pixels: Pixels, contents: &Contents) -> Result<Pixels, SourceError> {
    let bytes = contents.count as u64 * contents.shape.size() as u64;
    match require_memory(bytes.saturating_mul(MEMORY_SHARE)) {
        Ok(()) => Ok(Pixels::Memory(
            pixels.get(0, bytes as usize)?.into_owned().into(),
        )),
        Err(_) => Ok(pixels),
    }
}

/// A file that was read and decoded.
struct DecodedFile {
    /// Hash of the bytes that were decoded.
    hash: ContentHash,
    /// Pixels, or the reason why there are none.
    pixels: Result<Vec<u8>, String>,
    /// `true` if the reason is that memory does not suffice now.
    is_out_of_memory: bool,
}

/// Decodes one file; a panic of a decoder is an error of this file alone.
fn decode_file(file: &Path, shape: ImageShape, options: &DecodeOptions) -> DecodedFile {
    let bytes = match read_picture(file) {
        Ok(bytes) => bytes,
        Err(error) => {
            return DecodedFile {
                hash: UNREAD,
                pixels: Err(error.to_string()),
                is_out_of_memory: false,
            };
        }
    };
    let mut is_out_of_memory = false;
    let pixels = match &options.decoder {
        Some(decoder) => decoder.decode(&bytes, shape),
        None => catch_panic(|| decode_fit(&bytes, shape, options.fit))
            .map(|picture| picture.pixels)
            .map_err(|error| {
                is_out_of_memory = matches!(error, modiste_imaging::Error::Memory(_));
                error.to_string()
            }),
    };
    DecodedFile {
        hash: content_hash(&bytes),
        pixels,
        is_out_of_memory,
    }
}

/// Key of the cache: everything that decides the decoded bytes.
fn key(hashes: &[ContentHash], options: &DecodeOptions) -> String {
    let mut hash = Sha256::new();
    let DecodeOptions {
        size, color, fit, ..
    } = options;
    hash.update(format!("{DECODER_VERSION} {size:?} {color:?} {fit}\n"));
    if let Some(decoder) = &options.decoder {
        hash.update(format!("{}\n", decoder.description()));
    }
    for content in hashes {
        hash.update(content);
    }
    hex(&hash.finalize())
}

fn content_hash(bytes: &[u8]) -> ContentHash {
    Sha256::digest(bytes).into()
}
