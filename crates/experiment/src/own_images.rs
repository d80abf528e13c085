//! Own images: a folder, a table or an array file instead of a dataset of the catalog.

use std::path::{Path, PathBuf};

use modiste_core::Fit;
use modiste_dataset::{
    CacheOptions, ColumnValue, DecodeOptions, FileDecoder, ImageShape, ImageSource,
    InvalidColumnValue, Listing, LoadedImages, SourceKind, SourceOptions, lookup, open_source,
};
use modiste_infer::preprocess;
use modiste_model::{Network, Preprocessing, Step};
use serde::{Deserialize, Serialize};

use crate::class_map::ClassMap;
use crate::error::{Error, Result};
use crate::spread::spread;
use crate::warning::Warning;

/// Fraction of the images that a source without a test part is tested on.
pub(crate) const TEST_FRACTION: f64 = 0.1;

/// Own images: where they are, and how they are read and decoded. The record of a run stores it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnImages {
    /// Folder of class folders, table (CSV or TSV), `.npz` file, or folder of IDX or CIFAR files. An absolute path in
    /// the record of a run.
    pub path: PathBuf,
    /// Column of the table with the classes, instead of `label`, `class` or `category`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_column: Option<String>,
    /// Column of the table with groups, such as persons or scenes. The images of a group stay in one part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_column: Option<String>,
    /// Names of classes that are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude_classes: Vec<String>,
    /// Lines of the table that are left out, as `column=value`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude_rows: Vec<String>,
    /// Names of classes whose images belong to none of the network's classes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outlier_classes: Vec<String>,
    /// Dataset of the catalog whose training images are cut-outs: they are trained on too, rendered as photos, and the
    /// classes of the network are its classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cutouts: Option<String>,
    /// Height, width and channels of the decoded images.
    pub shape: [usize; 3],
    /// Way to bring images to that size.
    pub fit: Fit,
    /// Preprocessing that decodes files instead of `fit`: that of the model that the training starts from. It makes one
    /// view of an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decoder: Option<Preprocessing>,
    /// Averages the predictions of the model for a photo and its mirror image.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mirror: bool,
    /// Rejects images that cannot be decoded, instead of leaving them out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strict: bool,
}

impl OwnImages {
    /// Lists the images at `path`, and chooses the shape that suits them unless `decode` gives it. `decoder` is a
    /// preprocessing that decodes files, and has no effect on arrays.
    ///
    /// # Errors
    /// Returns [`Error::Source`](crate::Error::Source) if the path cannot be read as a source of labelled images.
    pub fn open(
        path: PathBuf,
        options: &SourceOptions,
        decode: &DecodeOptions,
        decoder: Option<Preprocessing>,
    ) -> Result<(Self, ImageSource)> {
        let source = open_source(&path, options)?;
        let decoder = decoder.filter(|_| !source.listing().kind.is_arrays());
        let source = source.decoded_with(DecodeOptions {
            decoder: decoder.as_ref().map(file_decoder),
            ..decode.clone()
        });
        let shape = source.shape()?;
        let own = Self {
            path,
            label_column: options.label_column.clone(),
            group_column: options.group_column.clone(),
            exclude_classes: options.exclude_classes.clone(),
            exclude_rows: options
                .exclude_rows
                .iter()
                .map(ToString::to_string)
                .collect(),
            outlier_classes: Vec::new(),
            cutouts: None,
            shape: [shape.height, shape.width, shape.channels],
            fit: decode.fit,
            decoder,
            mirror: false,
            strict: decode.strict,
        };
        Ok((own, source))
    }

    /// Lists the images again, to be decoded to the same shape.
    ///
    /// # Errors
    /// Returns [`Error::Source`](crate::Error::Source) if the path cannot be read as a source of labelled images.
    pub(crate) fn source(&self, cache: &CacheOptions) -> Result<ImageSource> {
        let options = SourceOptions {
            exclude_classes: self.exclude_classes.clone(),
            exclude_rows: column_values(self.exclude_rows.iter().map(String::as_str))?,
            label_column: self.label_column.clone(),
            group_column: self.group_column.clone(),
        };
        let decode = DecodeOptions {
            strict: self.strict,
            cache: cache.clone(),
            decoder: self.decoder.as_ref().map(file_decoder),
            ..DecodeOptions::exactly(self.image_shape(), self.fit)
        };
        Ok(open_source(&self.path, &options)?.decoded_with(decode))
    }

    /// Classes of a network that is trained on the images, and their labels.
    ///
    /// # Errors
    /// Returns [`Error::Setting`] if the classes do not fit the outliers or the cut-outs, and [`Error::Dataset`] if the
    /// dataset of cut-outs is unknown.
    pub fn class_map(&self, listing: &Listing) -> Result<ClassMap> {
        let cutouts = self.cutouts.as_deref().map(lookup).transpose();
        let cutouts = cutouts.map_err(Error::dataset(Path::new("")))?;
        ClassMap::new(&listing.classes, &self.outlier_classes, cutouts)
    }

    /// Name of the dataset in records and models: that of the folder, also of the folder of a table, or of the file.
    pub fn name(&self, listing: &Listing) -> String {
        let absolute = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        let folder = absolute
            .parent()
            .filter(|_| listing.kind == SourceKind::Table);
        let named = folder.unwrap_or(&absolute);
        let name = match named.is_dir() {
            true => named.file_name(),
            false => named.file_stem(),
        };
        name.map_or_else(
            || listing.name.clone(),
            |name| name.to_string_lossy().into_owned(),
        )
    }

    /// Preprocessing of a model that is trained on the images: a file gives the same bytes as in training, and those of
    /// the mirror image if it is averaged.
    pub fn preprocessing(&self) -> Preprocessing {
        let decoder = self.decoder.clone();
        let preprocessing = decoder.unwrap_or_else(|| Preprocessing::images(self.fit));
        match self.mirror {
            true => preprocessing.mirrored(),
            false => preprocessing,
        }
    }

    /// Shape of the decoded images.
    pub fn image_shape(&self) -> ImageShape {
        self.shape.into()
    }
}

/// Parses values of columns, each `column=value`.
pub(crate) fn column_values<'a>(rows: impl Iterator<Item = &'a str>) -> Result<Vec<ColumnValue>> {
    rows.map(|row| row.parse())
        .collect::<std::result::Result<_, _>>()
        .map_err(|error: InvalidColumnValue| Error::setting(error.to_string()))
}

/// Decodes files by a preprocessing that makes one view.
fn file_decoder(preprocessing: &Preprocessing) -> FileDecoder {
    let description = serde_json::to_string(preprocessing).expect("plain data");
    let preprocessing = preprocessing.clone();
    FileDecoder::new(description, move |bytes, shape| {
        let views = preprocess(bytes, &preprocessing, shape);
        let views = views.map_err(|error| error.to_string())?;
        Ok(views.into_iter().next().unwrap_or_default())
    })
}

/// Returns the fit of a preprocessing for image files, with or without mirror images; `None` for any other preprocessing.
pub(crate) fn fit_of(preprocessing: &Preprocessing) -> Option<Fit> {
    match preprocessing.steps[..] {
        [Step::Decode, Step::Fit { mode }] | [Step::Decode, Step::Fit { mode }, Step::Mirror] => {
            Some(mode)
        }
        _ => None,
    }
}

/// Returns whether a network was trained on image files, and averages its predictions for a photo and its mirror image.
pub(crate) fn mirrors_images(network: &Network) -> bool {
    let preprocessing = network.metadata.preprocessing.as_ref();
    preprocessing.is_some_and(|preprocessing| {
        fit_of(preprocessing).is_some() && preprocessing.steps.contains(&Step::Mirror)
    })
}

/// Returns the way to decode own images for a network: its size and its preprocessing, made to give one view, unless
/// they are given. With another size or fit, images are only fitted.
pub(crate) fn decoding_for(
    network: &Network,
    size: Option<[usize; 2]>,
    fit: Option<Fit>,
) -> (DecodeOptions, Option<Preprocessing>) {
    let mut input: ImageShape = network.architecture.input.into();
    [input.height, input.width] = size.unwrap_or([input.height, input.width]);
    let preprocessing = network.metadata.preprocessing.as_ref();
    let of_network = preprocessing.and_then(fit_of);
    let options = DecodeOptions::exactly(input, fit.or(of_network).unwrap_or_default());
    let keeps_all = size.is_none() && fit.is_none() && of_network.is_none();
    let kept = preprocessing.filter(|_| keeps_all);
    (options, kept.map(Preprocessing::single_view))
}

/// Files of images, one per image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageFiles {
    /// Folder that the paths are relative to.
    pub root: PathBuf,
    /// Path of each image, relative to the root unless it is elsewhere. For arrays of images, the path of the array and
    /// the position in it.
    pub paths: Vec<PathBuf>,
}

impl ImageFiles {
    /// Returns the files of those images that [`spread_images`](crate::spread::spread_images) chooses.
    pub(crate) fn spread(self, count: usize) -> Self {
        let Self { root, paths } = self;
        let chosen = spread(paths.len(), count).map(|index| paths[index].clone());
        Self {
            root,
            paths: chosen.collect(),
        }
    }
}

/// Decodes the images of a source, or reads them from the cache, and passes on its warnings.
///
/// # Errors
/// Returns [`Error::Source`](crate::Error::Source) if no image can be decoded or there is not enough memory.
pub(crate) fn load(
    source: &ImageSource,
    on_progress: Option<&OnProgress<'_>>,
    on_warning: &mut dyn FnMut(Warning),
) -> Result<LoadedImages> {
    let loaded = source.load_with_progress(&mut |done, all| {
        if let Some(on_progress) = on_progress {
            on_progress(done, all);
        }
    })?;
    for warning in &loaded.warnings {
        on_warning(Warning::Source(warning.clone()));
    }
    if !loaded.bad.is_empty() {
        on_warning(Warning::BadFiles(loaded.bad.clone()));
    }
    Ok(loaded)
}

/// Function that receives the number of decoded images and of all images.
pub type OnProgress<'a> = dyn Fn(usize, usize) + 'a;
