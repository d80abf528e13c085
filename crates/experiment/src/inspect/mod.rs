//! Inspection of a dataset before training: counts, sizes, unreadable files, duplicates and leaks.

mod duplicates;
mod report;
mod scan;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use modiste_core::Rng;
use modiste_dataset::{CacheOptions, Images, Listing, Part, Sample, SourceOptions, open_source};
use modiste_imaging::{ImageSignature, Picture, decode_rgb, thumbnail};

use crate::error::Result;
use crate::unreadable::UnreadableFile;
use duplicates::{groups_of_equal, groups_of_near};
use scan::{Scan, scan_files, scan_images};

pub(crate) use report::IMBALANCED;
pub use report::{ClassCount, DataReport, Finding};

/// Number of samples that are shown of each class.
const SAMPLES: usize = 6;

/// Largest number of classes whose samples are shown.
const SAMPLED_CLASSES: usize = 50;

/// Longest side of a sample in pixels.
const SAMPLE_SIDE: usize = 96;

/// Findings about a dataset, with samples of its images.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// Findings.
    pub report: DataReport,
    /// Some images of each class.
    pub samples: Vec<DataSample>,
}

/// Image of a class.
#[derive(Clone, Debug)]
pub struct DataSample {
    /// Path of the file.
    pub file: String,
    /// Name of the class.
    pub class: String,
    /// JPEG file of the image, reduced.
    pub picture: Vec<u8>,
}

/// Inspects the own images at `path`: reads and decodes every file once. `on_progress` receives the number of files so
/// far and the number of all files; it is called from several threads.
///
/// # Errors
/// Returns [`Error::Source`](crate::Error::Source) if the path cannot be read as a source of labelled images.
pub fn inspect(
    path: &Path,
    options: &SourceOptions,
    on_progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Inspection> {
    let source = open_source(path, options)?;
    let listing = source.listing().clone();
    let images = match listing.kind.is_arrays() {
        true => Some(source.cached(CacheOptions::Off).load()?.images),
        false => None,
    };
    let count = listing.samples.len();
    let scans = match &images {
        Some(images) => scan_images(images),
        None => {
            let files: Vec<PathBuf> = listing
                .samples
                .iter()
                .map(|sample| listing.file(sample))
                .collect();
            scan_files(&files, &|done| on_progress(done, count))
        }
    };
    let mut report = counts(path, &listing);
    let mut sizes: BTreeMap<[usize; 2], usize> = BTreeMap::new();
    for scan in scans.iter().flatten() {
        *sizes.entry([scan.width, scan.height]).or_default() += 1;
        *report.modes.entry(scan.mode.into()).or_default() += 1;
    }
    report.sizes = sizes
        .into_iter()
        .map(|([width, height], count)| (format!("{width}x{height}"), count))
        .collect();
    report
        .sizes
        .sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let failed = scans
        .iter()
        .zip(&listing.samples)
        .filter_map(|(scan, sample)| {
            let reason = scan.as_ref().err()?.clone();
            Some(UnreadableFile {
                file: shown(sample),
                reason,
            })
        });
    report.unreadable.extend(failed);
    add_duplicates(&mut report, &listing, &scans);
    let samples = samples(&listing, &scans, images.as_ref());
    Ok(Inspection { report, samples })
}

/// Report with the counts of a listing, and nothing else.
fn counts(path: &Path, listing: &Listing) -> DataReport {
    let [train, validation, test, whole] = [
        Some(Part::Train),
        Some(Part::Validation),
        Some(Part::Test),
        None,
    ]
    .map(|part| listing.counts(part));
    let class = |(index, class): (usize, &String)| ClassCount {
        class: class.clone(),
        train: train[index] + whole[index],
        validation: validation[index],
        test: test[index],
    };
    let classes: Vec<ClassCount> = listing.classes.iter().enumerate().map(class).collect();
    let totals = || {
        classes
            .iter()
            .map(ClassCount::total)
            .filter(|total| *total > 0)
    };
    let ratio = totals().max().unwrap_or(0) as f64 / totals().min().unwrap_or(1) as f64;
    DataReport {
        path: modiste_core::shown(path).to_string(),
        kind: listing.kind.to_string(),
        images: listing.samples.len(),
        imbalance: ratio,
        classes,
        sizes: Vec::new(),
        modes: BTreeMap::new(),
        unreadable: listing.bad.iter().map(UnreadableFile::of).collect(),
        exact_duplicates: Vec::new(),
        near_duplicates: Vec::new(),
        leaks: Vec::new(),
        conflicts: Vec::new(),
        warnings: listing.warnings.iter().map(ToString::to_string).collect(),
    }
}

fn add_duplicates(report: &mut DataReport, listing: &Listing, scans: &[Result<Scan, String>]) {
    let hashes = scans
        .iter()
        .map(|scan| scan.as_ref().ok().map(|scan| &scan.sha256));
    let exact = groups_of_equal(hashes);
    // One of several equal files represents them, so that a group of near duplicates has no equal files.
    let repeated: BTreeSet<usize> = exact
        .iter()
        .flat_map(|group| &group[1..])
        .copied()
        .collect();
    let signature = |(index, scan): (usize, &Result<Scan, String>)| -> Option<ImageSignature> {
        let scan = scan.as_ref().ok().filter(|_| !repeated.contains(&index))?;
        scan.signature.clone()
    };
    let near = groups_of_near(&scans.iter().enumerate().map(signature).collect::<Vec<_>>());
    let differ = |group: &Vec<usize>, key: &dyn Fn(&Sample) -> usize| {
        let keys: BTreeSet<usize> = group
            .iter()
            .map(|&index| key(&listing.samples[index]))
            .collect();
        keys.len() > 1
    };
    let part = |sample: &Sample| sample.part.map_or(0, |part| part as usize);
    let label = |sample: &Sample| usize::from(sample.label);
    let named = |groups: Vec<&Vec<usize>>| -> Vec<Vec<String>> {
        let names = |group: &Vec<usize>| {
            group
                .iter()
                .map(|&index| shown(&listing.samples[index]))
                .collect()
        };
        groups.into_iter().map(names).collect()
    };
    let all = || exact.iter().chain(&near);
    report.leaks = named(all().filter(|group| differ(group, &part)).collect());
    report.conflicts = named(all().filter(|group| differ(group, &label)).collect());
    report.exact_duplicates = named(exact.iter().collect());
    report.near_duplicates = named(near.iter().collect());
}

/// Random images of each class, always the same.
fn samples(
    listing: &Listing,
    scans: &[Result<Scan, String>],
    images: Option<&Images>,
) -> Vec<DataSample> {
    let mut rng = Rng::new(1);
    let mut samples = Vec::new();
    for (label, class) in listing.classes.iter().enumerate().take(SAMPLED_CLASSES) {
        let is_shown = |&index: &usize| {
            usize::from(listing.samples[index].label) == label && scans[index].is_ok()
        };
        let mut indices: Vec<usize> = (0..listing.samples.len()).filter(is_shown).collect();
        rng.shuffle(&mut indices);
        for &index in indices.iter().take(SAMPLES) {
            let sample = &listing.samples[index];
            let small = match images {
                Some(images) => small_image(images, index),
                None => small_file(&listing.file(sample)),
            };
            samples.extend(small.map(|picture| DataSample {
                file: shown(sample),
                class: class.clone(),
                picture,
            }));
        }
    }
    samples
}

/// JPEG of a file, reduced; `None` if the file has changed since it was decoded.
pub(crate) fn small_file(file: &Path) -> Option<Vec<u8>> {
    let picture = decode_rgb(&std::fs::read(file).ok()?).ok()?;
    thumbnail(&picture, SAMPLE_SIDE).ok()
}

/// JPEG of a decoded image, reduced.
pub(crate) fn small_image(images: &Images, index: usize) -> Option<Vec<u8>> {
    let picture = Picture {
        shape: images.shape(),
        pixels: images.image(index).ok()?.into_owned(),
    };
    thumbnail(&picture, SAMPLE_SIDE).ok()
}

fn shown(sample: &Sample) -> String {
    modiste_core::shown(&sample.path).to_string()
}
