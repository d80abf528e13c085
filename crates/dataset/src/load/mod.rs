//! Loading datasets from files.

mod loaded_file;
mod report;

use std::path::PathBuf;

use crate::catalog::{DatasetInfo, FileInfo, Files, lookup};
use crate::error::{Error, FormatError};
use crate::formats::{cifar, idx};
use crate::images::{Dataset, Images};

use loaded_file::LoadedFile;
pub use report::{FileHash, LoadReport};

/// Options of [`load`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadOptions {
    /// Data folder, which contains one folder per dataset.
    pub data: PathBuf,
    /// Accepts fewer images than the official files contain: the complete records of a truncated CIFAR file, or a pair
    /// of valid but shorter IDX files.
    pub allow_partial: bool,
}

impl Default for LoadOptions {
    /// Data folder `datasets`, no partial files.
    fn default() -> Self {
        Self {
            data: PathBuf::from("datasets"),
            allow_partial: false,
        }
    }
}

/// Loads the dataset `name` from `options.data`, or the embedded `fashion-mnist-mini`.
///
/// Formats, counts, labels and hashes are checked. A file that contains another file of the catalog is an error. A valid
/// file with unofficial content is loaded, and [`load_with_report`] reports it.
///
/// # Errors
/// Returns [`Error`] if the name is unknown, or if a file is missing, truncated, unreadable, invalid in its format or a
/// file of another dataset.
///
/// ```no_run
/// use modiste_dataset::{LoadOptions, load};
///
/// let dataset = load("fashion-mnist", &LoadOptions::default())?;
/// assert_eq!(dataset.train.len(), 60_000);
/// # Ok::<(), modiste_dataset::Error>(())
/// ```
pub fn load(name: &str, options: &LoadOptions) -> Result<Dataset, Error> {
    Ok(load_info(lookup(name)?, options)?.0)
}

/// Loads a dataset like [`load`], and returns the hashes of its files as well.
///
/// # Errors
/// Returns the errors of [`load`].
///
/// ```
/// use modiste_dataset::{LoadOptions, load_with_report};
///
/// let (dataset, report) = load_with_report("fashion-mnist-mini", &LoadOptions::default())?;
/// assert_eq!(dataset.train.len(), 5_000);
/// assert!(report.is_official());
/// # Ok::<(), modiste_dataset::Error>(())
/// ```
pub fn load_with_report(name: &str, options: &LoadOptions) -> Result<(Dataset, LoadReport), Error> {
    load_info(lookup(name)?, options)
}

/// Loads a dataset like [`load_with_report`]. It need not be in the catalog.
pub(crate) fn load_info(
    info: &DatasetInfo,
    options: &LoadOptions,
) -> Result<(Dataset, LoadReport), Error> {
    let mut report = LoadReport {
        dataset: info.name.to_owned(),
        files: Vec::new(),
        skipped: Vec::new(),
    };
    let report_mut = &mut report;
    let (train, test) = match &info.files {
        Files::Idx {
            train_images,
            train_labels,
            test_images,
            test_labels,
        } => (
            load_idx(
                info,
                options,
                [train_images, train_labels],
                info.train_count,
                report_mut,
            )?,
            load_idx(
                info,
                options,
                [test_images, test_labels],
                info.test_count,
                report_mut,
            )?,
        ),
        Files::Cifar100 { train, test } => (
            load_cifar(info, options, train, info.train_count, report_mut)?,
            load_cifar(info, options, test, info.test_count, report_mut)?,
        ),
    };
    let dataset = Dataset {
        name: info.name.to_owned(),
        classes: info.classes.iter().map(|&class| class.to_owned()).collect(),
        train,
        validation: None,
        test,
        fit: None,
    };
    Ok((dataset, report))
}

fn load_idx(
    info: &DatasetInfo,
    options: &LoadOptions,
    [images, labels]: [&FileInfo; 2],
    count: usize,
    report: &mut LoadReport,
) -> Result<Images, Error> {
    let images = LoadedFile::read(info, images, &options.data, report)?;
    let labels = LoadedFile::read(info, labels, &options.data, report)?;
    let size = info.shape.size();
    let found = idx::read_idx_images(&images.bytes)
        .map_err(|error| images.idx_error(error, idx::IMAGES_HEADER, size, count))?;
    let found_labels = idx::read_idx_labels(&labels.bytes, info.classes.len())
        .map_err(|error| labels.idx_error(error, idx::LABELS_HEADER, 1, count))?;
    check_size(info, &found).map_err(|error| images.format(error))?;
    let is_pair = found.count == found_labels.len();
    for (file, found) in [(&images, found.count), (&labels, found_labels.len())] {
        if found < count && (found == 0 || !options.allow_partial) {
            return Err(file.truncated(found, count, found > 0 && is_pair));
        }
    }
    idx::pair(found, found_labels).map_err(|error| labels.format(error))
}

/// Fails if the height or width of IDX images is not the dataset's.
fn check_size(info: &DatasetInfo, images: &idx::IdxImages<'_>) -> Result<(), FormatError> {
    for (offset, what, expected, found) in [
        (8, "rows", info.shape.height, images.shape.height),
        (12, "columns", info.shape.width, images.shape.width),
    ] {
        if found != expected {
            return Err(FormatError::Header {
                offset,
                what,
                expected: expected as u64,
                found: found as u64,
            });
        }
    }
    Ok(())
}

/// Fails if the content of a file is invalid in its format.
pub(crate) fn check_format(
    info: &DatasetInfo,
    file: &FileInfo,
    bytes: &[u8],
) -> Result<(), FormatError> {
    match &info.files {
        Files::Idx {
            train_labels,
            test_labels,
            ..
        } if [train_labels, test_labels].contains(&file) => {
            idx::read_idx_labels(bytes, info.classes.len()).map(drop)
        }
        Files::Idx { .. } => check_size(info, &idx::read_idx_images(bytes)?),
        Files::Cifar100 { .. } => cifar::read_cifar100(bytes).map(drop),
    }
}

fn load_cifar(
    info: &DatasetInfo,
    options: &LoadOptions,
    file: &FileInfo,
    count: usize,
    report: &mut LoadReport,
) -> Result<Images, Error> {
    let mut file = LoadedFile::read(info, file, &options.data, report)?;
    if let Some(error) = file.too_long() {
        return Err(error);
    }
    let found = file.bytes.len() / cifar::RECORD;
    if found < count && (found == 0 || !options.allow_partial) {
        return Err(file.truncated(found, count, found > 0));
    }
    file.bytes.truncate(found * cifar::RECORD);
    let cifar = cifar::read_cifar100(&file.bytes).map_err(|error| file.format(error))?;
    Ok(cifar.images)
}

#[cfg(test)]
mod tests;
