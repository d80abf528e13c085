//! From files to a dataset in memory.

use std::path::PathBuf;

use crate::catalog::{DatasetInfo, FileInfo, Files, lookup};
use crate::cifar;
use crate::contents;
use crate::error::{Error, FormatError};
use crate::foreign;
use crate::idx;
use crate::images::{Dataset, Images};
use crate::status::FileHash;

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
/// Formats, counts, labels and hashes are checked. A file that is another file of the catalog is an
/// error; unknown content of the right format is loaded, and [`load_with_report`] reports it.
///
/// # Errors
/// [`Error`]: an unknown name, or a file that is missing, cut, not readable, not in its format or
/// another dataset's.
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

/// Description of the files that a dataset was loaded from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadReport {
    /// The dataset's name.
    pub dataset: String,
    /// The hash of each file, taken from the bytes that were loaded.
    pub files: Vec<FileHash>,
    /// Damaged files that were skipped, because a good one lies beside them.
    pub skipped: Vec<PathBuf>,
}

impl LoadReport {
    /// Whether every file is the official one, byte for byte.
    pub fn is_official(&self) -> bool {
        self.files.iter().all(|file| file.official)
    }
}

/// Loads a dataset as [`load`] does, and returns the hashes of its files with it.
///
/// # Errors
/// As [`load`].
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

/// As [`load_with_report`], of a dataset that need not be in the catalog.
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
        test,
    };
    Ok((dataset, report))
}

/// A file in memory, and what is needed to say what is wrong with it.
struct Loaded<'a> {
    info: &'a DatasetInfo,
    file: &'a FileInfo,
    path: PathBuf,
    bytes: Vec<u8>,
}

impl<'a> Loaded<'a> {
    /// Reads a file from the best of its candidates: the official one, else the first that is long
    /// enough, else the first that can be read.
    fn read(
        info: &'a DatasetInfo,
        file: &'a FileInfo,
        options: &LoadOptions,
        report: &mut LoadReport,
    ) -> Result<Self, Error> {
        let mut best: Option<(u8, Self, FileHash)> = None;
        let mut failed = None;
        let mut inferior = Vec::new();
        for path in contents::candidates(info, file, &options.data)? {
            let read = contents::open(info, file, path.clone())
                .and_then(|contents| contents::read(info, contents, file));
            let bytes = match read {
                Ok(bytes) => bytes,
                Err(error) => {
                    inferior.push(path);
                    failed.get_or_insert(error);
                    continue;
                }
            };
            let hash = FileHash::of(file, &bytes);
            let rank = match () {
                () if hash.official => 2,
                () if bytes.len() as u64 == file.inner.size => 1,
                () => 0,
            };
            let loaded = Self {
                info,
                file,
                path,
                bytes,
            };
            match &best {
                Some((other, ..)) if *other >= rank => inferior.push(loaded.path),
                _ => {
                    let worse = best.replace((rank, loaded, hash));
                    inferior.extend(worse.map(|(_, worse, _)| worse.path));
                }
            }
            if rank == 2 {
                break;
            }
        }
        match (best, failed) {
            (Some((_, loaded, hash)), _) => {
                loaded.refuse_other_file(&hash)?;
                report.files.push(hash);
                report.skipped.extend(inferior);
                Ok(loaded)
            }
            (None, Some(error)) => Err(error),
            (None, None) => Err(Error::Missing {
                dataset: info.name,
                path: info.folder(&options.data).join(file.name),
                url: info.url(file).unwrap_or_default(),
            }),
        }
    }

    /// Fails if the content is that of another file in the catalog.
    fn refuse_other_file(&self, hash: &FileHash) -> Result<(), Error> {
        if hash.official {
            return Ok(());
        }
        let is_longer = self.bytes.len() as u64 > self.file.inner.size;
        let owner = match is_longer {
            false => foreign::owner_of(self.info, &hash.sha256),
            true => self.owner_of_longer(),
        };
        match owner {
            None => Ok(()),
            Some((info, found)) => Err(Error::OtherFile {
                dataset: self.info.name,
                path: self.path.clone(),
                expected: self.file.in_dataset(self.info),
                found: found.in_dataset(info),
            }),
        }
    }

    /// The dataset and the file that the content belongs to, where only its start was read.
    fn owner_of_longer(&self) -> Option<(&'a DatasetInfo, FileInfo)> {
        let contents = contents::open(self.info, self.file, self.path.clone()).ok()?;
        let digest = contents::digest(contents.reader, foreign::longest() + 1).ok()?;
        foreign::owner_of(self.info, &digest.sha256)
    }

    /// The error that names another format if the bytes are in one, else `error`.
    fn or_other_format(&self, error: Error) -> Error {
        // Gzip data that are cut early have nothing inside, and are no empty file.
        let cut_gzip = self.bytes.is_empty()
            && std::fs::metadata(&self.path).is_ok_and(|metadata| metadata.len() > 0);
        match foreign::format_of(&self.bytes).filter(|_| !cut_gzip) {
            Some(found) if !found.starts_with("an IDX") => self.other_format(found),
            _ => error,
        }
    }

    fn other_format(&self, found: &'static str) -> Error {
        Error::OtherFormat {
            dataset: self.info.name,
            path: self.path.clone(),
            found,
            expected: match self.info.files {
                Files::Idx { .. } => "an IDX file",
                Files::Cifar100 { .. } => "a file of CIFAR-100 records",
            },
            url: self.info.url(self.file).unwrap_or_default(),
        }
    }

    fn format(&self, cause: FormatError) -> Error {
        let path = self.path.clone();
        self.or_other_format(Error::Format { path, cause })
    }

    fn cut(&self, found: usize, expected: usize, partial_would_do: bool) -> Error {
        self.or_other_format(Error::Cut {
            dataset: self.info.name,
            path: self.path.clone(),
            found,
            expected,
            partial_would_do,
        })
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
                self.cut(found, count, false)
            }),
            other => self.format(other),
        }
    }
}

fn load_idx(
    info: &DatasetInfo,
    options: &LoadOptions,
    [images, labels]: [&FileInfo; 2],
    count: usize,
    report: &mut LoadReport,
) -> Result<Images, Error> {
    let images = Loaded::read(info, images, options, report)?;
    let labels = Loaded::read(info, labels, options, report)?;
    let size = info.shape.size();
    let found = idx::read_idx_images(&images.bytes)
        .map_err(|error| images.idx_error(error, idx::IMAGES_HEADER, size, count))?;
    let classes = idx::read_idx_labels(&labels.bytes, info.classes.len())
        .map_err(|error| labels.idx_error(error, idx::LABELS_HEADER, 1, count))?;
    check_size(info, &found).map_err(|error| images.format(error))?;
    let is_pair = found.count == classes.len();
    for (file, found) in [(&images, found.count), (&labels, classes.len())] {
        if found < count && (found == 0 || !options.allow_partial) {
            return Err(file.cut(found, count, found > 0 && is_pair));
        }
    }
    idx::pair(found, classes).map_err(|error| labels.format(error))
}

/// Fails if IDX images have another size than the dataset's.
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

/// Fails if the bytes of one file are not in its format.
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
    let mut file = Loaded::read(info, file, options, report)?;
    if let Some(error) = file.too_long() {
        return Err(error);
    }
    let found = file.bytes.len() / cifar::RECORD;
    if found < count && (found == 0 || !options.allow_partial) {
        return Err(file.cut(found, count, found > 0));
    }
    file.bytes.truncate(found * cifar::RECORD);
    let cifar = cifar::read_cifar100(&file.bytes).map_err(|error| file.format(error))?;
    Ok(cifar.images)
}

#[cfg(test)]
mod tests;
