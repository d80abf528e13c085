//! Why training stops without a result.

use modiste_dataset::{ImageShape, OutOfMemory};
use modiste_model::ArchitectureError;

/// What went wrong in training or evaluation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A setting that nothing can be trained with.
    #[error("{problem}")]
    Config {
        /// Which, and what to take instead.
        problem: String,
    },
    /// Layers that do not make a network.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
    /// A network for other images or classes than the dataset's.
    #[error(
        "the network takes {network_input} images and tells {network_classes} classes apart, \
             but the data has {data_input} images of {data_classes} classes"
    )]
    Mismatch {
        /// What the network takes.
        network_input: ImageShape,
        /// Its logits.
        network_classes: usize,
        /// What the data has.
        data_input: ImageShape,
        /// Its classes.
        data_classes: usize,
    },
    /// A checkpoint of something else.
    #[error("the checkpoint does not fit this training: {problem}")]
    Checkpoint {
        /// What differs.
        problem: String,
    },
    /// The loss, or a weight, is no number any more.
    #[error(
        "the loss is {loss} in epoch {epoch} at step {step}, with learning rate {learning_rate}. \
             Take a lower learning rate (a tenth, say) or a warm-up (`--schedule constant+warmup:500`); \
             the weights of the last good epoch are kept"
    )]
    Diverged {
        /// From 1.
        epoch: usize,
        /// From 1, in the epoch.
        step: usize,
        /// That step's.
        learning_rate: f64,
        /// What it was.
        loss: f64,
    },
    /// Training takes more memory than this process may have.
    #[error("a step on {batch_size} images {memory}; reduce the batch size")]
    Memory {
        /// Images of a step.
        batch_size: usize,
        /// How much it takes, and how much there is.
        memory: OutOfMemory,
    },
    /// candle refused: mostly a GPU without memory.
    #[error("candle: {0}")]
    Candle(#[from] candle_core::Error),
}
