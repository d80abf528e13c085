//! Decoding of a source to one shape: in parallel, in bounded memory, once.

use std::path::{Path, PathBuf};

use modiste_core::{Fit, ImageShape, require_memory};
use modiste_imaging::{Picture, catch_panic, decode_fit, fit};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::error::SourceError;
use super::fingerprint::Fingerprint;
use super::listing::{BadFile, Listing, SourceWarning};
use super::loaded::LoadedImages;
use super::options::{Color, DecodeOptions};
use super::{Source, shape};
use crate::cache::{ContentHash, Contents, HashIndex, Stamp, open_entry};
use crate::files::digest::hex;
use crate::folder::read_picture;
use crate::images::Images;
use crate::pixels::Pixels;
use crate::sink::{Sink, Stored};

/// Changes whenever the same file gives other pixels.
const DECODER_VERSION: u32 = 1;

/// Bytes of decoded images between two calls of the progress callback.
const CHUNK_BYTES: usize = 16 << 20;

/// Part of the available memory that decoded images may use: one in this number.
const MEMORY_SHARE: u64 = 4;

pub(super) fn load(
    source: &Source,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<LoadedImages, SourceError> {
    let listing = &source.listing;
    let classes = listing.classes.len();
    if !(2..=usize::from(u16::MAX) + 1).contains(&classes) {
        return Err(SourceError::ClassCount {
            path: listing.root.clone(),
            found: classes,
        });
    }
    let (decoded, hashes) = match &source.images {
        Some(images) => decode_arrays(source, images, progress)?,
        None => decode_files(source, progress)?,
    };
    finish(source, decoded, hashes)
}

/// Decoded images, and the samples that could not be decoded.
struct Decoded {
    pixels: Pixels,
    contents: Contents,
    from_cache: bool,
    warning: Option<SourceWarning>,
}

fn finish(
    source: &Source,
    decoded: Decoded,
    hashes: Vec<String>,
) -> Result<LoadedImages, SourceError> {
    let paths = source.files().into_iter().map(|(path, _)| path);
    let fingerprint = Fingerprint::new(&source.listing, paths.zip(hashes).collect());
    let Contents { shape, bad, .. } = decoded.contents;
    let mut listing = source.listing.clone();
    listing.shape = Some(shape);
    let mut left_out = listing.bad.clone();
    let mut is_bad = vec![false; listing.samples.len()];
    for (index, reason) in bad {
        is_bad[index] = true;
        let path = listing.file(&listing.samples[index]);
        left_out.push(BadFile { path, reason });
    }
    let mut is_bad = is_bad.into_iter();
    listing.samples.retain(|_| !is_bad.next().unwrap_or(false));
    if listing.samples.is_empty() {
        return Err(SourceError::NoImages {
            path: listing.root,
            first: left_out.into_iter().next(),
        });
    }
    if source.decode.strict
        && let Some(first) = left_out.first()
    {
        return Err(SourceError::BadFiles {
            count: left_out.len(),
            first: first.clone(),
        });
    }
    let labels: Vec<u16> = listing.samples.iter().map(|sample| sample.label).collect();
    let mut warnings = listing.warnings.clone();
    warnings.extend(classes_without_images(&source.listing, &listing));
    warnings.extend(decoded.warning);
    Ok(LoadedImages {
        images: Images::stored(shape, decoded.pixels, labels.into()),
        listing,
        bad: left_out,
        fingerprint,
        from_cache: decoded.from_cache,
        warnings,
    })
}

/// Warnings about classes whose images cannot be decoded.
fn classes_without_images(before: &Listing, after: &Listing) -> Vec<SourceWarning> {
    let has_images = |listing: &Listing| {
        let mut found = vec![false; listing.classes.len()];
        for sample in &listing.samples {
            found[usize::from(sample.label)] = true;
        }
        found
    };
    let (before, after_images) = (has_images(before), has_images(after));
    let emptied = after.classes.iter().zip(before.iter().zip(after_images));
    emptied
        .filter(|(_, (before, after))| **before && !after)
        .map(|(class, _)| SourceWarning::EmptyClass {
            class: class.clone(),
        })
        .collect()
}

/// Fits images of arrays, in memory.
fn decode_arrays(
    source: &Source,
    images: &Images,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(Decoded, Vec<String>), SourceError> {
    let from = images.shape();
    let options = &source.decode;
    let [height, width] = options.size.unwrap_or([from.height, from.width]);
    let channels = match options.color {
        Color::Auto => from.channels,
        Color::Gray => 1,
        Color::Rgb => 3,
    };
    let shape = ImageShape::new(height, width, channels);
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
                fitted(picture, shape, options.fit).ok_or(SourceError::Size { shape })
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

/// Converts between gray and RGB, and fits the picture.
fn fitted(picture: Picture, shape: ImageShape, mode: Fit) -> Option<Vec<u8>> {
    let converted = match (picture.shape.channels, shape.channels) {
        (from, to) if from == to => picture,
        (1, _) => Picture {
            pixels: picture.pixels.iter().flat_map(|&gray| [gray; 3]).collect(),
            shape: ImageShape {
                channels: 3,
                ..picture.shape
            },
        },
        _ => {
            let images = Images::new(picture.shape, picture.pixels, vec![0]).ok()?;
            let gray = images.to_gray().ok()?;
            Picture {
                shape: gray.shape(),
                pixels: gray.to_contiguous().ok()?.into_owned(),
            }
        }
    };
    let fitted = fit(converted, shape.height, shape.width, mode).ok()?;
    Some(fitted.pixels)
}

/// Decodes image files, or opens their entry of the cache.
fn decode_files(
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
        // A file that cannot be read has no content.
        None => Some(ContentHash::default()),
    });
    let mut hashes: Vec<Option<ContentHash>> = known.collect();
    // If no hash is known, files are hashed as they are decoded, so that each is read once.
    if hashes
        .iter()
        .zip(&stamps)
        .any(|(hash, stamp)| hash.is_some() && stamp.is_some())
    {
        hashes.par_iter_mut().zip(&files).for_each(|(hash, file)| {
            hash.get_or_insert_with(|| content_hash(&read_picture(file).unwrap_or_default()));
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
    let hashes: Vec<ContentHash> = hashes.into_iter().map(Option::unwrap_or_default).collect();
    let stored = names.iter().zip(&stamps).zip(&hashes);
    if cache.is_some() {
        index.store(
            stored.filter_map(|((name, stamp), hash)| Some((name.as_path(), (*stamp)?, *hash))),
        );
    }
    let texts = hashes.iter().zip(&stamps).map(|(hash, stamp)| match stamp {
        Some(_) => hex(hash),
        None => String::new(),
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
    let mut bad = Vec::new();
    let indices: Vec<usize> = (0..files.len()).collect();
    for (done, chunk) in chunks(&indices, shape) {
        let decoded: Vec<DecodedFile> = chunk
            .par_iter()
            .map(|&index| decode_file(&files[index], hashes[index], shape, options.fit))
            .collect();
        for (&index, (hash, pixels)) in chunk.iter().zip(decoded) {
            hashes[index] = hash;
            match pixels {
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
    let known: Vec<ContentHash> = hashes.iter().map(|hash| hash.unwrap_or_default()).collect();
    let entry = folder.map(|folder| (folder, key(&known, options)));
    let stored_at = sink.finish(
        entry
            .as_ref()
            .map(|(folder, key)| (folder.as_path(), key.as_str())),
        &contents,
    )?;
    Ok(stored(stored_at, contents))
}

fn stored(stored: Stored, contents: Contents) -> Decoded {
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
fn new_sink(
    shape: ImageShape,
    count: usize,
    options: &DecodeOptions,
) -> Result<(Sink, Option<PathBuf>), SourceError> {
    let bytes = count as u64 * shape.size() as u64;
    Sink::new(bytes, MEMORY_SHARE, options.cache.folder())
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

/// Hash of a file, and its pixels or the reason why it cannot be decoded.
type DecodedFile = (Option<ContentHash>, Result<Vec<u8>, String>);

/// Decodes one file; a panic of a decoder is an error of this file alone.
fn decode_file(
    file: &Path,
    hash: Option<ContentHash>,
    shape: ImageShape,
    mode: Fit,
) -> DecodedFile {
    let bytes = match read_picture(file) {
        Ok(bytes) => bytes,
        Err(error) => return (hash, Err(error.to_string())),
    };
    let hash = hash.unwrap_or_else(|| content_hash(&bytes));
    let decoded = catch_panic(|| decode_fit(&bytes, shape, mode));
    let pixels = decoded
        .map(|picture| picture.pixels)
        .map_err(|error| error.to_string());
    (Some(hash), pixels)
}

/// Chunks of the samples, each with the number of samples up to its end.
fn chunks(indices: &[usize], shape: ImageShape) -> impl Iterator<Item = (usize, &[usize])> {
    let length = (CHUNK_BYTES / shape.size().max(1)).clamp(32, 2048);
    let chunks = indices.chunks(length);
    chunks.scan(0, |done, chunk| {
        *done += chunk.len();
        Some((*done, chunk))
    })
}

/// Key of the cache: everything that decides the decoded bytes.
fn key(hashes: &[ContentHash], options: &DecodeOptions) -> String {
    let mut hash = Sha256::new();
    let DecodeOptions {
        size, color, fit, ..
    } = options;
    hash.update(format!("{DECODER_VERSION} {size:?} {color:?} {fit}\n"));
    for content in hashes {
        hash.update(content);
    }
    hex(&hash.finalize())
}

fn content_hash(bytes: &[u8]) -> ContentHash {
    Sha256::digest(bytes).into()
}

/// SHA-256 of a file of arrays; empty if it cannot be read.
fn hash_of(file: &Path) -> String {
    let opened = std::fs::File::open(file);
    let digest = opened.and_then(|file| crate::files::digest::digest(file, u64::MAX));
    digest.map(|digest| digest.sha256).unwrap_or_default()
}
