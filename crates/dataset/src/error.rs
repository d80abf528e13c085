//! What can be wrong with a dataset and its files.

use std::io;
use std::path::PathBuf;

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
    #[error(
        "{}: no such file; run `modiste data download {dataset}`, or put it there by hand from {url}",
        path.display()
    )]
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
        "{}: the file is cut: {found} of {expected} records are complete; \
         `modiste data download {dataset}` replaces it",
        path.display()
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
    },
    /// The operating system cannot read a file, or its gzip data are damaged.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What was met.
        source: io::Error,
    },
    /// A file is not in its format.
    #[error("{}: {source}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What was met, and where.
        source: FormatError,
    },
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
        found: crate::ImageShape,
    },
}
