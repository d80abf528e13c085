//! Results as text.

pub(crate) mod prediction;
pub(crate) mod preprocessing;
pub(crate) mod run;
