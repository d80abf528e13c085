//! The imaging crate from outside: pictures as OpenCV reads them, and bytes that are no pictures.

mod jpeg;
mod pictures;
mod samples;
