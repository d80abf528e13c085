//! Integration tests: training, reproducibility, checkpoints, evaluation, parity with Keras.

#[path = "../../examples/parity/compare.rs"]
mod compare;
mod config;
mod evaluate;
mod fit;
#[path = "../../examples/parity/golden.rs"]
mod golden;
mod inspect;
mod many_classes;
mod networks;
mod optimization;
mod parity;
