//! Keras-style convolutional networks: layers as data, shape inference, weights, training and
//! inference, one file per model.
//!
//! An [`Architecture`] is a list of layers. [`Architecture::plan`] infers every shape and lays out
//! the variables. The resulting [`NetworkPlan`] is the one definition behind the [`Summary`], the
//! [`KernelNetwork`] (CPU training on `modiste-kernels`), the [`Inference`] (CPU inference) and the
//! `CandleNetwork` (candle with autograd, also on a GPU; feature `candle`). A [`Network`] is an
//! architecture with its parameters and metadata, stored in one file: see [`mod@file`].
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
pub mod architecture_file;
#[cfg(feature = "candle")]
mod candle_network;
#[cfg(feature = "candle")]
mod device;
mod dropout_mask;
pub mod file;
mod fitted;
mod footprint;
mod fused_op;
mod grad_cam;
mod inference;
mod kernel_network;
mod layer;
mod layer_ranges;
mod network;
mod network_plan;
mod parameters;
mod preprocessing;
mod score;
mod shape_inference;
mod step_metrics;
mod stored_pair;
mod summary;
mod targets;
mod transfer;
pub mod zoo;

pub use architecture::Architecture;
pub use architecture_file::{ARCHITECTURE_VERSION, ArchitectureFileError, layer_line};
#[cfg(feature = "candle")]
pub use candle_network::CandleNetwork;
#[cfg(feature = "candle")]
pub use device::{DeviceChoice, DeviceError, SelectedDevice, select_device};
pub use file::FileError;
pub use footprint::{inference_bytes, training_bytes};
pub use fused_op::KernelOptions;
pub use grad_cam::{CamMap, GradCamError, grad_cam};
pub use inference::Inference;
pub use kernel_network::{FusedOpTime, KernelNetwork};
pub use layer::{Activation, Initializer, Layer, Padding};
pub use modiste_kernels::{InstructionSet, InstructionSetError, KERNELS_VARIABLE};
pub use network::{Metadata, Network, Precision};
pub use network_plan::{InitialValue, NetworkPlan, Operation, PlannedLayer, Shape, Variable};
pub use parameters::Parameters;
pub use preprocessing::{Preprocessing, PreprocessingError, Segmentation, Step};
pub use score::energy_scores;
pub use shape_inference::{
    ArchitectureError, MAX_ACTIVATIONS, MAX_LAYERS, MAX_PARAMETERS, MAX_WINDOW,
};
pub use step_metrics::{StepMetrics, probabilities};
pub use summary::{LayerSummary, Summary};
pub use targets::Targets;
pub use transfer::{InitializedVariable, NotCopied, TransferReport, transfer};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
