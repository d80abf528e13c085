//! Integration tests: shape inference, candle against the kernels, summaries, the model file.

mod candle_against_kernels;
mod file;
mod shape_inference;
mod summary;
