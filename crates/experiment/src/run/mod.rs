//! Runs: their folder, record and logs, and the training itself.

mod checkpoints;
mod class_counts;
mod divergence;
mod event;
mod event_log;
mod folder;
mod images;
mod list;
mod lock;
mod own_images;
mod photos;
mod prepare;
mod record;
mod results;
mod sheets;
mod temporary;
mod tensorboard;
mod training;
mod watch;

pub use class_counts::ClassCounts;
pub use divergence::DivergenceAdvice;
pub(crate) use event::warn;
pub use event::{OnEvent, RunEvent};
pub(crate) use event_log::epoch_weights;
pub(crate) use folder::EVENTS;
pub use folder::{MODEL, RUNS, read_history};
pub(crate) use images::SYNTHETIC_IMAGES;
pub use list::{RunSummary, list_runs, runs_table};
pub use own_images::OwnImagesRecord;
pub(crate) use own_images::own_test_part;
pub use photos::PhotosResult;
pub use prepare::{Run, RunOptions};
pub(crate) use record::RECORD;
pub use record::{BestResult, DatasetRecord, Record, State, TestResult};
pub(crate) use sheets::{AUGMENTED_SHEET, SAMPLE_SHEET, shown_classes};
