//! Errors of opening and decoding a source of labelled images.

use std::io;
use std::path::PathBuf;

use modiste_core::{ImageShape, OutOfMemory, TextError, shown};

use super::listing::BadFile;
use crate::error::FormatError;
use crate::pixels::ReadError;

/// Error of opening or decoding a source of labelled images.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The operating system cannot read a file or folder.
    #[error("{}: {cause}", shown(path))]
    Read {
        /// Path of the file or folder.
        path: PathBuf,
        /// Error of the operating system. The message contains it, so `source()` does not return it.
        cause: io::Error,
    },
    /// A table is not text.
    #[error("{}: {cause}", shown(path))]
    Text {
        /// Path of the table.
        path: PathBuf,
        /// Error of the decoder.
        cause: TextError,
    },
    /// A table is damaged, empty, or misses a column.
    #[error("{}: {reason}", shown(path))]
    Table {
        /// Path of the table.
        path: PathBuf,
        /// Description of the defect, with the line.
        reason: String,
    },
    /// An archive of arrays is damaged or has arrays that are not labelled images.
    #[error("{}: {reason}", shown(path))]
    Arrays {
        /// Path of the archive.
        path: PathBuf,
        /// Description of the defect, with the name of the array.
        reason: String,
    },
    /// The content of an IDX or CIFAR file is invalid.
    #[error("{}: {cause}", shown(path))]
    Format {
        /// Path of the file.
        path: PathBuf,
        /// Defect and its offset.
        cause: FormatError,
    },
    /// The path is not a source of labelled images.
    #[error("{}: {reason}", shown(path))]
    NotASource {
        /// Path that was given.
        path: PathBuf,
        /// Defect, and the expected kinds of sources.
        reason: String,
    },
    /// Name of a class that does not exist.
    #[error("there is no class `{name}`; there are: {}", classes.join(", "))]
    UnknownClass {
        /// Name that was given.
        name: String,
        /// Names of all classes.
        classes: Vec<String>,
    },
    /// An option does not apply to the kind of the source.
    #[error("{}: {option} requires a table (CSV or TSV)", shown(path))]
    RequiresTable {
        /// Path of the source.
        path: PathBuf,
        /// Option.
        option: &'static str,
    },
    /// There are too few classes to classify, or more than labels can distinguish.
    #[error(
        "{}: at least two classes and at most 65,536 are required, {found} found",
        shown(path)
    )]
    ClassCount {
        /// Path of the source.
        path: PathBuf,
        /// Number of classes.
        found: usize,
    },
    /// No image can be used.
    #[error("{}: no image can be used{}", shown(path), first.as_ref().map_or(String::new(), |bad| format!("; the first problem: {bad}")))]
    NoImages {
        /// Path of the source.
        path: PathBuf,
        /// First file that cannot be used.
        first: Option<BadFile>,
    },
    /// Images cannot be used, and the decoding is strict.
    #[error("{count} files cannot be used; the first is {first}")]
    BadFiles {
        /// Number of files.
        count: usize,
        /// First of them.
        first: BadFile,
    },
    /// The requested size has no pixels, or too many.
    #[error("images of {shape} are not possible: a side is 1 to 4,096 pixels")]
    Size {
        /// Requested shape.
        shape: ImageShape,
    },
    /// The images do not fit into memory, and no cache can store them.
    #[error(
        "the decoded images {memory}; they need not fit into memory if they are stored in a cache folder ({reason})"
    )]
    Memory {
        /// Required and available memory.
        memory: OutOfMemory,
        /// Reason why the cache is not used.
        reason: String,
    },
    /// Decoded images cannot be read.
    #[error(transparent)]
    Pixels(#[from] ReadError),
}

impl SourceError {
    pub(crate) fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |cause| Self::Read { path, cause }
    }
}
