//! Error of this crate's functions.

use modiste_infer::ClassifierError;
use modiste_model::{ArchitectureError, ArchitectureFileError, FileError};

/// Result with this crate's [`Error`]. Programs may use it too.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Error of any function of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An image cannot be decoded or classified.
    #[error(transparent)]
    Image(#[from] modiste_infer::Error),
    /// A network is not a classifier of images.
    #[error(transparent)]
    Classifier(#[from] ClassifierError),
    /// Layers do not fit each other.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
    /// A model file cannot be read or written.
    #[error(transparent)]
    Model(#[from] FileError),
    /// An architecture file contains an error.
    #[error(transparent)]
    ArchitectureFile(Box<ArchitectureFileError>),
    /// A file cannot be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A dataset or own images cannot be loaded, or a training, a run or a report failed.
    #[cfg(feature = "train")]
    #[error(transparent)]
    Experiment(#[from] modiste_experiment::Error),
}

impl From<ArchitectureFileError> for Error {
    fn from(error: ArchitectureFileError) -> Self {
        Self::ArchitectureFile(error.into())
    }
}

#[cfg(feature = "train")]
impl From<modiste_dataset::SourceError> for Error {
    fn from(error: modiste_dataset::SourceError) -> Self {
        Self::Experiment(error.into())
    }
}
