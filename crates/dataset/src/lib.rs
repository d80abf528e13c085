//! Labelled images for small convolutional networks: MNIST, Fashion-MNIST and CIFAR-100.
//!
//! Bytes in, labelled images out. Pixels stay `u8` until [`normalize`], the one function that
//! scales them for training and for inference alike. Nothing here knows of networks.

mod atomic;
mod batches;
mod images;
mod rng;

pub use atomic::write_atomic;
pub use batches::{Batch, Batches, normalize};
pub use images::{Dataset, ImageShape, Images, ImagesError};
pub use rng::Rng;
