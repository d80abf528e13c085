//! Terminal: results on standard output, everything else on standard error.

pub(crate) mod advice;
pub(crate) mod decoding;
pub(crate) mod download;
pub(crate) mod failure;
pub(crate) mod files;
pub(crate) mod interrupt;
pub(crate) mod messages;
pub(crate) mod output;
pub(crate) mod pictures;
pub(crate) mod progress;
pub(crate) mod shell;
pub(crate) mod text;
