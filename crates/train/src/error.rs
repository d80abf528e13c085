//! Errors of training and evaluation.

use modiste_core::{ImageShape, OutOfMemory, significant};
use modiste_dataset::ReadError;
use modiste_model::ArchitectureError;

/// Error of training or evaluation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A setting is invalid.
    #[error("{problem}")]
    Config {
        /// Name and value of the setting, and the expected range.
        problem: String,
    },
    /// The architecture is invalid.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
    /// The images do not have the network's input shape.
    #[error("the network takes {network} images, but the data has {data} images")]
    Shape {
        /// Input shape of the network.
        network: ImageShape,
        /// Shape of the images.
        data: ImageShape,
    },
    /// The data has another number of classes than the network.
    #[error("the network has {network} classes, but the data has {data}")]
    ClassCount {
        /// Number of logits of the network.
        network: usize,
        /// Number of classes of the data.
        data: usize,
    },
    /// A logit is NaN or infinite, because the weights are too large.
    #[error(
        "the network's output for image {image} is {value}: its weights are too large to compute with"
    )]
    NotFinite {
        /// Index of the image, from 0.
        image: usize,
        /// Value of the logit, NaN or infinite.
        value: f32,
    },
    /// The checkpoint belongs to another network or to other images.
    #[error("the checkpoint does not match this run: {problem}")]
    Checkpoint {
        /// Description of the difference.
        problem: String,
    },
    /// The loss or a weight is NaN or infinite.
    #[error(
        "training diverged: {problem} in epoch {epoch} at step {step} of {steps}, with learning rate {}{}",
        significant(*learning_rate),
        momentum.map_or(String::new(), |momentum| format!(" and momentum {}", significant(momentum)))
    )]
    Diverged {
        /// The value that is NaN or infinite, such as `the loss is NaN`.
        problem: String,
        /// Epoch, from 1.
        epoch: usize,
        /// Step of the epoch, from 1.
        step: usize,
        /// Steps per epoch.
        steps: usize,
        /// Learning rate of the step.
        learning_rate: f64,
        /// Momentum of the run; `None` if the optimizer has none.
        momentum: Option<f64>,
        /// Number of complete epochs. The network has the weights at the end of the last of them, or its
        /// initial weights if there is none.
        epochs_done: usize,
    },
    /// Training needs more memory than this process may use.
    #[error("a step on {batch_size} images {memory}; reduce the batch size")]
    Memory {
        /// Images per step.
        batch_size: usize,
        /// Required and available memory.
        memory: OutOfMemory,
    },
    /// Inference needs more memory than this process may use.
    #[error("inference on {images} images at a time {memory}")]
    InferenceMemory {
        /// Images per call.
        images: usize,
        /// Required and available memory.
        memory: OutOfMemory,
    },
    /// Cut-outs and backgrounds need more memory than this process may use.
    #[error("reading the cut-outs and backgrounds {memory}; train on fewer images")]
    PictureMemory {
        /// Required and available memory.
        memory: OutOfMemory,
    },
    /// The images are in a file that cannot be read.
    #[error(transparent)]
    Images(#[from] ReadError),
    /// candle failed, for instance because the GPU is out of memory.
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
