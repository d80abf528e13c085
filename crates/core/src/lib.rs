//! Foundations of the Modiste crates.
//!
//! - [`ImageShape`]: height, width and channels; [`normalize`]: bytes to network input.
//! - [`Interpolation`]: resizing methods; [`Fit`]: ways to bring an image to a shape.
//! - [`mirror`], [`separable_filter`]: image operations that training and inference share.
//! - [`Rng`]: seeded random numbers with independent streams.
//! - [`write_atomic`], [`write_numbered`], [`AtomicFile`]: files that are written completely or not at all.
//! - [`require_memory`], [`memory_left`]: memory limits, checked before an allocation.
//! - [`printable`], [`shown`]: names and paths as one line of text.
//! - [`decode_text`]: text files in UTF-8 or UTF-16.
//! - [`significant`], [`four_decimals`]: numbers as messages print them.

mod atomic;
mod fit;
mod interpolation;
mod memory;
mod numbers;
mod pixels;
mod printable;
mod rng;
mod text;

pub use atomic::{AtomicFile, write_atomic, write_numbered};
pub use fit::{Fit, UnknownFit};
pub use interpolation::{Interpolation, UnknownInterpolation};
pub use memory::{OutOfMemory, memory_left, require_memory};
pub use numbers::{four_decimals, significant};
pub use pixels::{ImageShape, luma, mirror, normalize, separable_filter};
pub use printable::{is_control, printable, shown};
pub use rng::Rng;
pub use text::{TextError, decode_text};

/// Examples of the crate's README, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
