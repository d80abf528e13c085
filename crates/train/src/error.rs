//! Why training stops without a result.

use modiste_core::{ImageShape, OutOfMemory, significant};
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
    /// Images of another shape than the network's.
    #[error("the network takes {network} images, but the data has {data} images")]
    Shape {
        /// Shape that the network takes.
        network: ImageShape,
        /// Shape that the data has.
        data: ImageShape,
    },
    /// Another number of classes than the network's.
    #[error("the network tells {network} classes apart, but the data has images of {data} classes")]
    Mismatch {
        /// Logits of the network.
        network: usize,
        /// Classes of the data.
        data: usize,
    },
    /// A network whose weights are so large that its answers are no numbers.
    #[error(
        "the network's output for image {image} is {value}: its weights are too large to compute with"
    )]
    NotFinite {
        /// Index of the image, from 0.
        image: usize,
        /// NaN or infinite.
        value: f32,
    },
    /// A checkpoint of something else.
    #[error("the checkpoint does not fit this training: {problem}")]
    Checkpoint {
        /// What differs.
        problem: String,
    },
    /// The loss, or a weight, is NaN or infinite.
    #[error(
        "training diverged: {problem} in epoch {epoch} at step {step} of {steps}, with learning rate {} \
         and momentum {}",
        significant(*learning_rate),
        significant(*momentum)
    )]
    Diverged {
        /// What is NaN or infinite: `the loss is NaN`.
        problem: String,
        /// Epoch, from 1.
        epoch: usize,
        /// Step of the epoch, from 1.
        step: usize,
        /// Steps of an epoch.
        steps: usize,
        /// Learning rate of that step.
        learning_rate: f64,
        /// Momentum of the run.
        momentum: f64,
        /// Whole epochs behind it. The network holds the weights after the last of them; after none
        /// those that training began with.
        epochs_done: usize,
    },
    /// Training takes more memory than this process may have.
    #[error("a step on {batch_size} images {memory}; reduce the batch size")]
    Memory {
        /// Images of a step.
        batch_size: usize,
        /// How much it takes, and how much there is.
        memory: OutOfMemory,
    },
    /// Inference takes more memory than this process may have.
    #[error("inference on {images} images at a time {memory}")]
    InferenceMemory {
        /// Images at a time.
        images: usize,
        /// How much it takes, and how much there is.
        memory: OutOfMemory,
    },
    /// candle refused: mostly a GPU without memory.
    #[cfg(feature = "candle")]
    #[error("candle: {0}")]
    Candle(candle_core::Error),
}

#[cfg(feature = "candle")]
impl From<candle_core::Error> for TrainError {
    fn from(error: candle_core::Error) -> Self {
        Self::Candle(error)
    }
}
