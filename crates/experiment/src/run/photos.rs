//! Result of the finished network on a folder of labelled photos.

use std::fmt;
use std::path::{Path, PathBuf};

use modiste_core::shown;
use modiste_dataset::{LabelledFile, read_labelled_folder};
use modiste_infer::Classifier;
use modiste_metrics::{Confusion, wilson_interval};
use modiste_model::Network;
use serde::{Deserialize, Serialize};

use crate::classify::classify_files;
use crate::compute::kernel_options;
use crate::error::{Error, Result};
use crate::warning::Warning;

/// Result on labelled photos.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PhotosResult {
    /// Folder of the photos.
    pub folder: String,
    /// Number of photos that could be read.
    pub photos: usize,
    /// Number of photos that could not be read.
    pub unreadable: usize,
    /// Number of correctly classified photos.
    pub right: usize,
    /// 95 % confidence interval of the accuracy (Wilson), 0 to 1.
    pub interval: [f64; 2],
    /// Name of the preprocessing of the photos.
    pub preprocessing: String,
}

impl fmt::Display for PhotosResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { right, photos, .. } = self;
        write!(f, "{right} of {photos} photos are classified correctly")?;
        match self.unreadable {
            0 => Ok(()),
            unreadable => write!(f, ", {unreadable} could not be read"),
        }
    }
}

/// Reads the labels of the photos in `folder`. `classes` are the names of the classes.
///
/// # Errors
/// Returns [`Error::LabelsFile`] if there are no labels and [`Error::Labels`] if one of them is invalid.
pub(super) fn read_photos(
    folder: &Path,
    classes: &[String],
    on_warning: &mut dyn FnMut(Warning),
) -> Result<Vec<LabelledFile>> {
    let labels = read_labelled_folder(folder, classes)?;
    Warning::of_labels(&labels).into_iter().for_each(on_warning);
    match labels.errors.is_empty() {
        true if labels.photos.is_empty() => Err(Error::setting(format!(
            "{}: none of the photos belongs to a class",
            shown(folder)
        ))),
        true => Ok(labels.photos),
        false => Err(Error::Labels {
            errors: labels.errors,
        }),
    }
}

/// Classifies the photos of `folder` with the preprocessing that is stored in the network. A photo that cannot
/// be read is reported and does not count.
///
/// # Errors
/// Returns [`Error::Classifier`] if the network is not a classifier of images.
pub(super) fn photos_result(
    network: &Network,
    folder: &Path,
    photos: &[LabelledFile],
    on_warning: &mut dyn FnMut(Warning),
) -> Result<PhotosResult> {
    let mut classifier = Classifier::with_kernels(network.clone(), &kernel_options()?)?;
    let mut confusion = Confusion::new(network.metadata.classes.clone());
    let paths: Vec<PathBuf> = photos
        .iter()
        .map(|photo| folder.join(&photo.file))
        .collect();
    for (index, classified) in classify_files(&mut classifier, &paths, None) {
        match classified {
            Ok(found) => {
                if let Some(reason) = found.warning {
                    let path = paths[index].clone();
                    on_warning(Warning::Image { path, reason });
                }
                confusion.add(photos[index].class, found.ranked[0].index);
            }
            Err(error) => on_warning(Warning::LeftOut(error)),
        }
    }
    let (right, read) = (confusion.correct(), confusion.total());
    Ok(PhotosResult {
        folder: folder.display().to_string(),
        photos: read,
        unreadable: photos.len() - read,
        right,
        interval: wilson_interval(right, read),
        preprocessing: classifier.preprocessing().to_string(),
    })
}
