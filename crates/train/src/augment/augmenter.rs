//! Augmentation of the batches of an epoch.

use modiste_core::{ImageShape, Rng};
use modiste_dataset::{Images, MixedLabel};
use rayon::prelude::*;

use super::augmentation::Augmentation;
use super::random::chance;
use super::{clothes, image, mix};

/// Stream of [`Rng::stream`] for image 0 of epoch 0. Bits 32 to 51 of a stream are added to by the epoch, the bits
/// below are the image.
const AUGMENT_STREAM: u64 = 1 << 48;

/// Stream of [`Rng::stream`] for the mixing of image 0 of epoch 0, with the same structure.
const MIX_STREAM: u64 = 1 << 56;

/// Augmentation of one epoch, for images of one shape.
#[derive(Clone, Copy)]
pub(crate) struct Augmenter<'a> {
    pub(crate) augmentation: &'a Augmentation,
    pub(crate) shape: ImageShape,
    /// Gray pictures of any size, as backgrounds.
    pub(crate) pictures: Option<&'a Images>,
    pub(crate) seed: u64,
    /// Epoch, from 0.
    pub(crate) epoch: usize,
    pub(crate) epochs: usize,
}

impl Augmenter<'_> {
    /// Augments the images of one batch in place. `indices` are their indices in the training set. The result for an
    /// image is a function of the settings, the seed, the epoch, the index and the image alone.
    pub(crate) fn augment(&self, indices: &[usize], pixels: &mut [u8]) {
        let images = pixels.par_chunks_mut(self.shape.size()).zip(indices);
        match self.augmentation {
            Augmentation::Clothes(settings) => {
                let probability = settings.probability_in(self.epoch, self.epochs);
                images.for_each(|(image, &index)| {
                    let mut rng = self.rng(AUGMENT_STREAM, index);
                    if chance(&mut rng, probability) {
                        clothes::augment(settings, self.shape, self.pictures, image, &mut rng);
                    }
                });
            }
            Augmentation::Images(settings) => {
                images.for_each_init(Vec::new, |copy, (image, &index)| {
                    let mut rng = self.rng(AUGMENT_STREAM, index);
                    image::augment(settings, self.shape, image, copy, &mut rng);
                });
            }
        }
    }

    /// Mixes images of one batch with each other, in place, and returns the second label of each image, with the
    /// weight of the first. The result is a function of the settings, the seed, the epoch and the batch alone.
    pub(crate) fn mix(
        &self,
        indices: &[usize],
        labels: &[u16],
        pixels: &mut [u8],
    ) -> Vec<MixedLabel> {
        match self.augmentation {
            Augmentation::Images(settings) => {
                let rng = |place: usize| self.rng(MIX_STREAM, indices[place]);
                mix::mix(settings, self.shape, labels, pixels, rng)
            }
            Augmentation::Clothes(_) => mix::unmixed(labels),
        }
    }

    /// Generator for one image.
    fn rng(&self, stream: u64, index: usize) -> Rng {
        Rng::stream(
            self.seed,
            stream + ((self.epoch as u64) << 32) + index as u64,
        )
    }
}

#[cfg(test)]
mod tests {
    use rayon::ThreadPoolBuilder;
    use serde_json::{Value, json};

    use super::*;
    use crate::augment::{Affine, Fill, Gamma, ImageAugmentation};

    const SHAPE: ImageShape = ImageShape::new(12, 16, 3);

    /// Random images.
    fn images(shape: ImageShape, count: usize) -> Vec<u8> {
        let mut rng = Rng::new(1);
        (0..count * shape.size())
            .map(|_| rng.next_u64() as u8)
            .collect()
    }

    /// The first `count` images, augmented and mixed in epoch 3 of 10.
    fn augmented(
        augmentation: &Augmentation,
        shape: ImageShape,
        seed: u64,
        count: usize,
        is_mixed: bool,
    ) -> (Vec<u8>, Vec<MixedLabel>) {
        let augmenter = Augmenter {
            augmentation,
            shape,
            pictures: None,
            seed,
            epoch: 3,
            epochs: 10,
        };
        let mut pixels = images(shape, count);
        let indices: Vec<usize> = (0..count).collect();
        let labels: Vec<u16> = (0..count as u16).collect();
        augmenter.augment(&indices, &mut pixels);
        let mixed = match is_mixed {
            true => augmenter.mix(&indices, &labels, &mut pixels),
            false => Vec::new(),
        };
        (pixels, mixed)
    }

    #[test]
    fn depends_on_seed_epoch_and_index_only() {
        for (augmentation, shape) in [
            (Augmentation::clothes(), ImageShape::new(28, 28, 1)),
            (Augmentation::light(SHAPE), SHAPE),
            (Augmentation::strong(SHAPE), SHAPE),
            (
                Augmentation::strong(ImageShape::new(9, 5, 1)),
                ImageShape::new(9, 5, 1),
            ),
        ] {
            let once = augmented(&augmentation, shape, 7, 40, true);
            for threads in [1, 3] {
                let pool = ThreadPoolBuilder::new().num_threads(threads).build();
                let again = pool
                    .expect("threads start")
                    .install(|| augmented(&augmentation, shape, 7, 40, true));
                assert!(once == again, "{threads} threads");
            }
            assert!(once != augmented(&augmentation, shape, 8, 40, true));
            // Without mixing, the other images of the batch have no influence.
            let (all, _) = augmented(&augmentation, shape, 7, 40, false);
            let (some, _) = augmented(&augmentation, shape, 7, 5, false);
            assert!(all[..some.len()] == some);
            assert!(all != images(shape, 40));
        }
    }

    #[test]
    fn default_settings_change_nothing() {
        let none = Augmentation::Images(ImageAugmentation::default());
        for shape in [SHAPE, ImageShape::new(1, 1, 1)] {
            let (pixels, mixed) = augmented(&none, shape, 1, 6, true);
            assert_eq!(pixels, images(shape, 6));
            assert!(mixed.iter().all(|mixed| mixed.weight == 1.0));
        }
        // Changes by nothing.
        let settings = ImageAugmentation {
            affine: Some(Affine {
                probability: 1.0,
                translate: 0.0,
                scale: [1.0, 1.0],
                rotation: 0.0,
                shear: 0.0,
            }),
            gamma: Some(Gamma {
                probability: 1.0,
                range: [1.0, 1.0],
            }),
            ..ImageAugmentation::default()
        };
        let (pixels, _) = augmented(&Augmentation::Images(settings), SHAPE, 1, 6, false);
        assert_eq!(pixels, images(SHAPE, 6));
    }

    /// JSON pointers of all numbers in `value`.
    fn numbers(value: &Value, path: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => fields
                .iter()
                .for_each(|(name, value)| numbers(value, &format!("{path}/{name}"), found)),
            Value::Array(values) => (0..values.len())
                .for_each(|index| numbers(&values[index], &format!("{path}/{index}"), found)),
            Value::Number(_) => found.push(path.to_owned()),
            _ => {}
        }
    }

    #[test]
    fn every_setting_has_an_effect() {
        let Augmentation::Images(strong) = Augmentation::strong(SHAPE) else {
            panic!("a general preset");
        };
        let mut settings = ImageAugmentation {
            vertical_flip: 0.5,
            fill: Fill::Constant(90),
            gamma: Some(Gamma {
                probability: 0.5,
                range: [0.8, 1.25],
            }),
            ..strong
        };
        let affine = settings.affine.as_mut().expect("set");
        (affine.translate, affine.scale) = (0.1, [0.8, 1.2]);
        let blur = settings.blur.as_mut().expect("set");
        (blur.probability, blur.sigma) = (0.5, [0.5, 1.0]);
        settings.noise.as_mut().expect("set").probability = 0.5;
        let usual = augmented(&Augmentation::Images(settings.clone()), SHAPE, 1, 400, true);
        let stored = serde_json::to_value(&settings).expect("plain data");
        let mut paths = Vec::new();
        numbers(&stored, "", &mut paths);
        assert!(paths.len() > 35, "{paths:?}");
        for path in paths {
            let mut changed = stored.clone();
            let value = changed.pointer_mut(&path).expect("a number");
            *value = match value.as_u64() {
                Some(_) => json!(80),
                None => json!(value.as_f64().expect("a number") * 0.8 + 0.013),
            };
            let changed: ImageAugmentation = serde_json::from_value(changed).expect("settings");
            let changed = Augmentation::Images(changed);
            changed.check().expect(&path);
            assert!(augmented(&changed, SHAPE, 1, 400, true) != usual, "{path}");
        }
    }
}
