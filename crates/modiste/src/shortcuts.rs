//! Common tasks with default settings. `modiste-experiment` has the functions with all settings.

use std::path::Path;

use modiste_dataset::{Dataset, read_labelled_folder};
use modiste_experiment::{
    ComputeChoice, DataSource, Measurement, PhotosReport, classify_photos, measure_images,
};
use modiste_infer::Classifier;
use modiste_model::Network;

use crate::error::Result;

/// Loads a dataset of the catalog: `fashion-mnist`, `mnist`, `cifar-100`, or `fashion-mnist-mini`, which is
/// embedded. Files are read from the folder that the environment variable `MODISTE_DATA` names, else from
/// `datasets`. With the feature `download`, missing files are downloaded.
///
/// # Errors
/// Returns [`Error::Experiment`](crate::Error::Experiment) if the name is unknown, or a file is missing or damaged.
pub fn load_dataset(name: &str) -> Result<Dataset> {
    Ok(DataSource::default().load_dataset(name, &mut |_| {})?)
}

/// Measures a network on the test images of a dataset.
///
/// # Errors
/// Returns [`Error::Experiment`](crate::Error::Experiment) if the network does not fit the images.
pub fn evaluate(network: &Network, data: &Dataset) -> Result<Measurement> {
    let setup = ComputeChoice::default().select()?;
    Ok(measure_images(
        network,
        &data.name,
        data.test.clone(),
        false,
        &setup,
    )?)
}

/// Classifies a folder of labelled photos: class folders, or a `labels.csv` with the columns `file` and
/// `label`. A photo that cannot be read does not stop the others: it is listed in
/// [`PhotosReport::failed`].
///
/// # Errors
/// Returns [`Error::Experiment`](crate::Error::Experiment) if the folder contains no labels.
pub fn classify_folder(classifier: &mut Classifier, folder: &Path) -> Result<PhotosReport> {
    let labels = read_labelled_folder(folder, &classifier.network().metadata.classes)
        .map_err(modiste_experiment::Error::from)?;
    Ok(classify_photos(
        classifier,
        folder,
        &labels,
        false,
        &mut |_| {},
    ))
}
