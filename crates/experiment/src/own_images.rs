//! Own images: a folder, a table or an array file instead of a dataset of the catalog.

use std::path::PathBuf;

use modiste_core::Fit;
use modiste_dataset::{
    CacheOptions, DecodeOptions, ImageShape, ImageSource, Listing, LoadedImages, SourceKind,
    SourceOptions, open_source,
};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::warning::Warning;

/// Own images: where they are, and how they are read and decoded. The record of a run stores it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Height, width and channels of the decoded images.
    pub shape: [usize; 3],
    /// Way to bring images to that size.
    pub fit: Fit,
    /// Rejects images that cannot be decoded, instead of leaving them out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strict: bool,
}

impl OwnImages {
    /// Lists the images at `path`, and chooses the shape that suits them unless `decode` gives it.
    ///
    /// # Errors
    /// Returns [`Error::Source`](crate::Error::Source) if the path cannot be read as a source of labelled images.
    pub fn open(
        path: PathBuf,
        options: &SourceOptions,
        decode: &DecodeOptions,
    ) -> Result<(Self, ImageSource)> {
        let source = open_source(&path, options)?.decoded_with(decode.clone());
        let shape = source.shape()?;
        let own = Self {
            path,
            label_column: options.label_column.clone(),
            group_column: options.group_column.clone(),
            exclude_classes: options.exclude_classes.clone(),
            shape: [shape.height, shape.width, shape.channels],
            fit: decode.fit,
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
            label_column: self.label_column.clone(),
            group_column: self.group_column.clone(),
        };
        let decode = DecodeOptions {
            strict: self.strict,
            cache: cache.clone(),
            ..DecodeOptions::exactly(self.image_shape(), self.fit)
        };
        Ok(open_source(&self.path, &options)?.decoded_with(decode))
    }

    /// Name of the dataset in records and models: that of the folder, also of the folder of a table, or of the file.
    pub fn name(&self, listing: &Listing) -> String {
        let folder = self
            .path
            .parent()
            .filter(|_| listing.kind == SourceKind::Table);
        let named = folder.unwrap_or(&self.path);
        let absolute = std::path::absolute(named).unwrap_or_else(|_| named.into());
        let name = match absolute.is_dir() {
            true => absolute.file_name(),
            false => absolute.file_stem(),
        };
        name.map_or_else(
            || listing.name.clone(),
            |name| name.to_string_lossy().into_owned(),
        )
    }

    /// Shape of the decoded images.
    pub fn image_shape(&self) -> ImageShape {
        self.shape.into()
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
