//! Training of small convolutional networks: SGD, schedules, the loop, recipes.
//!
//! [`fit`] trains a [`Network`](modiste_model::Network) in place and reports through a callback
//! that may stop it or ask for a [`Checkpoint`], from which [`resume`] goes on; [`evaluate`] measures
//! a network, [`layer_activity`] looks into it; a [`Recipe`] names data, network and configuration. Nothing here prints or writes.

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
mod recipe;
mod schedule;
mod stored_config;
mod temperature;

pub use augment::{Augmentation, Backgrounds, MADE_UP, Tone, made_up_pictures};
pub use bench::{StageTimings, Timings, bench, median};
pub use checkpoint::{Checkpoint, CheckpointError, Position};
pub use config::{MAX_BATCH_SIZE, MAX_EPOCHS, TrainConfig, Validation};
pub use data::TrainData;
pub use engine::{Compute, Engine, EngineKind, engine};
pub use error::TrainError;
pub use evaluate::{Evaluation, evaluate};
pub use event::{Event, Next};
pub use fit::{FitOutcome, fit, resume};
pub use inspect::{GradientNorm, LayerActivity, gradient_norms, layer_activity};
pub use memory::require_training_memory;
pub use optimizer::{Optimizer, OptimizerStep};
pub use recipe::{Recipe, recipes};
pub use schedule::{Curve, Schedule};
pub use temperature::fit_temperature;
