//! Test images among own images, for a network that was trained before.

use std::path::Path;

use modiste_dataset::{Images, Part, SourceOptions, find_class, is_other};
use modiste_model::Network;

use crate::data::DataSource;
use crate::error::{Error, Result};
use crate::own_images::{ImageFiles, OwnImages, decoding_for, load};
use crate::run::{Record, own_test_part};
use crate::warning::Warning;

/// Test images with the labels of a network.
pub(crate) struct OwnTest {
    pub(crate) name: String,
    pub(crate) images: Images,
    pub(crate) files: ImageFiles,
}

/// Returns the images that the run of `record` was tested on, if they are own images.
///
/// # Errors
/// Returns [`Error::Source`] if the images cannot be read, and [`Error::Setting`] if they have changed.
pub(crate) fn test_images_of_run(
    record: &Record,
    data: &DataSource<'_>,
    on_warning: &mut dyn FnMut(Warning),
) -> Result<Option<OwnTest>> {
    let plan = record.plan();
    let Some(own) = &record.own_images else {
        return Ok(None);
    };
    let (images, files) = own_test_part(&plan, own, data, on_warning)?;
    Ok(Some(OwnTest {
        name: plan.dataset.clone(),
        images,
        files,
    }))
}

/// Returns the test part of the own images at `path`, or else the validation part, or all of them if they have no parts,
/// with the labels of the network. Images of the classes `outliers` and of `other` are left out.
///
/// # Errors
/// Returns [`Error::Source`] if the images cannot be read, and [`Error::Setting`] if they have a class that the network
/// does not know, or are for training only.
pub(crate) fn test_images_of_path(
    network: &Network,
    path: &Path,
    outliers: &[String],
    source: &SourceOptions,
    data: &DataSource<'_>,
    on_warning: &mut dyn FnMut(Warning),
) -> Result<OwnTest> {
    let (mut decode, decoder) = decoding_for(network, None, None);
    decode.cache = data.cache_options();
    let (own, source) = OwnImages::open(path.into(), source, &decode, decoder)?;
    let loaded = load(&source, data.on_progress, on_warning)?;
    let samples = &loaded.listing.samples;
    let of_part = |part: Option<Part>| -> Vec<usize> {
        let is_of_part = |index: &usize| samples[*index].part == part;
        (0..samples.len()).filter(is_of_part).collect()
    };
    let indices = [Some(Part::Test), Some(Part::Validation), None]
        .into_iter()
        .map(of_part)
        .find(|indices| !indices.is_empty());
    let indices = indices.ok_or_else(|| {
        Error::setting(format!(
            "{}: all images are to train on; name a folder with images to test on, or that of the classes itself",
            modiste_core::shown(path)
        ))
    })?;
    let known = &network.metadata.classes;
    // `None` for images that belong to no class.
    let label = |class: &String| -> Result<Option<u16>> {
        if outliers.contains(class) || is_other(class, known) {
            return Ok(None);
        }
        let label = find_class(class, known).ok();
        let label = label.and_then(|label| u16::try_from(label).ok());
        label.map(Some).ok_or_else(|| {
            Error::setting(format!(
                "{}: the network does not know the class `{class}`; it knows {}",
                modiste_core::shown(path),
                known.join(", ")
            ))
        })
    };
    let classes = loaded.listing.classes.iter();
    let labels: Vec<Option<u16>> = classes.map(label).collect::<Result<_>>()?;
    let label_of = |index: &usize| labels[usize::from(samples[*index].label)];
    let indices: Vec<usize> = indices
        .into_iter()
        .filter(|index| label_of(index).is_some())
        .collect();
    if indices.is_empty() {
        return Err(Error::setting(format!(
            "{}: none of the images belongs to a class of the network",
            modiste_core::shown(path)
        )));
    }
    let of_network = indices.iter().filter_map(label_of);
    Ok(OwnTest {
        name: own.name(&loaded.listing),
        images: loaded
            .images
            .subset(&indices)
            .with_labels(of_network.collect()),
        files: ImageFiles {
            root: loaded.listing.root.clone(),
            paths: indices
                .iter()
                .map(|&index| samples[index].path.clone())
                .collect(),
        },
    })
}
