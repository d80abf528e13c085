//! Description of a dataset: classes, shape, counts, files, hashes, mirrors.

use std::path::{Path, PathBuf};

use modiste_core::ImageShape;

/// Length and SHA-256 of a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// Length in bytes.
    pub size: u64,
    /// SHA-256 as 64 lower-case hexadecimal digits.
    pub sha256: &'static str,
}

/// File of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// Name in the dataset's folder. The file is also found with `.gz` removed or added.
    pub name: &'static str,
    /// Official content, after decompression.
    pub inner: Checksum,
    /// Official `.gz` file, if there is one. A mirror may compress the content differently, so only `inner` is
    /// verified.
    pub gz: Option<Checksum>,
}

impl FileInfo {
    /// Phrase that names the file and its dataset, for messages.
    pub(crate) fn in_dataset(&self, info: &DatasetInfo) -> String {
        format!("{} of {}", self.name.trim_end_matches(".gz"), info.name)
    }
}

/// Files of a dataset, by content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Files {
    /// Four IDX files, as in the MNIST family.
    Idx {
        /// Training images.
        train_images: FileInfo,
        /// Training labels.
        train_labels: FileInfo,
        /// Test images.
        test_images: FileInfo,
        /// Test labels.
        test_labels: FileInfo,
    },
    /// Two files of CIFAR-100's binary version, which contain images and labels.
    Cifar100 {
        /// Training records.
        train: FileInfo,
        /// Test records.
        test: FileInfo,
    },
}

/// Source of a dataset's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Embedded in this crate.
    Embedded,
    /// One download per file. A file's URL is that of a mirror followed by the file's name.
    Files {
        /// URLs of the mirrors, which end in `/`, in the order in which they are tried.
        mirrors: &'static [&'static str],
        /// Debian package that contains the same files. This crate does not download it, because that requires other
        /// programs.
        debian_package: Option<&'static str>,
    },
    /// One `.tar.gz` archive that contains all files.
    Archive {
        /// URLs of the mirrors, which end in `/`, in the order in which they are tried.
        mirrors: &'static [&'static str],
        /// Name of the archive at the mirror.
        name: &'static str,
        /// Official archive. A mirror may compress the files differently, so only the files are verified.
        packed: Checksum,
    },
}

impl Source {
    /// URLs of the mirrors, none for an embedded dataset.
    pub fn mirrors(&self) -> &'static [&'static str] {
        match self {
            Source::Embedded => &[],
            Source::Files { mirrors, .. } | Source::Archive { mirrors, .. } => mirrors,
        }
    }

    /// URL of `file`, or of the archive that contains it, at the first mirror. `None` for an embedded dataset.
    pub fn url(&self, file: &FileInfo) -> Option<String> {
        let mirror = self.mirrors().first()?;
        let name = match self {
            Source::Archive { name, .. } => name,
            _ => file.name,
        };
        Some(format!("{mirror}{name}"))
    }
}

/// Description of a dataset. Plain data, so that programs can describe datasets that are not in the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetInfo {
    /// Name of the dataset and of its folder.
    pub name: &'static str,
    /// One-line description.
    pub description: &'static str,
    /// Class names; a label is an index into them.
    pub classes: &'static [&'static str],
    /// Shape of each image.
    pub shape: ImageShape,
    /// Number of training images.
    pub train_count: usize,
    /// Number of test images.
    pub test_count: usize,
    /// Licence of the images.
    pub licence: &'static str,
    /// Files of the dataset.
    pub files: Files,
    /// Source of the files.
    pub source: Source,
}

impl DatasetInfo {
    /// Lists all files, training before test.
    pub fn files(&self) -> Vec<FileInfo> {
        match self.files {
            Files::Idx {
                train_images,
                train_labels,
                test_images,
                test_labels,
            } => vec![train_images, train_labels, test_images, test_labels],
            Files::Cifar100 { train, test } => vec![train, test],
        }
    }

    /// Folder of this dataset in the data folder `data`.
    pub fn folder(&self, data: &Path) -> PathBuf {
        data.join(self.name)
    }

    /// URL of `file`, or of the archive that contains it, at the first mirror. `None` for an embedded dataset.
    pub fn url(&self, file: &FileInfo) -> Option<String> {
        self.source.url(file)
    }
}
