//! A run: what is to be trained, the folder that holds what comes of it, and the training itself.

mod checkpoints;
mod computer;
mod conduct;
mod divergence;
mod events;
mod folder;
mod lock;
mod photos;
mod plan;
mod progress;
mod record;
mod temporary;
mod tensorboard;
mod watch;

pub(crate) use computer::{ComputeRecord, Machine};
pub(crate) use conduct::{Conditions, RunImages, conduct};
pub(crate) use events::epoch_weights;
pub(crate) use folder::{EVENTS, MODEL, RUNS, RunFolder, read_history};
pub(crate) use lock::Lock;
pub(crate) use plan::{BEGINNING, Overrides, Plan};
pub(crate) use record::{Record, State, recordable};
pub(crate) use watch::WatchArguments;
