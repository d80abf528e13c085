//! Labelled images for small image classifiers: MNIST, Fashion-MNIST, CIFAR-100 and folders of photos.
//!
//! Pixels stay `u8` until [`normalize`](modiste_core::normalize) scales a batch, in training and inference alike. Labels
//! are `u16` class indices.
//!
//! ```
//! let dataset = modiste_dataset::fashion_mnist_mini();
//! let label = dataset.train.labels()[0];
//! assert_eq!(dataset.classes[usize::from(label)], "Ankle boot");
//! ```
//!
//! - [`catalog`] describes the datasets: classes, counts, files, hashes, mirrors.
//! - [`load`] reads a dataset from the data folder, which contains one folder per dataset. [`fashion_mnist_mini`] is
//!   embedded. [`read_idx`] and [`read_cifar100`] read bytes from any source.
//! - [`ImageFolder`], [`Csv`], [`Npz`] and [`open_source`] list your own images; [`ImageSource::load`] decodes them to one
//!   shape, in parallel and once, because decoded images are cached. [`split_parts`] divides them.
//! - [`read_labelled_folder`] reads the labels of photos from a table or from the names of their folders.
//! - [`status`], [`verify`] and [`file_hashes`] check which files are present and official.
//! - `download` fetches a dataset from its mirrors, and `store_file` stores a file from a reader. A file is stored only
//!   if its SHA-256 is correct.
//! - [`Images`] is a cheap slice of shared pixels, in memory or in a file, so that [splits](Images::split_stratified)
//!   copy no image. [`Batches`] are shuffled by seed and epoch.
//!
//! The feature `download` (default) provides `download` and `store_file`. Without it the crate has no HTTP client.

mod batches;
mod cache;
mod catalog;
#[cfg(feature = "download")]
mod download;
mod error;
mod files;
mod folder;
mod formats;
mod images;
mod load;
mod mini;
mod parts;
mod pixels;
mod sink;
mod source;
mod split;
mod status;
#[cfg(test)]
mod synthetic;
mod transform;

pub use batches::{Batch, Batches, MixedLabel};
pub use cache::{CACHE_LIMIT, CacheEntry, CacheOptions, cache_entries, clear_cache};
pub use catalog::{Checksum, DatasetInfo, FileInfo, Files, Source, catalog, find, lookup};
#[cfg(feature = "download")]
pub use download::{
    DownloadError, DownloadOptions, FailedAttempt, MissingFiles, Progress, StoreError, download,
    store_file,
};
pub use error::{Error, FormatError};
pub use files::digest::sha256;
pub use folder::{
    LabelError, LabelledFile, LabelledFolder, LabelsError, PictureFileError, PictureFiles,
    UnknownClass, find_class, is_other, parse_path_list, pictures_in_folder, read_labelled_folder,
    read_picture,
};
pub use formats::cifar::{Cifar100, read_cifar100, write_cifar100};
pub use formats::cifar_names::CIFAR100_COARSE;
pub use formats::idx::{
    IdxImages, read_idx, read_idx_images, read_idx_labels, write_idx_images, write_idx_labels,
};
pub use images::{Dataset, Images, ImagesError};
pub use load::{FileHash, LoadOptions, LoadReport, load, load_with_report};
pub use mini::fashion_mnist_mini;
pub use modiste_core::{Fit, ImageShape, OutOfMemory, Rng};
pub use parts::{SplitFractions, SplitIndices, folds, split_parts};
pub use pixels::ReadError;
pub use source::{
    BadFile, Color, ColumnValue, Csv, DatasetPath, DecodeOptions, FileDecoder, Fingerprint,
    FingerprintChange, ImageFolder, InvalidColumnValue, Listing, LoadedImages, Npz, Part, Sample,
    Source as ImageSource, SourceError, SourceKind, SourceOptions, SourceWarning, Splits,
    UnknownColor, UnknownPart, open_source,
};
pub use status::{FileState, FileStatus, file_hashes, status, verify};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
