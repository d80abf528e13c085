//! What can be wrong with a dataset and its files.

use std::io;
use std::path::PathBuf;

use modiste_core::{OutOfMemory, shown};

/// Why a dataset could not be had from its files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The catalog has no dataset of this name.
    #[error("there is no dataset `{name}`; did you mean `{nearest}`?")]
    UnknownDataset {
        /// The name that was asked for.
        name: String,
        /// The known name that needs the fewest changes.
        nearest: &'static str,
    },
    /// A file is not there.
    #[error("{}: no such file; it can be downloaded from {url}", shown(path))]
    Missing {
        /// The dataset that it belongs to.
        dataset: &'static str,
        /// Where it would be.
        path: PathBuf,
        /// Where it can be had.
        url: String,
    },
    /// A file ends early.
    #[error(
        "{}: the file is cut: {found} of {expected} records are complete",
        shown(path)
    )]
    Cut {
        /// The dataset that it belongs to.
        dataset: &'static str,
        /// The file.
        path: PathBuf,
        /// Complete records (an image, a label, or both) that it has.
        found: usize,
        /// Records that it should have.
        expected: usize,
        /// Whether [`LoadOptions::allow_partial`](crate::LoadOptions::allow_partial) would accept it.
        partial_would_do: bool,
    },
    /// The operating system cannot read a file.
    #[error("{}: cannot be read: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the operating system. It is part of the text, so it is no `source()`, which
        /// would be printed a second time.
        cause: io::Error,
    },
    /// The gzip data of a file are damaged.
    #[error("{}: cannot be read: {cause}", path.display())]
    Damaged {
        /// The dataset that it belongs to.
        dataset: &'static str,
        /// The file.
        path: PathBuf,
        /// The error of gzip. It is part of the text, so it is no `source()`.
        cause: io::Error,
    },
    /// The folder of all datasets is a file.
    #[error("{}: is not a folder; the folder that holds the datasets is expected", path.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// A file is another file of the catalog, as its hash shows.
    #[error(
        "{}: holds {found}, where {expected} is expected; move it to its own folder and put the \
         right file there",
        shown(path)
    )]
    OtherFile {
        /// The dataset that was to be read.
        dataset: &'static str,
        /// The file.
        path: PathBuf,
        /// The file of the catalog that should be there, with its dataset.
        expected: String,
        /// The file of the catalog that is there, with its dataset.
        found: String,
    },
    /// A file is in another well-known format.
    #[error(
        "{}: this is {found}, not {expected}; replace it by the file from {url}",
        shown(path)
    )]
    OtherFormat {
        /// The dataset that was to be read.
        dataset: &'static str,
        /// The file.
        path: PathBuf,
        /// The format that was found, with an article.
        found: &'static str,
        /// The format that was expected, with an article.
        expected: &'static str,
        /// Where the official file can be downloaded.
        url: String,
    },
    /// A file is larger than this process's memory may be.
    #[error("{}: reading it {memory}", path.display())]
    Memory {
        /// The file.
        path: PathBuf,
        /// How much it takes, and how much there is.
        memory: OutOfMemory,
    },
    /// A file is not in its format.
    #[error("{}: {cause}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The difference and its offset. It is part of the text, so it is no `source()`.
        cause: FormatError,
    },
}

impl Error {
    /// The dataset that a download would repair, if one would.
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
            | Error::Cut { dataset, .. }
            | Error::Damaged { dataset, .. }
            | Error::OtherFormat { dataset, .. } => Some(dataset),
            _ => None,
        }
    }
}

/// Why bytes are not in the format that they should be in. Offsets are in bytes after
/// decompression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The bytes do not begin as their format does.
    #[error("offset 0: magic number {expected:#010x} expected, {found:#010x} found")]
    Magic {
        /// The number of the format.
        expected: u32,
        /// The number at the beginning.
        found: u32,
    },
    /// A number of the header is not that of the dataset.
    #[error("offset {offset}: {expected} {what} expected, {found} found")]
    Header {
        /// Where the number is.
        offset: u64,
        /// What it counts.
        what: &'static str,
        /// The number of the dataset.
        expected: u64,
        /// The number in the header.
        found: u64,
    },
    /// The bytes end too early.
    #[error("offset {found}: the data end, {expected} bytes expected")]
    Short {
        /// Bytes that the header announces.
        expected: u64,
        /// Bytes that there are.
        found: u64,
    },
    /// There are bytes after the end.
    #[error("offset {expected}: the data should end, at least {found} bytes found")]
    Trailing {
        /// Bytes that there should be.
        expected: u64,
        /// Bytes that there are, as far as they were read.
        found: u64,
    },
    /// A label names no class.
    #[error("offset {offset}: a label below {classes} expected, {found} found")]
    Label {
        /// Where the label is.
        offset: u64,
        /// The number of classes.
        classes: usize,
        /// The label.
        found: u8,
    },
    /// Images and labels do not come in pairs.
    #[error("{images} labels expected, one per image, {labels} found")]
    Pairs {
        /// How many images there are.
        images: usize,
        /// How many labels there are.
        labels: usize,
    },
    /// Images of another shape than the format can hold.
    #[error("images of {expected} expected, {found} found")]
    Shape {
        /// What the format holds.
        expected: &'static str,
        /// The shape of the images.
        found: modiste_core::ImageShape,
    },
}
