//! Checks that a network, images and a checkpoint are compatible.

use modiste_dataset::Images;
use modiste_model::NetworkPlan;

use crate::augment::Augmentation;
use crate::checkpoint::Checkpoint;
use crate::config::TrainConfig;
use crate::data::TrainData;
use crate::error::TrainError;
use crate::sampling::OUTLIER;

/// Checks that a network with `classes` class names can be trained on `data` with `config`.
pub(crate) fn check_data(
    plan: &NetworkPlan,
    classes: usize,
    data: TrainData<'_>,
    config: &TrainConfig,
) -> Result<(), TrainError> {
    check_shapes(plan, data.train, classes, Some(OUTLIER))?;
    if data.train.labels().iter().all(|label| *label == OUTLIER) {
        return Err(TrainError::Config {
            problem: "none of the training images belongs to a class".into(),
        });
    }
    check_shapes(plan, data.validation, classes, None)?;
    if let Some(cutouts) = data.cutouts {
        check_labels(cutouts, classes, None)?;
    }
    config.check_network(plan)?;
    check_augmentation(data, config)
}

impl TrainConfig {
    /// Checks that the configuration fits the classes and layers of a network.
    ///
    /// # Errors
    /// Returns [`TrainError::Config`] if the number of class weights is another than that of the classes, or no layer is
    /// left to train.
    pub fn check_network(&self, plan: &NetworkPlan) -> Result<(), TrainError> {
        self.class_weights.check_classes(plan.classes())?;
        check_layers(plan, self)
    }
}

/// Checks that the augmentation supports the images.
pub(crate) fn check_augmentation(
    data: TrainData<'_>,
    config: &TrainConfig,
) -> Result<(), TrainError> {
    check_cutouts(data, config)?;
    match &config.augmentation {
        None => Ok(()),
        Some(Augmentation::Images(_)) => match data.train.shape().channels {
            1 | 3 => Ok(()),
            channels => Err(TrainError::Config {
                problem: format!(
                    "augmentation requires images with 1 or 3 channels, but the training images have {channels}"
                ),
            }),
        },
        Some(Augmentation::Clothes(_)) => {
            check_gray("the training images", data.train)?;
            data.pictures
                .map_or(Ok(()), |pictures| check_gray("the pictures", pictures))
        }
    }
}

/// Checks that there are the cut-outs that the configuration renders.
fn check_cutouts(data: TrainData<'_>, config: &TrainConfig) -> Result<(), TrainError> {
    let refuse = |problem: String| Err(TrainError::Config { problem });
    let has = |images: Option<&Images>| images.is_some_and(|images| !images.is_empty());
    let sampling = &config.sampling;
    if sampling.cutouts + sampling.scenes > 0.0 && !has(data.cutouts) {
        return refuse("the sampling has cut-outs or scenes, but there are no cut-outs".into());
    }
    match (data.cutouts, data.train.shape().channels) {
        (None, _) | (_, 1 | 3) => {}
        (_, channels) => {
            return refuse(format!(
                "cut-outs are rendered as gray or RGB images, but the training images have {channels} channels"
            ));
        }
    }
    match data.cutouts.map(|cutouts| cutouts.shape().channels) {
        None | Some(1) => Ok(()),
        Some(channels) => refuse(format!(
            "cut-outs are gray images on black, but these have {channels} channels"
        )),
    }
}

/// Checks that a run on `training_images` images and this network can resume from `checkpoint`.
pub(crate) fn check_checkpoint(
    plan: &NetworkPlan,
    training_images: usize,
    checkpoint: &Checkpoint,
) -> Result<(), TrainError> {
    let reject = |problem: String| Err(TrainError::Checkpoint { problem });
    let (trainable, running_stats) = (plan.trainable_len(), plan.running_stats_len());
    let Checkpoint {
        config,
        parameters,
        averages,
        best,
        ..
    } = checkpoint;
    for parameters in [Some(parameters), averages.as_ref(), best.as_ref()]
        .into_iter()
        .flatten()
    {
        let lengths = [parameters.trainable.len(), parameters.running_stats.len()];
        if lengths != [trainable, running_stats] {
            return reject(format!(
                "it has {} trainable parameters and {} running statistics, but the network has {trainable} \
                 and {running_stats}",
                lengths[0], lengths[1]
            ));
        }
    }
    let (found, expected) = (
        checkpoint.optimizer_state.len(),
        config.optimizer.state_len(trainable),
    );
    if found != expected {
        return reject(format!(
            "its optimizer state has {found} numbers, but {} needs {expected}",
            config.optimizer.name()
        ));
    }
    if averages.is_some() != config.ema_decay.is_some() {
        return reject(match averages {
            Some(_) => "it has averaged weights, but its configuration does not".into(),
            None => "it has no averaged weights, but its configuration asks for them".into(),
        });
    }
    let has_best = config.patience.is_some() && !checkpoint.history.is_empty();
    if best.is_some() != has_best {
        return reject(match best {
            Some(_) => {
                "it has weights of a best epoch, but its configuration has no patience".into()
            }
            None => "it has no weights of a best epoch".into(),
        });
    }
    if checkpoint.training_images != training_images {
        return reject(format!(
            "it belongs to a run on {} training images, but there are {training_images}",
            checkpoint.training_images
        ));
    }
    let epochs = checkpoint.position.epochs_done;
    if epochs != checkpoint.history.len() || epochs > checkpoint.config.epochs {
        return reject(format!(
            "its history has {} epochs, but {epochs} of {} are done",
            checkpoint.history.len(),
            checkpoint.config.epochs
        ));
    }
    Ok(())
}

/// Checks that the network has the layers that the configuration counts, and that something is left to train.
fn check_layers(plan: &NetworkPlan, config: &TrainConfig) -> Result<(), TrainError> {
    let frozen_layers = config.frozen_layers;
    let layers = plan.layers.len();
    let problem = if config.pretrained_layers > layers {
        let pretrained = config.pretrained_layers;
        format!("{pretrained} layers are pretrained, but the network has only {layers}")
    } else if frozen_layers >= layers {
        format!("{frozen_layers} layers are frozen, but the network has only {layers}")
    } else if plan.trainable_before(frozen_layers).len() == plan.trainable_len() {
        format!("no layer after the {frozen_layers} frozen ones has trainable parameters")
    } else {
        return Ok(());
    };
    Err(TrainError::Config { problem })
}

/// Checks that the augmentation for clothes supports the images.
fn check_gray(what: &str, images: &Images) -> Result<(), TrainError> {
    match images.shape().channels {
        1 => Ok(()),
        channels => Err(TrainError::Config {
            problem: format!(
                "augmentation `clothes` requires gray images, but {what} have {channels} channels"
            ),
        }),
    }
}

/// Checks that `images` have the network's input shape, that `classes` is its number of classes, and
/// that every label is a class or `other`.
pub(crate) fn check_shapes(
    plan: &NetworkPlan,
    images: &Images,
    classes: usize,
    other: Option<u16>,
) -> Result<(), TrainError> {
    if images.shape() != plan.input {
        return Err(TrainError::Shape {
            network: plan.input,
            data: images.shape(),
        });
    }
    if classes != plan.classes() {
        return Err(TrainError::ClassCount {
            network: plan.classes(),
            data: classes,
        });
    }
    check_labels(images, classes, other)
}

/// Checks that there are images, and that every label is a class or `other`.
fn check_labels(images: &Images, classes: usize, other: Option<u16>) -> Result<(), TrainError> {
    let mut labels = images.labels().iter();
    let invalid = labels.find(|&&label| usize::from(label) >= classes && Some(label) != other);
    match (images.is_empty(), invalid) {
        (true, _) => Err(TrainError::Config {
            problem: "there are no images".into(),
        }),
        (_, Some(label)) => Err(TrainError::Config {
            problem: format!("label {label} is out of range for {classes} classes"),
        }),
        _ => Ok(()),
    }
}
