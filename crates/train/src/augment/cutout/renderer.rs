//! Rendering of the cut-outs and scenes of a batch.

use modiste_core::{ImageShape, Rng};
use modiste_dataset::Images;
use rayon::prelude::*;

use super::settings::CutoutAugmentation;
use super::{Cutout, render, render_scene};
use crate::augment::clothes::Plane;

/// Stream of [`Rng::stream`] for image 0 of epoch 0, with the structure of those of the augmentation.
const CUTOUT_STREAM: u64 = 1 << 58;

/// Renderer of one epoch. Indices from `first` on are those of the cut-outs, then of scenes.
#[derive(Clone, Copy)]
pub(crate) struct Renderer<'a> {
    pub(crate) settings: &'a CutoutAugmentation,
    /// Gray images on black, in memory.
    pub(crate) cutouts: &'a Images,
    /// Pictures that backgrounds are cut from, in memory.
    pub(crate) pictures: Option<&'a Images>,
    /// Index of the first cut-out.
    pub(crate) first: usize,
    /// Shape of the rendered images.
    pub(crate) shape: ImageShape,
    pub(crate) seed: u64,
    /// Epoch, from 0.
    pub(crate) epoch: usize,
}

impl Renderer<'_> {
    /// Renders the cut-outs and scenes among the images of a batch, in place. The result for an image is a function of
    /// the settings, the seed, the epoch and the index alone.
    pub(crate) fn render(&self, indices: &[usize], pixels: &mut [u8]) {
        let ImageShape { height, width, .. } = self.cutouts.shape();
        let plane = Plane { height, width };
        let images = pixels.par_chunks_mut(self.shape.size()).zip(indices);
        images.for_each(|(photo, &index)| {
            let Some(place) = index.checked_sub(self.first) else {
                return;
            };
            let stream = CUTOUT_STREAM + ((self.epoch as u64) << 32) + index as u64;
            let mut rng = Rng::stream(self.seed, stream);
            let Some(&label) = self.cutouts.labels().get(place) else {
                return render_scene(self.settings, self.pictures, self.shape, photo, &mut rng);
            };
            let gray = self.cutouts.image(place);
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

    const SHAPE: ImageShape = ImageShape::new(40, 48, 3);

    /// The first 30 cut-outs, and 10 scenes.
    fn rendered(settings: &CutoutAugmentation, seed: u64) -> Vec<u8> {
        let cutouts = modiste_dataset::fashion_mnist_mini().train.first(30);
        let renderer = Renderer {
            settings,
            cutouts: &cutouts,
            pictures: None,
            first: 100,
            shape: SHAPE,
            seed,
            epoch: 2,
        };
        let indices: Vec<usize> = (100..140).collect();
        let mut pixels = vec![7; indices.len() * SHAPE.size()];
        renderer.render(&indices, &mut pixels);
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
    fn training_images_stay_unchanged() {
        let cutouts = modiste_dataset::fashion_mnist_mini().train.first(1);
        let settings = CutoutAugmentation::clothes();
        let renderer = Renderer {
            settings: &settings,
            cutouts: &cutouts,
            pictures: None,
            first: 100,
            shape: SHAPE,
            seed: 1,
            epoch: 0,
        };
        let mut pixels = vec![7; 2 * SHAPE.size()];
        renderer.render(&[99, 100], &mut pixels);
        let (photo, cutout) = pixels.split_at(SHAPE.size());
        assert!(photo.iter().all(|value| *value == 7));
        assert!(cutout.iter().any(|value| *value != 7));
    }
}
