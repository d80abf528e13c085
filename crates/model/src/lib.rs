//! Keras-style convolutional networks: layers as data, shapes, numbers, two ways to run them, one
//! file.
//!
//! An [`Architecture`] is a list of layers. [`Architecture::resolve`] follows the shapes through
//! and lays out the variables; from that one [`Resolved`] come the [`Summary`], the [`Walk`] (CPU
//! training and inference on `modiste-kernels`) and the [`Graph`] (candle, with autograd, also on a
//! GPU). A [`Network`] is an architecture with its numbers, and one file; [`mod@file`] specifies it.
//!
//! ```
//! use modiste_model::{Metadata, Network, zoo};
//!
//! let classes = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"].map(String::from).to_vec();
//! let metadata = Metadata { classes, ..Metadata::default() };
//! let network = Network::initialize(zoo::compact(), metadata, 1)?;
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("model.safetensors");
//! network.save(&path)?;
//! assert_eq!(Network::load(&path)?, network);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod architecture;
#[cfg(feature = "candle")]
mod device;
mod dropout_mask;
pub mod file;
mod footprint;
mod grad_cam;
#[cfg(feature = "candle")]
mod graph;
mod inference;
mod network;
mod outcome;
mod parameters;
mod resolve;
mod resolved;
mod stage;
mod summary;
mod walk;
pub mod zoo;

pub use architecture::{Activation, Architecture, Initializer, Layer, Padding};
#[cfg(feature = "candle")]
pub use device::{DeviceChoice, DeviceError, SelectedDevice, select_device};
pub use file::FileError;
pub use footprint::{inference_bytes, training_bytes};
pub use grad_cam::{CamMap, GradCamError, grad_cam};
#[cfg(feature = "candle")]
pub use graph::Graph;
pub use inference::Inference;
pub use modiste_kernels::{InstructionSet, InstructionSetError, KERNELS_VARIABLE};
pub use network::{Metadata, Network, Precision};
pub use outcome::{StepOutcome, probabilities};
pub use parameters::Parameters;
pub use resolve::{ArchitectureError, MAX_ACTIVATIONS, MAX_LAYERS, MAX_PARAMETERS, MAX_WINDOW};
pub use resolved::{Operation, Resolved, ResolvedLayer, Shape, Start, Variable};
pub use stage::KernelOptions;
pub use summary::{LayerSummary, Summary};
pub use walk::{StageTime, Walk};
