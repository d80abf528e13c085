//! The infer crate from outside: photos to what a network sees, the model that ships.

#[path = "../../examples/made_up_photos/photo.rs"]
mod photo;
mod photos;
mod pictures;
#[path = "../../../imaging/tests/imaging/samples.rs"]
mod samples;
mod shipped;
