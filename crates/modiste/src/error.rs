//! One error for everything that the facade offers.

use modiste_infer::ClassifierError;
use modiste_model::{ArchitectureError, FileError};

/// Result of the functions of this crate and of programs that use it.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Error of any function of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An image cannot be decoded or classified.
    #[error(transparent)]
    Image(#[from] modiste_infer::Error),
    /// A network does not classify.
    #[error(transparent)]
    Classifier(#[from] ClassifierError),
    /// Layers do not make a network.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
    /// A model file cannot be read or written.
    #[error(transparent)]
    Model(#[from] FileError),
    /// A file cannot be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Data, training, a run or a report failed.
    #[cfg(feature = "train")]
    #[error(transparent)]
    Experiment(#[from] modiste_experiment::Error),
}
