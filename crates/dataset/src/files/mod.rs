//! Files of a dataset: location, content, hashes and identification.

pub(crate) mod contents;
pub(crate) mod digest;
mod embedded;
pub(crate) mod gzip;
pub(crate) mod identify;
pub(crate) mod locate;
