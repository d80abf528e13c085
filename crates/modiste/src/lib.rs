//! Train, evaluate and deploy small image classifiers in pure Rust, on a laptop CPU.
//!
//! Classify a photo with the built-in network for clothes:
//!
//! ```
//! use modiste::Classifier;
//!
//! let mut classifier = Classifier::embedded();
//! # let path = "../imaging/tests/opencv/large-612x408.jpg";
//! let ranked = classifier.classify(&std::fs::read(path)?)?;
//! println!("{}: {:.1} %", ranked[0].class, 100.0 * ranked[0].probability);
//! # Ok::<(), modiste::Error>(())
//! ```
//!
//! Train a network, evaluate it, save it:
//!
//! ```
//! # #[cfg(feature = "train")] {
//! use modiste::{Next, TrainConfig, evaluate, load_dataset, train, zoo};
//!
//! let mut data = load_dataset("fashion-mnist-mini")?;
//! # data.train = data.train.first(100);
//! # data.test = data.test.first(100);
//! let config = TrainConfig { epochs: 2, ..TrainConfig::default() };
//! let network = train(zoo::compact(), &data, &config, &mut |_| Next::Continue)?;
//! println!("{}", evaluate(&network, &data)?.report());
//! # let folder = tempfile::tempdir()?;
//! # std::env::set_current_dir(folder.path())?;
//! network.save("clothes.safetensors".as_ref())?;
//! # }
//! # Ok::<(), modiste::Error>(())
//! ```
//!
//! Train on your own images, in a folder with a subfolder for each class:
//!
//! ```no_run
//! # #[cfg(feature = "train")] {
//! use modiste::{ImageFolder, Next, find_recipe, train, zoo};
//!
//! let data = ImageFolder::open("photos")?.resized(64, 64).load()?.split_stratified(0.1, 1);
//! let config = find_recipe("images")?.train_config(&data);
//! let network = train(zoo::resnet(), &data, &config, &mut |_| Next::Continue)?;
//! # }
//! # Ok::<(), modiste::Error>(())
//! ```
//!
//! [`Run`] trains in a folder: a run can be resumed after a crash and reproduced bit by bit. [`pages`] builds HTML
//! reports. The repository contains a short example of each. The crates that this one is
//! built on (`modiste-model`, `modiste-train`, `modiste-experiment`, ...) contain further functions.
//!
//! # Features
//!
//! - `train` (default): training, evaluation, runs and reports, on Modiste's own CPU kernels. Without it, the crate
//!   only classifies images.
//! - `candle`: the candle engine in addition to the kernels. `cuda`: NVIDIA GPUs for the candle engine.
//! - `download`: downloads datasets that are missing.

mod error;
#[cfg(feature = "train")]
mod shortcuts;

pub use error::{Error, Result};
pub use modiste_infer::{Classifier, Prediction};
pub use modiste_model::{Architecture, Layer, Network, Padding, zoo};
#[cfg(feature = "train")]
pub use {
    modiste_dataset::{Csv, Dataset, ImageFolder, Npz},
    modiste_experiment::{
        ComputeChoice, Measurement, Plan, Run, RunEvent, RunOptions, find_recipe, pages, train,
    },
    modiste_train::{Event, Next, TrainConfig},
    shortcuts::{classify_folder, evaluate, load_dataset},
};

/// Examples of the crate's README, which run as tests.
#[cfg(all(doctest, feature = "train"))]
#[doc = include_str!("../README.md")]
mod readme {}

/// Examples of the project's README, run as tests.
#[cfg(all(doctest, feature = "train"))]
#[doc = include_str!("../../../README.md")]
mod project_readme {}
