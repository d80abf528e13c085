//! Errors of reading and writing model files.

use std::path::{Path, PathBuf};

use modiste_core::{OutOfMemory, shown};

use super::FORMAT_VERSION;
use crate::shape_inference::ArchitectureError;

/// Error of [`Network::load`](crate::Network::load) or [`Network::save`](crate::Network::save).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file cannot be read or written.
    #[error("{}: {reason}", shown(path))]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system. It is part of the message, so it is not a source as well.
        reason: std::io::Error,
    },
    /// Reading the file needs more memory than this process may use.
    #[error("{}: reading the model {memory}", shown(path))]
    Memory {
        /// Path of the file.
        path: PathBuf,
        /// Required and available memory.
        memory: OutOfMemory,
    },
    /// The file is not a safetensors file, or not one of Modiste's.
    #[error("{} is not a Modiste model: {reason}", shown(path))]
    NotAModel {
        /// Path of the file.
        path: PathBuf,
        /// Reason for the conclusion.
        reason: String,
    },
    /// The file is shorter or longer than its header specifies.
    #[error(
        "{} is truncated or damaged: its header specifies {expected} bytes, but the file has {found}",
        shown(path)
    )]
    Length {
        /// Path of the file.
        path: PathBuf,
        /// Length that the header specifies, in bytes.
        expected: u64,
        /// Length of the file, in bytes.
        found: u64,
    },
    /// The file has the format of a later version of Modiste.
    #[error(
        "{} has format version {found}, but this version of Modiste reads up to {FORMAT_VERSION}: \
         install a newer one",
        shown(path)
    )]
    Version {
        /// Path of the file.
        path: PathBuf,
        /// Format version of the file.
        found: u64,
    },
    /// The preprocessing is invalid, or from a later version.
    #[error(
        "{}: the preprocessing {found} is not supported by this version: {reason}",
        shown(path)
    )]
    Preprocessing {
        /// Path of the file.
        path: PathBuf,
        /// Stored preprocessing, as JSON.
        found: String,
        /// Unknown or invalid step.
        reason: String,
    },
    /// The architecture in the file is invalid.
    #[error("{}: {reason}", shown(path))]
    Architecture {
        /// Path of the file.
        path: PathBuf,
        /// The invalid layer and its problem.
        reason: ArchitectureError,
    },
    /// A parameter is NaN or infinite, or a variance is negative.
    #[error(
        "{}: {variable} has the value {value} at index {index}, but should have {}",
        shown(path),
        if value.is_finite() { "no negative values" } else { "finite values only" }
    )]
    Number {
        /// Path of the file.
        path: PathBuf,
        /// Name of the variable.
        variable: String,
        /// Index in the variable, in C order of its shape.
        index: usize,
        /// Value of the parameter.
        value: f32,
    },
    /// The temperature is not a positive finite number.
    #[error(
        "{}: the temperature is {value}, but should be positive and finite",
        shown(path)
    )]
    Temperature {
        /// Path of the file.
        path: PathBuf,
        /// The temperature.
        value: f32,
    },
    /// A tensor does not match the architecture in the same file.
    #[error("{}: {variable} should be {expected}, but is {found}", shown(path))]
    Variable {
        /// Path of the file.
        path: PathBuf,
        /// Name of the variable.
        variable: String,
        /// Type and shape that the architecture requires.
        expected: String,
        /// Type and shape of the tensor in the file, or `missing`.
        found: String,
    },
}

/// Maps an error of the operating system to an error that names `path`.
pub(super) fn io_error(path: &Path) -> impl Fn(std::io::Error) -> FileError {
    move |reason| FileError::Io {
        path: path.into(),
        reason,
    }
}

/// Creates a [`FileError::NotAModel`].
pub(super) fn not_a_model(path: &Path, reason: &str) -> FileError {
    FileError::NotAModel {
        path: path.into(),
        reason: reason.into(),
    }
}
