//! Training, evaluation and inspection of small image classifiers.
//!
//! - [`fit`] trains a [`Network`](modiste_model::Network) in place. It reports [`Event`]s to a callback,
//!   which may stop the run or request a [`Checkpoint`]; [`resume`] continues from one.
//! - [`evaluate`] measures loss, accuracy and calibration; [`fit_temperature`] calibrates a network.
//! - [`layer_activity`] and [`gradient_norms`] inspect the layers of a network.
//! - [`Engine`] is the interface for custom training loops: gradients and updates are separate calls.
//!
//! The crate prints nothing and writes no files.
//!
//! ```
//! use modiste_model::{Metadata, Network, zoo};
//! use modiste_train::{Compute, Next, TrainConfig, TrainData, evaluate, fit};
//!
//! let data = modiste_dataset::fashion_mnist_mini();
//! let (train, test) = (data.train.first(16), data.test.first(8));
//! let metadata = Metadata { classes: data.classes.clone(), ..Metadata::default() };
//! let mut network = Network::initialize(zoo::compact(), metadata, 1)?;
//! let config = TrainConfig { epochs: 1, batch_size: 8, ..TrainConfig::default() };
//! let data = TrainData { train: &train, validation: &test, cutouts: None, pictures: None };
//! fit(&mut network, data, &config, &Compute::default(), &mut |_| Next::Continue)?;
//! assert_eq!(evaluate(&network, &test, false, &Compute::default())?.images, 8);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod augment;
mod bench;
mod check;
pub mod checkpoint;
mod class_weights;
mod config;
mod data;
mod engine;
mod error;
mod evaluate;
mod event;
mod fit;
mod inspect;
mod memory;
mod optimizer;
mod parameter_groups;
mod prefetch;
mod preview;
mod priors;
mod sampling;
mod schedule;
mod stored_config;
mod targets;
mod temperature;
mod training;

pub use augment::{
    Affine, Augmentation, Backgrounds, Blur, ClothesAugmentation, ColorJitter, CutoutAugmentation,
    Erasing, Fill, Gamma, ImageAugmentation, Mixing, Noise, Pairs, ResizedCrop, Scenery, Tone,
    synthetic_pictures,
};
pub use bench::{FusedOpTimings, Timings, bench, median};
pub use checkpoint::{Checkpoint, CheckpointError, Position};
pub use class_weights::ClassWeights;
pub use config::{MAX_BATCH_SIZE, MAX_EPOCHS, TrainConfig};
pub use data::TrainData;
pub use engine::{Compute, Engine, EngineKind, engine};
pub use error::TrainError;
pub use evaluate::{Evaluation, evaluate};
pub use event::{Event, Next};
pub use fit::{FitResult, fit, resume};
pub use inspect::{GradientNorm, LayerActivity, gradient_norms, layer_activity};
pub use memory::require_training_memory;
pub use optimizer::{Optimizer, OptimizerStep, ParameterGroup};
pub use preview::{Preview, preview, preview_cutouts};
pub use sampling::{Balance, OUTLIER, Sampling, UnknownBalance};
pub use schedule::{Curve, Schedule};
pub use temperature::fit_temperature;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
