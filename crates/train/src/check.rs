//! Whether a network, images and a checkpoint belong together.

use modiste_dataset::Images;
use modiste_model::Resolved;

use crate::checkpoint::Checkpoint;
use crate::config::TrainConfig;
use crate::data::TrainData;
use crate::error::TrainError;

/// Whether a network for so many classes can be trained on these images in this way.
pub(crate) fn check_data(
    resolved: &Resolved,
    classes: usize,
    data: TrainData<'_>,
    config: &TrainConfig,
) -> Result<(), TrainError> {
    for images in [data.train, data.validation] {
        check_shapes(resolved, images, classes)?;
    }
    if config.augmentation.is_some() {
        check_gray("the training images", data.train)?;
        data.pictures
            .map_or(Ok(()), |pictures| check_gray("the pictures", pictures))?;
    }
    Ok(())
}

/// Whether a training of so many images on this network can go on from here.
pub(crate) fn check_checkpoint(
    resolved: &Resolved,
    training_images: usize,
    checkpoint: &Checkpoint,
) -> Result<(), TrainError> {
    let refuse = |problem: String| Err(TrainError::Checkpoint { problem });
    let numbers = [
        checkpoint.parameters.trainable.len(),
        checkpoint.parameters.statistics.len(),
        checkpoint.optimizer_state.len(),
    ];
    let (trainable, statistics) = (resolved.trainable_len(), resolved.statistics_len());
    if numbers != [trainable, statistics, trainable] {
        return refuse(format!(
            "it is of a network with {} trainable numbers and {} statistics, and this one has \
             {trainable} and {statistics}",
            numbers[0], numbers[1]
        ));
    }
    if checkpoint.training_images != training_images {
        return refuse(format!(
            "it is of a training on {} images, and there are {training_images}",
            checkpoint.training_images
        ));
    }
    let epochs = checkpoint.position.epochs_done;
    if epochs != checkpoint.history.len() || epochs > checkpoint.config.epochs {
        return refuse(format!(
            "it has a history of {} epochs, {epochs} behind it and {} in all",
            checkpoint.history.len(),
            checkpoint.config.epochs
        ));
    }
    Ok(())
}

/// Whether augmentation can work with these images.
fn check_gray(what: &str, images: &Images) -> Result<(), TrainError> {
    match images.shape().channels {
        1 => Ok(()),
        channels => Err(TrainError::Config {
            problem: format!(
                "augmentation is for gray images, and {what} have {channels} channels"
            ),
        }),
    }
}

/// Whether a network can take these images and tell so many classes apart.
pub(crate) fn check_shapes(
    resolved: &Resolved,
    images: &Images,
    classes: usize,
) -> Result<(), TrainError> {
    if images.shape() != resolved.input {
        return Err(TrainError::Shape {
            network: resolved.input,
            data: images.shape(),
        });
    }
    if classes != resolved.classes() {
        return Err(TrainError::Mismatch {
            network: resolved.classes(),
            data: classes,
        });
    }
    let beyond = images
        .labels()
        .iter()
        .find(|&&label| usize::from(label) >= classes);
    match (images.is_empty(), beyond) {
        (true, _) => Err(TrainError::Config {
            problem: "there is no image".into(),
        }),
        (_, Some(label)) => Err(TrainError::Config {
            problem: format!("label {label} is none of {classes} classes"),
        }),
        _ => Ok(()),
    }
}
