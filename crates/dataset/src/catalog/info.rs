//! The facts of one dataset: classes, shape, counts, files, hashes, mirrors.

use std::path::{Path, PathBuf};

use modiste_core::ImageShape;

/// The length and the SHA-256 of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// How many bytes.
    pub size: u64,
    /// Their SHA-256, 64 lower-case hexadecimal digits.
    pub sha256: &'static str,
}

/// One file of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// Its name in the dataset's folder. It is also found with `.gz` taken away or added.
    pub name: &'static str,
    /// The official bytes inside, after decompression.
    pub inner: Checksum,
    /// The official `.gz`, where there is one. A mirror may compress anew, so only `inner` decides.
    pub gz: Option<Checksum>,
}

impl FileInfo {
    /// A phrase that names the file and its dataset, for messages.
    pub(crate) fn in_dataset(&self, info: &DatasetInfo) -> String {
        format!("{} of {}", self.name.trim_end_matches(".gz"), info.name)
    }
}

/// The files of a dataset by what they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Files {
    /// The four IDX files of the MNIST family.
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
    /// The two files of CIFAR-100's binary version, images and labels together.
    Cifar100 {
        /// Training records.
        train: FileInfo,
        /// Test records.
        test: FileInfo,
    },
}

/// Where the files of a dataset come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// They are built into this crate.
    Embedded,
    /// Each file on its own, at a mirror's URL followed by its name.
    Files {
        /// URLs that end in `/`, in the order in which they are asked.
        mirrors: &'static [&'static str],
        /// The Debian package that has the same files. This crate does not fetch it, for that
        /// takes other programs; the command line does.
        debian_package: Option<&'static str>,
    },
    /// All files in one `.tar.gz`.
    Archive {
        /// URLs that end in `/`, in the order in which they are asked.
        mirrors: &'static [&'static str],
        /// The archive's name at the mirror.
        name: &'static str,
        /// The official archive. A mirror may compress anew, so only the files inside decide.
        packed: Checksum,
    },
}

impl Source {
    /// The mirrors, none for an embedded dataset.
    pub fn mirrors(&self) -> &'static [&'static str] {
        match self {
            Source::Embedded => &[],
            Source::Files { mirrors, .. } | Source::Archive { mirrors, .. } => mirrors,
        }
    }

    /// The first URL that has `file`: the file itself, or the archive that holds it. `None` for
    /// an embedded dataset.
    pub fn url(&self, file: &FileInfo) -> Option<String> {
        let mirror = self.mirrors().first()?;
        let name = match self {
            Source::Archive { name, .. } => name,
            _ => file.name,
        };
        Some(format!("{mirror}{name}"))
    }
}

/// A dataset as the catalog describes it: plain data, which tests make up their own of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetInfo {
    /// The name that the command line knows it by, and that of its folder.
    pub name: &'static str,
    /// One line for a list.
    pub description: &'static str,
    /// A name per class, in the order of the labels.
    pub classes: &'static [&'static str],
    /// The shape of each image.
    pub shape: ImageShape,
    /// How many training images there are.
    pub train_count: usize,
    /// How many test images there are.
    pub test_count: usize,
    /// The licence of the images.
    pub licence: &'static str,
    /// Its files.
    pub files: Files,
    /// Where they come from.
    pub source: Source,
}

impl DatasetInfo {
    /// All files, training before test.
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

    /// The folder of this dataset inside the folder of all datasets.
    pub fn folder(&self, data: &Path) -> PathBuf {
        data.join(self.name)
    }

    /// The first URL that has `file`: the file itself, or the archive that holds it. `None` for
    /// an embedded dataset.
    pub fn url(&self, file: &FileInfo) -> Option<String> {
        self.source.url(file)
    }
}
