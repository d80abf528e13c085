//! From files to a dataset in memory.

use std::path::PathBuf;

use crate::catalog::{DatasetInfo, FileInfo, Files, lookup};
use crate::cifar;
use crate::contents;
use crate::error::{Error, FormatError};
use crate::idx;
use crate::images::{Dataset, Images};

/// Where and how strictly [`load`] reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadOptions {
    /// The folder that has one folder per dataset.
    pub data: PathBuf,
    /// Whether fewer images than official will do: a CIFAR file that is cut, of which the complete
    /// records are used, or a pair of whole IDX files that are shorter.
    pub allow_partial: bool,
}

impl Default for LoadOptions {
    /// The folder `datasets`, nothing partial.
    fn default() -> Self {
        Self {
            data: PathBuf::from("datasets"),
            allow_partial: false,
        }
    }
}

/// Loads the dataset `name` from `options.data`, or `fashion-mnist-mini`, which is built in.
///
/// Formats, counts and labels are checked, hashes are not: that is
/// [`file_hashes`](crate::file_hashes).
///
/// # Errors
/// [`Error`]: an unknown name, or a file that is missing, cut, not readable or not in its format.
///
/// ```no_run
/// use modiste_dataset::{LoadOptions, load};
///
/// let dataset = load("fashion-mnist", &LoadOptions::default())?;
/// assert_eq!(dataset.train.len(), 60_000);
/// # Ok::<(), modiste_dataset::Error>(())
/// ```
pub fn load(name: &str, options: &LoadOptions) -> Result<Dataset, Error> {
    load_info(lookup(name)?, options)
}

/// As [`load`], of a dataset that need not be in the catalog.
pub(crate) fn load_info(info: &DatasetInfo, options: &LoadOptions) -> Result<Dataset, Error> {
    let (train, test) = match &info.files {
        Files::Idx {
            train_images,
            train_labels,
            test_images,
            test_labels,
        } => (
            load_idx(info, options, train_images, train_labels, info.train_count)?,
            load_idx(info, options, test_images, test_labels, info.test_count)?,
        ),
        Files::Cifar100 { train, test } => (
            load_cifar(info, options, train, info.train_count)?,
            load_cifar(info, options, test, info.test_count)?,
        ),
    };
    Ok(Dataset {
        name: info.name.to_owned(),
        classes: info.classes.iter().map(|&class| class.to_owned()).collect(),
        train,
        test,
    })
}

/// A file in memory, and what is needed to say what is wrong with it.
struct Loaded<'a> {
    info: &'a DatasetInfo,
    file: &'a FileInfo,
    path: PathBuf,
    bytes: Vec<u8>,
}

impl<'a> Loaded<'a> {
    fn read(
        info: &'a DatasetInfo,
        file: &'a FileInfo,
        options: &LoadOptions,
    ) -> Result<Self, Error> {
        let contents = contents::open(info, file, &options.data)?;
        let path = contents.path.clone();
        let bytes = contents::read(contents, file)?;
        Ok(Self {
            info,
            file,
            path,
            bytes,
        })
    }

    fn format(&self, source: FormatError) -> Error {
        let path = self.path.clone();
        Error::Format { path, source }
    }

    fn cut(&self, found: usize, expected: usize) -> Error {
        Error::Cut {
            dataset: self.info.name,
            path: self.path.clone(),
            found,
            expected,
        }
    }

    /// Whether there are more bytes than official ones; only one more was read.
    fn too_long(&self) -> Option<Error> {
        let (expected, found) = (self.file.inner.size, self.bytes.len() as u64);
        (found > expected).then(|| self.format(FormatError::Trailing { expected, found }))
    }

    /// An IDX reader's error: where bytes lack, how many records are whole says more.
    fn idx_error(&self, error: FormatError, header: usize, record: usize, count: usize) -> Error {
        match error {
            FormatError::Short { .. } => self.too_long().unwrap_or_else(|| {
                let found = self.bytes.len().saturating_sub(header) / record.max(1);
                self.cut(found, count)
            }),
            other => self.format(other),
        }
    }
}

fn load_idx(
    info: &DatasetInfo,
    options: &LoadOptions,
    images: &FileInfo,
    labels: &FileInfo,
    count: usize,
) -> Result<Images, Error> {
    let images = Loaded::read(info, images, options)?;
    let labels = Loaded::read(info, labels, options)?;
    let size = info.shape.size();
    let found = idx::read_idx_images(&images.bytes)
        .map_err(|error| images.idx_error(error, idx::IMAGES_HEADER, size, count))?;
    let classes = idx::read_idx_labels(&labels.bytes, info.classes.len())
        .map_err(|error| labels.idx_error(error, idx::LABELS_HEADER, 1, count))?;
    for (offset, what, expected, found) in [
        (8, "rows", info.shape.height, found.shape.height),
        (12, "columns", info.shape.width, found.shape.width),
    ] {
        if found != expected {
            return Err(images.format(FormatError::Header {
                offset,
                what,
                expected: expected as u64,
                found: found as u64,
            }));
        }
    }
    for (file, found) in [(&images, found.count), (&labels, classes.len())] {
        if found < count && (found == 0 || !options.allow_partial) {
            return Err(file.cut(found, count));
        }
    }
    idx::pair(found, classes).map_err(|error| labels.format(error))
}

fn load_cifar(
    info: &DatasetInfo,
    options: &LoadOptions,
    file: &FileInfo,
    count: usize,
) -> Result<Images, Error> {
    let mut file = Loaded::read(info, file, options)?;
    if let Some(error) = file.too_long() {
        return Err(error);
    }
    let found = file.bytes.len() / cifar::RECORD;
    if found < count && (found == 0 || !options.allow_partial) {
        return Err(file.cut(found, count));
    }
    file.bytes.truncate(found * cifar::RECORD);
    let cifar = cifar::read_cifar100(&file.bytes).map_err(|error| file.format(error))?;
    Ok(cifar.images)
}

#[cfg(test)]
mod tests;
