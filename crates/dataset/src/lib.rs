//! Labelled images for small convolutional networks: MNIST, Fashion-MNIST and CIFAR-100.
//!
//! Bytes in, labelled images out. Pixels stay `u8` until [`normalize`](modiste_core::normalize), the one function that
//! scales them for training and for inference alike. Nothing here knows of networks.
//!
//! ```
//! let dataset = modiste_dataset::fashion_mnist_mini();
//! let first = dataset.train.labels()[0];
//! println!("the first image shows: {}", dataset.classes[usize::from(first)]);
//! # assert_eq!(dataset.classes[usize::from(first)], "Ankle boot");
//! ```
//!
//! - [`catalog`] knows the datasets: classes, counts, files, hashes, mirrors.
//! - [`load`] reads one from a data folder with a folder per dataset; [`fashion_mnist_mini`] is built
//!   in. [`read_idx`] and [`read_cifar100`] read bytes from anywhere.
//! - [`status`], [`verify`] and [`file_hashes`] say what is there and whether it is official.
//! - `download` fetches one from mirrors, `store_file` takes a file from a reader; files appear under
//!   their names only when their hashes are right. No other program is ever run.
//! - [`Batches`] hands out shuffled batches, which a seed and an epoch decide.
//!
//! The feature `download` (on by default) brings both; without it no HTTP stack is pulled in.

mod batches;
mod catalog;
#[cfg(feature = "download")]
mod download;
mod error;
mod files;
mod folder;
mod formats;
mod images;
mod load;
#[cfg(test)]
mod made_up;
mod mini;
mod status;

pub use batches::{Batch, Batches};
pub use catalog::{Checksum, DatasetInfo, FileInfo, Files, Source, catalog, find, lookup};
#[cfg(feature = "download")]
pub use download::{
    Attempt, DownloadError, DownloadOptions, Missing, Progress, StoreError, download, store_file,
};
pub use error::{Error, FormatError};
pub use files::digest::sha256;
pub use folder::{
    LabelError, LabelledFile, LabelledFolder, LabelsError, PictureFileError, PictureFiles,
    UnknownClass, parse_path_list, pictures_in_folder, read_labelled_folder, read_picture,
};
pub use formats::cifar::{Cifar100, read_cifar100, write_cifar100};
pub use formats::cifar_names::CIFAR100_COARSE;
pub use formats::idx::{
    IdxImages, read_idx, read_idx_images, read_idx_labels, write_idx_images, write_idx_labels,
};
pub use images::{Dataset, Images, ImagesError};
pub use load::{FileHash, LoadOptions, LoadReport, load, load_with_report};
pub use mini::fashion_mnist_mini;
pub use modiste_core::{ImageShape, OutOfMemory, Rng};
pub use status::{FileState, FileStatus, file_hashes, status, verify};
