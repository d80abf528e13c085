//! Commands of `modiste`, one module each.

pub(crate) mod architectures;
pub(crate) mod bench;
mod clean;
pub(crate) mod compare;
pub(crate) mod datasets;
pub(crate) mod device;
pub(crate) mod evaluate;
pub(crate) mod explain;
pub(crate) mod photos;
pub(crate) mod predict;
pub(crate) mod preprocess;
pub(crate) mod recipes;
pub(crate) mod report;
pub(crate) mod reproduce;
pub(crate) mod runs;
pub(crate) mod summary;
pub(crate) mod train;
