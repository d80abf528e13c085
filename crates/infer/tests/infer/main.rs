//! The infer crate from outside: pictures as OpenCV reads them, photos to what a network sees, the
//! model that ships.

mod jpeg;
#[path = "../../examples/made_up_photos/photo.rs"]
mod photo;
mod photos;
mod pictures;
mod shipped;
