//! Flags: those of each command, and groups that several commands share.

pub(crate) mod architectures;
pub(crate) mod bench;
pub(crate) mod compare;
mod composition;
mod compute;
mod data;
pub(crate) mod datasets;
pub(crate) mod device;
pub(crate) mod evaluate;
pub(crate) mod explain;
mod fine_tuning;
mod input;
mod model;
mod own_images;
pub(crate) mod photos;
mod plan;
pub(crate) mod predict;
pub(crate) mod preprocess;
pub(crate) mod recipes;
mod renamed;
pub(crate) mod report;
pub(crate) mod reproduce;
pub(crate) mod runs;
pub(crate) mod summary;
mod test_images;
pub(crate) mod train;
mod training;
mod watch;

pub(crate) use compute::ComputeFlags;
pub(crate) use data::{DataFlags, DataFolder};
pub(crate) use input::InputFlags;
pub(crate) use model::{ClassifierFlags, ModelFlags};
pub(crate) use plan::PlanFlags;
pub(crate) use renamed::current_arguments;
pub(crate) use test_images::TestFlags;
pub(crate) use watch::WatchFlags;
