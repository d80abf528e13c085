//! Loading of a source: decoded images, without the files that cannot be decoded.

use super::Source;
use super::decode_files::decode_files;
use super::decoded::Decoded;
use super::error::SourceError;
use super::fingerprint::Fingerprint;
use super::fit_arrays::fit_arrays;
use super::listing::{BadFile, Listing, SourceWarning};
use super::loaded::LoadedImages;
use crate::cache::Contents;
use crate::images::Images;

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
        Some(images) => fit_arrays(source, images, progress)?,
        None => decode_files(source, progress)?,
    };
    finish(source, decoded, hashes)
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
        fit: (source.decode.decoder.is_none() || source.images.is_some())
            .then_some(source.decode.fit),
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
