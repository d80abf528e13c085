//! Training of small convolutional networks: SGD, schedules, the training loop.
//!
//! [`fit`] trains a [`Network`](modiste_model::Network) in place and reports through a callback
//! that may stop it or ask for a [`Checkpoint`], from which [`resume`] goes on; [`evaluate`] measures
//! a network, [`layer_activity`] looks into it. Nothing here prints or writes.

mod augment;
mod bench;
mod check;
pub mod checkpoint;
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
mod schedule;
mod stored_config;
mod temperature;

pub use augment::{Augmentation, Backgrounds, Tone, made_up_pictures};
pub use bench::{StageTimings, Timings, bench, median};
pub use checkpoint::{Checkpoint, CheckpointError, Position};
pub use config::{MAX_BATCH_SIZE, MAX_EPOCHS, TrainConfig};
pub use data::TrainData;
pub use engine::{Compute, Engine, EngineKind, engine};
pub use error::TrainError;
pub use evaluate::{Evaluation, evaluate};
pub use event::{Event, Next};
pub use fit::{FitOutcome, fit, resume};
pub use inspect::{GradientNorm, LayerActivity, gradient_norms, layer_activity};
pub use memory::require_training_memory;
pub use optimizer::{Optimizer, OptimizerStep};
pub use schedule::{Curve, Schedule};
pub use temperature::fit_temperature;
