//! Training in memory, without the folder of a run.

use modiste_dataset::Dataset;
use modiste_model::{Architecture, Metadata, Network, Preprocessing};
use modiste_train::{Compute, Event, Next, TrainConfig, TrainData, fit, synthetic_pictures};
use serde_json::json;

use crate::VERSION;
use crate::error::Result;
use crate::run::SYNTHETIC_IMAGES;

/// Trains a network on the training images of a dataset with the kernel engine, and measures it after each epoch on the
/// validation images, or on the test images if there are none. The network is fitted to the images and classes of the
/// dataset; its initial weights depend on `config.seed`. If the images come from files, the network has the preprocessing
/// that decodes photos in the same way. The callback may stop the training; the network then has the weights of the last step.
///
/// To resume the training later, use [`Run`](crate::Run), which stores checkpoints in a folder.
///
/// # Errors
/// Returns [`Error::Architecture`](crate::Error::Architecture) if the layers do not fit the images, and
/// [`Error::Train`](crate::Error::Train) if a setting is out of range or the training diverges.
///
/// ```
/// use modiste_experiment::train;
/// use modiste_model::zoo;
/// use modiste_train::{Next, TrainConfig};
///
/// let mut data = modiste_dataset::fashion_mnist_mini();
/// data.train = data.train.first(100);
/// data.test = data.test.first(20);
/// let config = TrainConfig { epochs: 1, ..TrainConfig::default() };
/// let network = train(zoo::closet(), &data, &config, &mut |_| Next::Continue)?;
/// assert_eq!(network.metadata.classes.len(), 10);
/// # Ok::<(), modiste_experiment::Error>(())
/// ```
pub fn train(
    architecture: Architecture,
    data: &Dataset,
    config: &TrainConfig,
    on_event: &mut dyn FnMut(&Event<'_>) -> Next,
) -> Result<Network> {
    let architecture = architecture.fitted(data.train.shape(), data.classes.len());
    let metadata = Metadata {
        dataset: data.name.clone(),
        classes: data.classes.clone(),
        preprocessing: data.fit.map(Preprocessing::images),
        training: json!({
            "modiste": VERSION,
            "training_images": data.train.len(),
            "config": config,
        }),
        ..Metadata::default()
    };
    let mut network = Network::initialize(architecture, metadata, config.seed)?;
    let augmentation = config.augmentation.as_ref();
    let augmentation = augmentation.filter(|augmentation| augmentation.uses_pictures());
    let background = augmentation.map(|_| synthetic_pictures(SYNTHETIC_IMAGES, config.seed));
    let images = TrainData {
        train: &data.train,
        validation: data.validation.as_ref().unwrap_or(&data.test),
        cutouts: None,
        pictures: background.as_ref(),
    };
    fit(&mut network, images, config, &Compute::default(), on_event)?;
    Ok(network)
}
