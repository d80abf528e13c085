//! How many photos of a folder the finished network tells right, as `modiste photos` counts them.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use modiste_dataset::LabelledFile;
use modiste_infer::Classifier;
use modiste_metrics::{Confusion, wilson_interval};
use modiste_model::Network;
use serde::{Deserialize, Serialize};

use crate::classify::classify_files;
use crate::compute::kernel_options;
use crate::messages::say;
use modiste_core::shown;

/// What the final weights make of photos.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PhotosResult {
    folder: String,
    /// Those that could be read.
    photos: usize,
    /// Those that could not.
    unreadable: usize,
    right: usize,
    /// The accuracy's 95 % confidence interval, 0 to 1.
    interval: [f64; 2],
    /// What the photos went through.
    preprocessing: String,
}

impl fmt::Display for PhotosResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} photos are right", self.right, self.photos)?;
        match self.unreadable {
            0 => Ok(()),
            unreadable => write!(f, ", {unreadable} could not be read"),
        }
    }
}

/// Classifies the photos of `folder` with the preprocessing that the network is stored with. A photo
/// that cannot be read is told and not counted.
///
/// # Errors
/// Where the network makes no classifier.
pub(crate) fn photos_result(
    network: &Network,
    folder: &Path,
    photos: &[LabelledFile],
) -> Result<PhotosResult> {
    let mut classifier = Classifier::with_kernels(network.clone(), &kernel_options(false)?)?;
    let mut confusion = Confusion::new(network.metadata.classes.clone());
    let paths: Vec<PathBuf> = photos
        .iter()
        .map(|photo| folder.join(&photo.file))
        .collect();
    classify_files(&mut classifier, &paths, None, |index, classified| {
        match classified {
            Ok(found) => confusion.add(photos[index].class, found.ranked[0].index),
            Err(error) => {
                let path = shown(&paths[index]);
                say(format_args!("warning: left out {path}: {error:#}"));
            }
        }
        Ok(())
    })?;
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
