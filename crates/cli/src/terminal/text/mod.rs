//! Results as text.

pub(crate) mod bench;
pub(crate) mod comparison;
pub(crate) mod evaluation;
pub(crate) mod photos;
pub(crate) mod prediction;
pub(crate) mod preprocessing;
pub(crate) mod reproduction;
pub(crate) mod run;
