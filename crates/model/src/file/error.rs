//! Why a file is not read as a model, or not written.

use std::path::{Path, PathBuf};

use modiste_core::{OutOfMemory, shown};

use super::FORMAT_VERSION;
use crate::resolve::ArchitectureError;

/// Why a file is not read as a model, or not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file system refused.
    #[error("{}: {reason}", shown(path))]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said. Part of the message, and so no source beside it.
        reason: std::io::Error,
    },
    /// Reading the file takes more memory than this process may have.
    #[error("{}: reading the model {memory}", shown(path))]
    Memory {
        /// The file.
        path: PathBuf,
        /// How much it takes, and how much there is.
        memory: OutOfMemory,
    },
    /// Not a safetensors file, or not one of ours.
    #[error("{} is no Modiste model: {reason}", shown(path))]
    Foreign {
        /// The file.
        path: PathBuf,
        /// How one can tell.
        reason: String,
    },
    /// Shorter, or longer, than its own header says.
    #[error(
        "{} is cut or damaged: its header speaks of {expected} bytes, the file has {found}",
        shown(path)
    )]
    Length {
        /// The file.
        path: PathBuf,
        /// What the header says.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// Written by a later Modiste.
    #[error(
        "{} has format version {found}, and this Modiste reads up to {FORMAT_VERSION}: install a newer one",
        shown(path)
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// The preprocessing is invalid, or from a later version.
    #[error(
        "{}: the preprocessing {found} is not supported by this version: {reason}",
        shown(path)
    )]
    Preprocessing {
        /// File.
        path: PathBuf,
        /// Stored preprocessing, as JSON.
        found: String,
        /// Unknown or invalid step.
        reason: String,
    },
    /// Its layers do not make a network.
    #[error("{}: {reason}", shown(path))]
    Architecture {
        /// The file.
        path: PathBuf,
        /// The layer and what is wrong with it.
        reason: ArchitectureError,
    },
    /// A number that no network can compute with: NaN, infinite, or a variance below 0.
    #[error(
        "{}: {variable} has the value {value} at index {index}, and should have {}",
        shown(path),
        if value.is_finite() { "no number below 0" } else { "finite numbers only" }
    )]
    Number {
        /// The file.
        path: PathBuf,
        /// Name of the variable.
        variable: String,
        /// Place in the variable, in C order of its shape.
        index: usize,
        /// The number.
        value: f32,
    },
    /// A temperature that logits cannot be divided by.
    #[error(
        "{}: the temperature is {value}, and should be finite and above 0",
        shown(path)
    )]
    Temperature {
        /// The file.
        path: PathBuf,
        /// The temperature.
        value: f32,
    },
    /// A tensor does not fit the architecture beside it.
    #[error("{}: {variable} should be {expected}, but is {found}", shown(path))]
    Variable {
        /// The file.
        path: PathBuf,
        /// Its name.
        variable: String,
        /// Type and shape that the architecture asks for.
        expected: String,
        /// What the file has.
        found: String,
    },
}

/// What the file system said of the file at `path`.
pub(super) fn io_error(path: &Path) -> impl Fn(std::io::Error) -> FileError {
    move |reason| FileError::Io {
        path: path.into(),
        reason,
    }
}

/// The file at `path` is no model, for this reason.
pub(super) fn foreign(path: &Path, reason: &str) -> FileError {
    FileError::Foreign {
        path: path.into(),
        reason: reason.into(),
    }
}
