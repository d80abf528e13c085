//! Rendering of the cut-outs and scenes of a batch.

use modiste_core::{ImageShape, Rng};
use modiste_dataset::Images;
use rayon::prelude::*;

use super::settings::CutoutAugmentation;
use super::{Cutout, render, render_scene};
use crate::augment::clothes::Plane;

/// Stream of [`Rng::stream`] for image 0 of epoch 0, with the structure of those of the augmentation.
const CUTOUT_STREAM: u64 = 1 << 58;

/// Renderer of one epoch.
pub(crate) struct Renderer<'a> {
    pub(crate) settings: &'a CutoutAugmentation,
    /// Gray images on black, in memory.
    pub(crate) cutouts: &'a Images,
    /// Pictures that backgrounds are cut from, in memory.
    pub(crate) pictures: Option<&'a Images>,
    /// Index of each image of the epoch. Those from `first` on are cut-outs, then scenes.
    pub(crate) order: Vec<usize>,
    /// Index of the first cut-out.
    pub(crate) first: usize,
    /// Shape of the rendered images.
    pub(crate) shape: ImageShape,
    pub(crate) seed: u64,
    /// Epoch, from 0.
    pub(crate) epoch: usize,
}

impl Renderer<'_> {
    /// Renders the cut-outs and scenes among the images of a batch, in place. `places` are their positions in the epoch.
    /// The result for an image is a function of the settings, the seed, the epoch, its position and its index alone.
    pub(crate) fn render(&self, places: &[usize], pixels: &mut [u8]) {
        let plane = Plane::of(self.cutouts.shape());
        let images = pixels.par_chunks_mut(self.shape.size()).zip(places);
        images.for_each(|(photo, &place)| {
            let Some(index) = self.order[place].checked_sub(self.first) else {
                return;
            };
            let stream = CUTOUT_STREAM + ((self.epoch as u64) << 32) + place as u64;
            let mut rng = Rng::stream(self.seed, stream);
            let Some(&label) = self.cutouts.labels().get(index) else {
                return render_scene(self.settings, self.pictures, self.shape, photo, &mut rng);
            };
            let gray = self.cutouts.image(index);
            let cutout = Cutout {
                plane,
                gray: &gray.expect("`fit` reads the cut-outs into memory"),
                label,
            };
            render(
                self.settings,
                cutout,
                self.pictures,
                self.shape,
                photo,
                &mut rng,
            );
        });
    }
}

#[cfg(test)]
mod tests {
    use rayon::ThreadPoolBuilder;

    use super::*;
    use crate::augment::cutout::Scenery;

    const SHAPE: ImageShape = ImageShape::new(40, 48, 3);

    /// The first 30 cut-outs, and 10 scenes.
    fn rendered(settings: &CutoutAugmentation, seed: u64) -> Vec<u8> {
        let cutouts = modiste_dataset::fashion_mnist_mini().train.first(30);
        let renderer = Renderer {
            settings,
            cutouts: &cutouts,
            order: (100..140).collect(),
            pictures: None,
            first: 100,
            shape: SHAPE,
            seed,
            epoch: 2,
        };
        let places: Vec<usize> = (0..40).collect();
        let mut pixels = vec![7; places.len() * SHAPE.size()];
        renderer.render(&places, &mut pixels);
        pixels
    }

    #[test]
    fn depends_on_seed_and_index_only() {
        let settings = CutoutAugmentation::clothes();
        let once = rendered(&settings, 1);
        for threads in [1, 3] {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build();
            let again = pool
                .expect("threads start")
                .install(|| rendered(&settings, 1));
            assert!(once == again, "{threads} threads");
        }
        assert!(once != rendered(&settings, 2));
    }

    #[test]
    fn plain_cutouts_are_enlarged() {
        let settings = CutoutAugmentation {
            plain: 1.0,
            ..CutoutAugmentation::clothes()
        };
        let pixels = rendered(&settings, 1);
        let cutouts = modiste_dataset::fashion_mnist_mini().train.first(30);
        for (photo, image) in pixels.chunks(SHAPE.size()).zip(cutouts.iter()) {
            let (image, _) = image.expect("in memory");
            assert!(
                photo
                    .chunks(3)
                    .all(|pixel| pixel[0] == pixel[1] && pixel[0] == pixel[2])
            );
            let mean = |bytes: &[u8]| {
                let sum: f64 = bytes.iter().map(|&byte| f64::from(byte)).sum();
                sum / bytes.len() as f64
            };
            assert!((mean(photo) - mean(&image)).abs() < 3.0);
        }
    }

    #[test]
    fn rendered_objects_keep_their_shades() {
        let mut settings = CutoutAugmentation::clothes();
        settings.plain = 0.0;
        settings.negative = 1.0;
        settings.tone.change = 1.0;
        settings.tone.pattern = 0.0;
        settings.tone.light = 0.0;
        settings.shadow = 0.0;
        settings.background = Scenery {
            white: 0.0,
            plain: 1.0,
            graded: 0.0,
            picture: 0.0,
        };
        let pixels = rendered(&settings, 1);
        let with_shades = pixels.chunks(SHAPE.size()).take(30).filter(|photo| {
            let mut counts = std::collections::BTreeMap::new();
            photo
                .chunks(3)
                .for_each(|pixel| *counts.entry(pixel).or_insert(0) += 1);
            // Apart from the background, no colour covers most of the object.
            let mut counts: Vec<usize> = counts.into_values().collect();
            counts.sort_unstable_by(|one, other| other.cmp(one));
            counts.len() > 100 && 2 * counts[1] < counts[1..].iter().sum()
        });
        let count = with_shades.count();
        assert!(count >= 25, "{count} of 30");
    }

    #[test]
    fn training_images_stay_unchanged() {
        let cutouts = modiste_dataset::fashion_mnist_mini().train.first(1);
        let settings = CutoutAugmentation::clothes();
        let renderer = Renderer {
            settings: &settings,
            cutouts: &cutouts,
            order: vec![99, 100, 100],
            pictures: None,
            first: 100,
            shape: SHAPE,
            seed: 1,
            epoch: 0,
        };
        let mut pixels = vec![7; 3 * SHAPE.size()];
        renderer.render(&[0, 1, 2], &mut pixels);
        let images: Vec<&[u8]> = pixels.chunks(SHAPE.size()).collect();
        assert!(images[0].iter().all(|value| *value == 7));
        assert!(images[1].iter().any(|value| *value != 7));
        // The same cut-out is rendered anew.
        assert_ne!(images[1], images[2]);
    }
}
