//! Errors of loading datasets and of file formats.

use std::io;
use std::path::PathBuf;

use modiste_core::{ImageShape, OutOfMemory, shown};

use crate::pixels::ReadError;

/// Error of loading a dataset.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The catalog does not contain a dataset of this name.
    #[error("there is no dataset `{name}`; did you mean `{nearest}`?")]
    UnknownDataset {
        /// Requested name.
        name: String,
        /// Known name with the smallest edit distance.
        nearest: &'static str,
    },
    /// A file does not exist.
    #[error("{}: no such file; it can be downloaded from {url}", shown(path))]
    Missing {
        /// Name of the dataset.
        dataset: &'static str,
        /// Path at which the file is expected.
        path: PathBuf,
        /// URL of the official file.
        url: String,
    },
    /// A file ends early.
    #[error(
        "{}: the file is truncated: {found} of {expected} records are complete",
        shown(path)
    )]
    Truncated {
        /// Name of the dataset.
        dataset: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// Complete records (an image, a label, or both) in the file.
        found: usize,
        /// Records of the official file.
        expected: usize,
        /// `true` if [`LoadOptions::allow_partial`](crate::LoadOptions::allow_partial) would accept the file.
        partial_suffices: bool,
    },
    /// The operating system cannot read a file.
    #[error("{}: cannot be read: {cause}", path.display())]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system. The message contains it, so `source()` does not return it.
        cause: io::Error,
    },
    /// The gzip data of a file is corrupt.
    #[error("{}: cannot be read: {cause}", path.display())]
    Damaged {
        /// Name of the dataset.
        dataset: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// Error of the gzip decoder. The message contains it, so `source()` does not return it.
        cause: io::Error,
    },
    /// The data folder is a file.
    #[error("{}: is not a folder; the folder that contains the datasets is expected", path.display())]
    NotAFolder {
        /// Path of the file.
        path: PathBuf,
    },
    /// A file contains another file of the catalog, identified by its hash.
    #[error(
        "{}: contains {found} instead of {expected}; move it to its own folder and put the right file there",
        shown(path)
    )]
    UnexpectedFile {
        /// Name of the dataset.
        dataset: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// Name and dataset of the expected file.
        expected: String,
        /// Name and dataset of the file that was found.
        found: String,
    },
    /// A file is in another well-known format.
    #[error(
        "{}: this is {found}, not {expected}; replace it by the file from {url}",
        shown(path)
    )]
    UnexpectedFormat {
        /// Name of the dataset.
        dataset: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// Format that was found, with an article.
        found: &'static str,
        /// Expected format, with an article.
        expected: &'static str,
        /// URL of the official file.
        url: String,
    },
    /// Reading a file would exceed the memory available to the process.
    #[error("{}: reading it {memory}", path.display())]
    Memory {
        /// Path of the file.
        path: PathBuf,
        /// Required and available memory.
        memory: OutOfMemory,
    },
    /// The content of a file is invalid in its format.
    #[error("{}: {cause}", path.display())]
    Format {
        /// Path of the file.
        path: PathBuf,
        /// Defect and its offset. The message contains it, so `source()` does not return it.
        cause: FormatError,
    },
}

impl Error {
    /// Name of the dataset whose download would fix the error, if any.
    ///
    /// ```
    /// use modiste_dataset::{LoadOptions, load};
    ///
    /// let options = LoadOptions { data: "no-such-folder".into(), ..LoadOptions::default() };
    /// let error = load("mnist", &options).unwrap_err();
    /// assert_eq!(error.repaired_by_download(), Some("mnist"));
    /// ```
    pub fn repaired_by_download(&self) -> Option<&'static str> {
        match self {
            Error::Missing { dataset, .. }
            | Error::Truncated { dataset, .. }
            | Error::Damaged { dataset, .. }
            | Error::UnexpectedFormat { dataset, .. } => Some(dataset),
            _ => None,
        }
    }
}

/// Error of reading or writing a file format. Offsets are in bytes of the decompressed data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The pixels to write cannot be read.
    #[error(transparent)]
    Pixels(#[from] ReadError),
    /// The magic number is wrong.
    #[error("offset 0: magic number {expected:#010x} expected, {found:#010x} found")]
    Magic {
        /// Magic number of the format.
        expected: u32,
        /// First four bytes of the data.
        found: u32,
    },
    /// A number in the header differs from the dataset's.
    #[error("offset {offset}: {expected} {what} expected, {found} found")]
    Header {
        /// Offset of the number.
        offset: u64,
        /// Noun for what is counted.
        what: &'static str,
        /// Number of the dataset.
        expected: u64,
        /// Number in the header.
        found: u64,
    },
    /// The data ends early.
    #[error("offset {found}: the data ends early, {expected} bytes expected")]
    Truncated {
        /// Length according to the header or the record size, in bytes.
        expected: u64,
        /// Length of the data, in bytes.
        found: u64,
    },
    /// The data continues after its expected end.
    #[error("offset {expected}: the data should end, at least {found} bytes found")]
    Trailing {
        /// Expected length, in bytes.
        expected: u64,
        /// Length of the data that was read, in bytes.
        found: u64,
    },
    /// A label in a file is not below the number of classes.
    #[error("offset {offset}: a label below {classes} expected, {found} found")]
    Label {
        /// Offset of the label.
        offset: u64,
        /// Number of classes.
        classes: usize,
        /// Label in the file.
        found: u16,
    },
    /// A label cannot be written, because the format holds smaller labels only.
    #[error("label {found} of image {image} does not fit: the format stores labels below {limit}")]
    LabelTooLarge {
        /// Index of the image.
        image: usize,
        /// Number of labels that the format distinguishes.
        limit: usize,
        /// Label of the image.
        found: u16,
    },
    /// The numbers of images and labels differ.
    #[error("{images} labels expected, one per image, {labels} found")]
    CountMismatch {
        /// Number of images.
        images: usize,
        /// Number of labels.
        labels: usize,
    },
    /// The format cannot store images of this shape.
    #[error("images of {expected} expected, {found} found")]
    Shape {
        /// Shape that the format stores.
        expected: &'static str,
        /// Shape of the images.
        found: ImageShape,
    },
}
