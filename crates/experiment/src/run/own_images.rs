//! Own images of a run: decoding, splits, and the files that the record refers to.

use std::path::{Path, PathBuf};

use modiste_core::shown;
use modiste_dataset::{
    Dataset, Fingerprint, Images, Listing, LoadReport, LoadedImages, Part, SplitFractions,
};
use serde::{Deserialize, Serialize};

use crate::class_map::known_and_outliers;
use crate::data::DataSource;
use crate::error::{Error, Result};
use crate::own_images::{ImageFiles, OwnImages, TEST_FRACTION, load};
use crate::plan::Plan;
use crate::spread::spread_images;
use crate::unreadable::{UnreadableFile, first_lines};
use crate::validation::Validation;
use crate::warning::Warning;

/// File name of the list of images in the folder of a run.
pub(super) const SAMPLES: &str = "samples.csv";

/// Own images of a run, in the record of the run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OwnImagesRecord {
    /// Path, and how the images are read and decoded.
    #[serde(flatten)]
    pub images: OwnImages,
    /// Kind of the source, such as `image folder`; empty in the records of older versions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Parts that the source gives; the others are split off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given_parts: Vec<String>,
    /// Number of groups, if there is a column of groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<usize>,
    /// SHA-256 of all files, classes, parts and groups. `samples.csv` has the hash of each file.
    pub sha256: String,
    /// Number of images to train on, to validate on and to test on.
    pub parts: [usize; 3],
    /// Files that were left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<UnreadableFile>,
}

/// Own images, decoded and split.
#[derive(Clone, Debug)]
pub(super) struct SplitImages {
    /// Images with the labels of the network. Outliers are part of the training images only.
    pub(super) data: Dataset,
    pub(super) validation: Images,
    /// Outliers to test on.
    pub(super) test_outliers: Images,
    pub(super) details: OwnDetails,
}

/// Data of own images beside the pixels.
#[derive(Clone, Debug)]
pub(crate) struct OwnDetails {
    pub(super) record: OwnImagesRecord,
    fingerprint: Fingerprint,
    /// Folder that the paths are relative to.
    root: PathBuf,
    /// Path, class and part of each image.
    samples: Vec<(PathBuf, String, Part)>,
}

/// Decodes the own images of a plan and splits them.
///
/// # Errors
/// Returns [`Error::Source`] if the images cannot be read or decoded, and [`Error::Setting`] if a part is empty.
pub(super) fn load_split(
    plan: &Plan,
    own: &OwnImages,
    source: &DataSource<'_>,
    on_warning: &mut dyn FnMut(Warning),
) -> Result<SplitImages> {
    let loaded = load(
        &own.source(&source.cache_options())?,
        source.on_progress,
        on_warning,
    )?;
    split(plan, own, &loaded)
}

/// Decodes the own images of a run again, and returns those that it is tested on, with their files.
///
/// # Errors
/// Returns [`Error::Setting`] if the images are not those of the run any more, because another split could test it on
/// images that it was trained on, and the errors of [`load_split`].
pub(crate) fn own_test_part(
    plan: &Plan,
    own: &OwnImagesRecord,
    source: &DataSource<'_>,
    on_warning: &mut dyn FnMut(Warning),
) -> Result<(Images, ImageFiles)> {
    let split = load_split(plan, &own.images, source, on_warning)?;
    if split.details.record.sha256 != own.sha256 {
        return Err(Error::setting(format!(
            "{}: the images have changed since the training, so those that the network was not trained on cannot be told \
             from the others; restore them, or measure the network on images of another folder",
            shown(&own.images.path)
        )));
    }
    let tested = split.details.samples.into_iter();
    let is_known = |class: &String| !own.images.outlier_classes.contains(class);
    let tested = tested.filter(|(_, class, part)| *part == Part::Test && is_known(class));
    let paths: Vec<PathBuf> = tested.map(|(path, ..)| path).collect();
    let files = ImageFiles {
        paths,
        root: split.details.root,
    };
    let count = split.data.test.len();
    Ok((split.data.test, files.spread(count)))
}

fn split(plan: &Plan, own: &OwnImages, loaded: &LoadedImages) -> Result<SplitImages> {
    let validation = match plan.config.validation {
        Validation::Test => 0.0,
        Validation::Split(fraction) => fraction,
        Validation::Tail(_) => {
            return Err(Error::setting(
                "validation `tail:F` requires a dataset of the catalog; take `split:F` or `test`",
            ));
        }
    };
    let fractions = SplitFractions {
        test: TEST_FRACTION,
        validation,
    };
    let splits = loaded.split_by(fractions, plan.config.train.seed);
    let map = own.class_map(&loaded.listing)?;
    // The images of a folder are sorted by class.
    let some = |images: &Images| match plan.max_samples {
        Some(count) => spread_images(images, count),
        None => images.clone(),
    };
    let train = map.relabelled(&some(&splits.train));
    let [test, test_outliers] = known_and_outliers(&map.relabelled(&splits.test));
    let (test, test_outliers) = (some(&test), some(&test_outliers));
    let validation = match plan.config.validation {
        Validation::Test => test.clone(),
        _ => {
            let [validation, _] = known_and_outliers(&map.relabelled(&splits.validation));
            validation
        }
    };
    let counts = [train.len(), validation.len(), test.len()];
    if counts.contains(&0) {
        let [train, validation, test] = counts;
        let groups = own.group_column.as_ref().map(|column| {
            let groups = loaded.listing.groups.len();
            format!(
                "; the images of a group stay together, and column `{column}` has {groups} groups"
            )
        });
        return Err(Error::setting(format!(
            "{}: the split leaves {train} images to train on, {validation} to validate on and {test} to test on{}",
            shown(&own.path),
            groups.unwrap_or_default()
        )));
    }
    let mut samples = Vec::new();
    for (part, indices) in [
        (Part::Train, &splits.indices.train),
        (Part::Validation, &splits.indices.validation),
        (Part::Test, &splits.indices.test),
    ] {
        samples.extend(indices.iter().map(|&index| {
            let sample = &loaded.listing.samples[index];
            let class = loaded.listing.classes[usize::from(sample.label)].clone();
            (sample.path.clone(), class, part)
        }));
    }
    Ok(SplitImages {
        data: Dataset {
            name: plan.dataset.clone(),
            classes: map.classes,
            train,
            validation: None,
            test,
            fit: loaded.fit,
        },
        validation,
        test_outliers,
        details: OwnDetails {
            record: OwnImagesRecord {
                images: own.clone(),
                kind: loaded.listing.kind.to_string(),
                given_parts: given_parts(&loaded.listing),
                groups: own
                    .group_column
                    .as_ref()
                    .map(|_| loaded.listing.groups.len()),
                sha256: loaded.fingerprint.sha256.clone(),
                parts: counts,
                left_out: loaded.bad.iter().map(UnreadableFile::of).collect(),
            },
            fingerprint: loaded.fingerprint.clone(),
            root: loaded.listing.root.clone(),
            samples,
        },
    })
}

/// Names of the parts that a source gives.
fn given_parts(listing: &Listing) -> Vec<String> {
    let is_given = |part: &Part| {
        let mut samples = listing.samples.iter();
        samples.any(|sample| sample.part == Some(*part))
    };
    Part::ALL
        .into_iter()
        .filter(is_given)
        .map(|part| part.to_string())
        .collect()
}

impl OwnImagesRecord {
    /// Describes the images that are not trained on, in a line.
    pub(super) fn held_out(&self) -> String {
        let [_, validation, test] = self.parts;
        let origin = |part: Part| match self.given_parts.contains(&part.to_string()) {
            true => "given",
            false => "split off at random",
        };
        format!(
            "{validation} images to validate on ({}), {test} to test on ({})",
            origin(Part::Validation),
            origin(Part::Test)
        )
    }
}

impl OwnDetails {
    /// Report of the catalog's datasets, which own images do not have.
    pub(super) fn report(&self, name: &str) -> LoadReport {
        LoadReport {
            dataset: name.into(),
            files: Vec::new(),
            skipped: Vec::new(),
        }
    }

    /// Returns the contents of [`SAMPLES`]: file, class, part and SHA-256 of each image, with the files that were left
    /// out at the end.
    pub(super) fn samples_csv(&self) -> Vec<u8> {
        let mut hashes: std::collections::BTreeMap<&Path, &str> = self
            .fingerprint
            .files
            .iter()
            .map(|(path, hash)| (path.as_path(), hash.as_str()))
            .collect();
        let mut csv = csv::Writer::from_writer(Vec::new());
        let mut write = |row: [&str; 4]| csv.write_record(row).expect("memory can be written");
        write(["file", "class", "part", "sha256"]);
        for (path, class, part) in &self.samples {
            let hash = hashes.remove(path.as_path()).unwrap_or_default();
            write([&path.to_string_lossy(), class, &part.to_string(), hash]);
        }
        for (path, hash) in hashes {
            write([&path.to_string_lossy(), "", "", hash]);
        }
        csv.into_inner().expect("memory can be written")
    }
}

/// Returns the fingerprint that [`SAMPLES`] of a run contains.
fn stored_fingerprint(run: &Path, sha256: &str) -> Result<Fingerprint> {
    let path = run.join(SAMPLES);
    let mut reader = csv::Reader::from_path(&path).map_err(|error| Error::Contents {
        path: path.clone(),
        reason: error.to_string(),
    })?;
    let mut files = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| Error::Contents {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        files.push((
            row.get(0).unwrap_or_default().into(),
            row.get(3).unwrap_or_default().into(),
        ));
    }
    Ok(Fingerprint {
        sha256: sha256.into(),
        files,
    })
}

/// Checks that own images are those of the run in `run`.
///
/// # Errors
/// Returns [`Error::DataChanged`], which names the files that differ.
pub(super) fn check_unchanged(run: &Path, then: &OwnImagesRecord, now: &OwnDetails) -> Result<()> {
    if then.sha256 == now.record.sha256 {
        return Ok(());
    }
    let before = stored_fingerprint(run, &then.sha256)?;
    Err(Error::DataChanged {
        data: then.images.path.clone(),
        run: run.into(),
        changes: first_lines(&now.fingerprint.changes_since(&before)),
    })
}
