//! Integration tests of decoding and resizing against OpenCV, and with invalid input.

mod jpeg;
mod pictures;
mod samples;
