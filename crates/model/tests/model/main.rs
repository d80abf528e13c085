//! Integration tests: shape inference, candle against the kernels, summaries, the model file.

mod architecture_file;
mod candle_against_kernels;
mod engines;
mod few_steps;
mod file;
mod frozen_layers;
mod groups_of_images;
mod keras;
mod layer_gradients;
mod new_layers;
mod random_architectures;
mod shape_inference;
mod summary;
