//! The formats of the files, read and written as bytes in memory.

pub(crate) mod cifar;
pub(crate) mod cifar_names;
pub(crate) mod idx;
