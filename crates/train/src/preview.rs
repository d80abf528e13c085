//! Training images as the network receives them.

use modiste_core::ImageShape;
use modiste_dataset::{Batch, Batches, Images, MixedLabel};

use crate::check::check_augmentation;
use crate::config::TrainConfig;
use crate::data::TrainData;
use crate::error::TrainError;
use crate::fit::{InMemory, augmented, batches, drawn};

/// First images of the first batch of a training run. All parts have the same order.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// Images without augmentation. Cut-outs are black.
    pub originals: Images,
    /// Images as the network receives them: augmented, flipped and mixed.
    pub augmented: Images,
    /// Second label of each image, if the augmentation mixes images.
    pub mixed: Option<Vec<MixedLabel>>,
}

/// Returns the first `count` images of the first batch of a run with `config` on `data`, before and after augmentation;
/// fewer if the batch is smaller.
///
/// # Errors
/// Returns [`TrainError::Config`] if the configuration is invalid, the augmentation does not support the images or there
/// are none, and [`TrainError::Images`] if images cannot be read.
///
/// ```
/// use modiste_train::{Augmentation, TrainConfig, TrainData, preview};
///
/// let images = modiste_dataset::fashion_mnist_mini().train.first(20);
/// let config = TrainConfig {
///     augmentation: Some(Augmentation::light(images.shape())),
///     ..TrainConfig::default()
/// };
/// let data = TrainData { train: &images, validation: &images, cutouts: None, pictures: None };
/// let preview = preview(&config, data, 6)?;
/// assert_eq!((preview.originals.len(), preview.augmented.len()), (6, 6));
/// assert_eq!(preview.originals.labels(), preview.augmented.labels());
/// assert_ne!(preview.originals, preview.augmented);
/// # Ok::<(), modiste_train::TrainError>(())
/// ```
pub fn preview(
    config: &TrainConfig,
    data: TrainData<'_>,
    count: usize,
) -> Result<Preview, TrainError> {
    config.check()?;
    check_augmentation(data, config)?;
    let in_memory = InMemory::of(data, config)?;
    let data = in_memory.data(data);
    let empty = || TrainError::Config {
        problem: "there are no images".into(),
    };
    let shape = data.train.shape();
    let (mut plain, _) = drawn(config, data, config.batch_size, 0);
    let originals = first(&plain.next_batch()?.ok_or_else(empty)?, shape, count);
    let mut augmented = batches(config, data, config.batch_size, 0);
    let batch = augmented.next_batch()?.ok_or_else(empty)?;
    let mixed = batch
        .mixed
        .map(|mixed| mixed.iter().take(count).copied().collect());
    Ok(Preview {
        originals,
        augmented: first(&batch, shape, count),
        mixed,
    })
}

/// Returns the cut-outs at `indices` as the network receives them in the first epoch: rendered, augmented and flipped, but
/// not mixed.
///
/// # Errors
/// Returns [`TrainError::Config`] if the configuration is invalid, or there are no cut-outs or no settings for them, and
/// [`TrainError::Images`] if images cannot be read.
///
/// # Panics
/// If an index is not below the number of cut-outs.
pub fn preview_cutouts(
    config: &TrainConfig,
    data: TrainData<'_>,
    indices: &[usize],
) -> Result<Images, TrainError> {
    config.check()?;
    check_augmentation(data, config)?;
    let (Some(cutouts), true) = (data.cutouts, config.cutouts.is_some()) else {
        return Err(TrainError::Config {
            problem: "there are no cut-outs".into(),
        });
    };
    let in_memory = InMemory::of(data, config)?;
    let data = in_memory.data(data);
    let labels: Vec<u16> = indices
        .iter()
        .map(|&index| cutouts.labels()[index])
        .collect();
    let order: Vec<usize> = indices
        .iter()
        .map(|index| data.train.len() + index)
        .collect();
    let batches = Batches::drawn(data.train, indices.len().max(1), order.clone(), labels);
    let mut batches = augmented(batches, Some(order), config, data, 0);
    Ok(match batches.next_batch()? {
        Some(batch) => first(&batch, data.train.shape(), indices.len()),
        None => data.train.first(0),
    })
}

/// First `count` images of a batch, as bytes.
fn first(batch: &Batch<'_>, shape: ImageShape, count: usize) -> Images {
    let count = count.min(batch.labels.len());
    let values = &batch.images[..count * shape.size()];
    // The inverse of `normalize`; it is exact.
    let pixels = values.iter().map(|value| (255.0 * value).round() as u8);
    Images::new(shape, pixels.collect(), batch.labels[..count].to_vec())
        .expect("one image per label")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::Augmentation;

    #[test]
    fn shows_the_images_of_the_first_batch() {
        let images = modiste_dataset::fashion_mnist_mini().train.first(30);
        let data = TrainData {
            train: &images,
            validation: &images,
            cutouts: None,
            pictures: None,
        };
        let config = TrainConfig {
            batch_size: 20,
            ..TrainConfig::default()
        };
        let plain = preview(&config, data, 50).expect("valid");
        assert_eq!((plain.augmented.len(), &plain.mixed), (20, &None));
        assert_eq!(plain.originals, plain.augmented);
        let strong = TrainConfig {
            augmentation: Some(Augmentation::strong(images.shape())),
            ..config.clone()
        };
        let shown = preview(&strong, data, 8).expect("valid");
        assert_eq!(shown.originals, plain.originals.first(8));
        assert_ne!(shown.augmented, shown.originals);
        assert_eq!(shown.mixed.map(|mixed| mixed.len()), Some(8));
        let none = images.first(0);
        let empty = TrainData {
            train: &none,
            ..data
        };
        let refused = preview(&config, empty, 1).expect_err("no images");
        assert!(refused.to_string().contains("no images"), "{refused}");
    }
}
