//! Sources of labelled images: folders, tables, NumPy archives, IDX and CIFAR files.
//!
//! A [`Source`] is listed first, and decoded to one shape by [`Source::load`].

mod arrays;
mod decode_files;
mod decoded;
mod error;
mod file_decoder;
mod fingerprint;
mod fit_arrays;
mod image_folder;
mod listing;
mod load;
mod loaded;
mod npz;
mod open;
mod options;
mod shape;
mod table;
mod warning;

use std::path::{Path, PathBuf};

use modiste_core::{Fit, ImageShape};

pub use error::SourceError;
pub use file_decoder::FileDecoder;
pub use fingerprint::{Fingerprint, FingerprintChange};
pub use listing::{BadFile, Listing, Part, Sample, SourceKind, SourceWarning, UnknownPart};
pub use loaded::{LoadedImages, Splits};
pub use open::{DatasetPath, open_source};
pub use options::{
    Color, ColumnValue, DecodeOptions, InvalidColumnValue, SourceOptions, UnknownColor,
};

use crate::cache::CacheOptions;
use crate::images::Images;

/// Folders of image files: one folder per class, with or without folders for the parts (`train`, `val`, `test`).
///
/// ```no_run
/// use modiste_dataset::ImageFolder;
///
/// let data = ImageFolder::open("clothes")?.resized(64, 64).load()?.split_stratified(0.1, 1);
/// println!("{} classes, {} training images", data.classes.len(), data.train.len());
/// # Ok::<(), modiste_dataset::SourceError>(())
/// ```
#[derive(Debug)]
pub enum ImageFolder {}

impl ImageFolder {
    /// Lists the images in the class folders of `path`. Classes are sorted by name, as in Keras and torchvision.
    ///
    /// Images in folders inside a class folder count to the class. Hidden files, links that form a loop and second
    /// paths to a file are ignored. Folders without images are not classes.
    ///
    /// # Errors
    /// Returns [`SourceError::Read`] if the folder cannot be read, and [`SourceError::NotASource`] if no folder in it
    /// contains images.
    pub fn open(path: impl AsRef<Path>) -> Result<Source, SourceError> {
        let listing = image_folder::list(path.as_ref())?;
        Source::new(listing, None, &SourceOptions::default())
    }
}

/// Tables of image files: CSV and TSV.
#[derive(Debug)]
pub enum Csv {}

impl Csv {
    /// Lists the images of a table. Its heading names a column of images (`file`, `filename`, `path` or `image`), one of
    /// classes (`label`, `class` or `category`) and optionally one of parts (`split`, `subset`, `set` or `part`). Paths
    /// are relative to the folder of the table.
    ///
    /// # Errors
    /// Returns [`SourceError::Read`], [`SourceError::Text`] or [`SourceError::Table`] if the table cannot be read.
    ///
    /// ```
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("labels.csv");
    /// std::fs::write(&path, "file,class\n1.jpg,bag\n2.jpg,hat\n")?;
    /// let source = modiste_dataset::Csv::open(&path)?;
    /// assert_eq!(source.listing().classes, ["bag", "hat"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Source, SourceError> {
        Self::open_with(path, &SourceOptions::default())
    }

    /// Lists the images of a table like [`Csv::open`], with options.
    ///
    /// # Errors
    /// Returns the errors of [`Csv::open`], and [`SourceError::UnknownClass`] if a class to exclude does not exist.
    pub fn open_with(
        path: impl AsRef<Path>,
        options: &SourceOptions,
    ) -> Result<Source, SourceError> {
        Source::new(table::list(path.as_ref(), options)?, None, options)
    }
}

/// NumPy archives (`.npz`) of images and labels.
#[derive(Debug)]
pub enum Npz {}

impl Npz {
    /// Reads an archive with the array names of Keras (`x_train`, `y_train`, `x_test`, `y_test`) or of MedMNIST
    /// (`train_images`, `train_labels`, `val_images`, ...).
    ///
    /// Images are integers from 0 to 255, `[image, row, column]` or `[image, row, column, channel]` with 1 or 3 channels.
    /// Labels are integers, `[image]` or `[image, 1]`.
    ///
    /// # Errors
    /// Returns [`SourceError::Read`] or [`SourceError::Arrays`] if the archive cannot be read or has other arrays.
    pub fn open(path: impl AsRef<Path>) -> Result<Source, SourceError> {
        let (listing, images) = npz::read(path.as_ref())?;
        Source::new(listing, Some(images), &SourceOptions::default())
    }
}

/// Labelled images of a source, and the way to decode them.
#[derive(Clone, Debug)]
pub struct Source {
    listing: Listing,
    /// Images of arrays, which are decoded already, one per sample.
    images: Option<Images>,
    decode: DecodeOptions,
}

impl Source {
    /// Applies the options that all kinds of sources have.
    fn new(
        mut listing: Listing,
        images: Option<Images>,
        options: &SourceOptions,
    ) -> Result<Self, SourceError> {
        if listing.kind != SourceKind::Table {
            for (is_set, option) in [
                (options.label_column.is_some(), "a label column"),
                (options.group_column.is_some(), "a group column"),
                (!options.exclude_rows.is_empty(), "a value of a column"),
            ] {
                if is_set {
                    let path = listing.root;
                    return Err(SourceError::RequiresTable { path, option });
                }
            }
        }
        let mut kept: Vec<usize> = (0..listing.samples.len()).collect();
        for name in &options.exclude_classes {
            let index = listing.classes.iter().position(|class| class == name);
            let index = index.and_then(|index| u16::try_from(index).ok());
            let Some(index) = index else {
                return Err(SourceError::UnknownClass {
                    name: name.clone(),
                    classes: listing.classes,
                });
            };
            let samples = listing.samples.iter().zip(kept);
            kept = samples
                .filter(|(sample, _)| sample.label != index)
                .map(|(_, position)| position)
                .collect();
            listing.remove_class(index);
        }
        listing.add_count_warnings();
        listing.add_group_warning();
        let images = images.map(|images| {
            let labels = listing.samples.iter().map(|sample| sample.label);
            images.subset(&kept).with_labels(labels.collect())
        });
        Ok(Self {
            listing,
            images,
            decode: DecodeOptions::default(),
        })
    }

    /// Listing of the images.
    pub fn listing(&self) -> &Listing {
        &self.listing
    }

    /// Options of the decoding.
    pub fn decode_options(&self) -> &DecodeOptions {
        &self.decode
    }

    /// Replaces all options of the decoding.
    #[must_use]
    pub fn decoded_with(mut self, options: DecodeOptions) -> Self {
        self.decode = options;
        self
    }

    /// Resizes the images to `height` x `width`. By default, images that all have the same size of at most 32 pixels a
    /// side keep it, and others become 64x64.
    #[must_use]
    pub fn resized(mut self, height: usize, width: usize) -> Self {
        self.decode.size = Some([height, width]);
        self
    }

    /// Sets the way to bring images to the size. The default is [`Fit::Pad`].
    #[must_use]
    pub fn fitted(mut self, fit: Fit) -> Self {
        self.decode.fit = fit;
        self
    }

    /// Sets the colour of the images. The default is [`Color::Auto`].
    #[must_use]
    pub fn color(mut self, color: Color) -> Self {
        self.decode.color = color;
        self
    }

    /// Sets the cache of decoded images. The default is [`CacheOptions::Standard`].
    #[must_use]
    pub fn cached(mut self, cache: CacheOptions) -> Self {
        self.decode.cache = cache;
        self
    }

    /// Rejects images that cannot be decoded. By default they are left out.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.decode.strict = true;
        self
    }

    /// Shape of the decoded images: the one of the options, or the one that suits the images. Only a few of them are
    /// decoded.
    ///
    /// # Errors
    /// Returns [`SourceError::Size`] if the size is invalid.
    pub fn shape(&self) -> Result<ImageShape, SourceError> {
        if let Some(images) = &self.images {
            return Ok(shape::of_arrays(images.shape(), &self.decode));
        }
        let samples = self.listing.samples.iter();
        let files: Vec<PathBuf> = samples.map(|sample| self.listing.file(sample)).collect();
        shape::suitable(&files, &self.decode).map_err(|shape| SourceError::Size { shape })
    }

    /// Decodes the images to one shape, or reads them from the cache.
    ///
    /// # Errors
    /// - [`SourceError::ClassCount`] if there are fewer than two classes.
    /// - [`SourceError::NoImages`] if no image can be decoded, and [`SourceError::BadFiles`] if one cannot and the
    ///   decoding is strict.
    /// - [`SourceError::Size`] if the size is invalid.
    /// - [`SourceError::Memory`] if the images do not fit into memory without a cache.
    pub fn load(&self) -> Result<LoadedImages, SourceError> {
        self.load_with_progress(&mut |_, _| {})
    }

    /// Decodes the images like [`Source::load`]. `progress` receives the number of decoded images and of all images.
    ///
    /// # Errors
    /// Returns the errors of [`Source::load`].
    pub fn load_with_progress(
        &self,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<LoadedImages, SourceError> {
        load::load(self, progress)
    }

    /// Files of the source whose contents decide the images, with the paths to report them under.
    fn files(&self) -> Vec<(PathBuf, PathBuf)> {
        match self.images {
            None => {
                let samples = self.listing.samples.iter();
                samples
                    .map(|sample| (sample.path.clone(), self.listing.file(sample)))
                    .collect()
            }
            Some(_) => arrays::files(&self.listing),
        }
    }
}
