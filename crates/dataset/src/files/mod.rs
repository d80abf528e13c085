//! A dataset's files: where they lie, the bytes inside, their hashes, and whose they are.

pub(crate) mod contents;
pub(crate) mod digest;
mod embedded;
pub(crate) mod foreign;
pub(crate) mod gzip;
pub(crate) mod locate;
