//! Integration tests of preprocessing and of the built-in model.

#[path = "../../examples/synthetic_photos/photo.rs"]
mod photo;
mod photos;
mod pictures;
mod same_bytes;
#[path = "../../../imaging/tests/imaging/samples.rs"]
mod samples;
mod shipped;
