//! Batches of images, shuffled and scaled for a network.

use modiste_core::{Rng, mirror, normalize};

use crate::images::Images;
use crate::pixels::ReadError;

/// Images and labels of one step of training or evaluation.
#[derive(Debug)]
pub struct Batch<'a> {
    /// Pixels scaled to `[0, 1]`, `[image, row, column, channel]`.
    pub images: &'a [f32],
    /// Index of each image. Those of [`Batches::drawn`] may lie beyond the last image.
    pub indices: &'a [usize],
    /// Class index of each image.
    pub labels: &'a [u16],
    /// Second label of each image; `None` if the images are not mixed.
    pub mixed: Option<&'a [MixedLabel]>,
}

/// Second label of an image that mixup or CutMix has made of two. The loss of the image is the mean of the losses for
/// both labels, with the weights `weight` for the first and `1 - weight` for this one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MixedLabel {
    /// Class index of the second image.
    pub other: u16,
    /// Position of the second image in the batch.
    pub place: usize,
    /// Weight of the first label, 0 to 1; 1 if the image is not mixed.
    pub weight: f32,
}

impl MixedLabel {
    /// Second label of the image at a position of the batch, which is not mixed: its only label, with a weight of 0.
    pub fn unmixed(place: usize, label: u16) -> Self {
        Self {
            other: label,
            place,
            weight: 1.0,
        }
    }
}

/// Batches of one pass over images, in buffers that are reused. The last batch is smaller if the batch size does
/// not divide the number of images, as in Keras.
///
/// ```
/// use modiste_core::ImageShape;
/// use modiste_dataset::{Batches, Images};
///
/// let images = Images::new(ImageShape::new(1, 2, 1), vec![0, 255, 51, 51, 0, 0], vec![7, 8, 9])?;
/// let mut batches = Batches::in_order(&images, 2);
/// assert_eq!(batches.next_batch()?.map(|b| b.labels.to_vec()), Some(vec![7, 8]));
/// assert_eq!(batches.next_batch()?.map(|b| b.images.to_vec()), Some(vec![0.0, 0.0]));
/// assert!(batches.next_batch()?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Batches<'a> {
    images: &'a Images,
    order: Vec<usize>,
    /// Labels of the images in this order, instead of those of `images`.
    order_labels: Option<Vec<u16>>,
    /// Positions of the batch in this order.
    places: Vec<usize>,
    position: usize,
    batch_size: usize,
    pixels: Vec<u8>,
    values: Vec<f32>,
    labels: Vec<u16>,
    /// Augmentation, if there is any.
    map_pixels: Option<MapPixels<'a>>,
    /// Mixing of images, if there is any.
    mix: Option<Mix<'a>>,
    mixed: Vec<MixedLabel>,
    /// Source of the decisions which images are flipped, if flips are enabled.
    flips: Option<Rng>,
}

/// Function of the indices of a batch's images and of their pixels.
type MapPixels<'a> = Box<dyn FnMut(&[usize], &mut [u8]) + Send + 'a>;

/// Function of the indices of a batch's images, of their labels and of their pixels.
type Mix<'a> = Box<dyn FnMut(&[usize], &[u16], &mut [u8]) -> Vec<MixedLabel> + Send + 'a>;

/// Stream of [`Rng::stream`] for the order of epoch 0; later epochs use the streams after it.
const SHUFFLE_STREAM: u64 = 1 << 32;

/// Stream of [`Rng::stream`] for the flips of epoch 0; later epochs use the streams after it.
const FLIP_STREAM: u64 = 1 << 33;

impl<'a> Batches<'a> {
    /// Creates batches in a random order, which is a function of `seed` and `epoch`.
    ///
    /// # Panics
    /// If `batch_size` is 0.
    pub fn shuffled(images: &'a Images, batch_size: usize, seed: u64, epoch: u64) -> Self {
        let mut order: Vec<usize> = (0..images.len()).collect();
        Rng::stream(seed, SHUFFLE_STREAM + epoch).shuffle(&mut order);
        Self::with_order(images, batch_size, order)
    }

    /// Flips each image left to right with a probability of one half, as a function of `seed` and `epoch`.
    #[must_use]
    pub fn random_horizontal_flips(mut self, seed: u64, epoch: u64) -> Self {
        let mut rng = Rng::stream(seed, FLIP_STREAM + epoch);
        // One draw per image.
        rng.skip(self.position as u64);
        self.flips = Some(rng);
        self
    }

    /// Skips the first `count` batches. The remaining batches do not change.
    #[must_use]
    pub fn skip(mut self, count: usize) -> Self {
        let batches = count.saturating_mul(self.batch_size);
        let position = self.position.saturating_add(batches).min(self.order.len());
        if let Some(rng) = &mut self.flips {
            rng.skip((position - self.position) as u64);
        }
        self.position = position;
        self
    }

    /// Applies `function` to each batch before its pixels are scaled. The arguments are the indices of the images and
    /// their bytes, `[image, row, column, channel]`.
    #[must_use]
    pub fn map_pixels(mut self, function: impl FnMut(&[usize], &mut [u8]) + Send + 'a) -> Self {
        self.map_pixels = Some(Box::new(function));
        self
    }

    /// Applies `function`, which blends images of a batch with each other, to each batch after
    /// [`map_pixels`](Self::map_pixels) and before the pixels are scaled. The arguments are the indices of the images,
    /// their labels and their bytes. The result is the second label of each image.
    #[must_use]
    pub fn mix(
        mut self,
        function: impl FnMut(&[usize], &[u16], &mut [u8]) -> Vec<MixedLabel> + Send + 'a,
    ) -> Self {
        self.mix = Some(Box::new(function));
        self
    }

    /// Creates batches in the order of `indices`, which may name an image more than once, with one label for each
    /// index. Indices beyond the last image are those of images that [`map_pixels`](Self::map_pixels) makes: their bytes
    /// are 0 before. That function and [`mix`](Self::mix) receive positions in `indices` instead of indices.
    ///
    /// # Panics
    /// If `batch_size` is 0 or the numbers of indices and labels differ.
    ///
    /// ```
    /// use modiste_core::ImageShape;
    /// use modiste_dataset::{Batches, Images};
    ///
    /// let images = Images::new(ImageShape::new(1, 1, 1), vec![51, 255], vec![0, 1])?;
    /// let mut batches = Batches::drawn(&images, 3, vec![1, 1, 2], vec![1, 1, 7])
    ///     .map_pixels(|places, pixels| assert_eq!((places, &*pixels), (&[0, 1, 2][..], &[255, 255, 0][..])));
    /// assert_eq!(batches.next_batch()?.map(|batch| batch.labels.to_vec()), Some(vec![1, 1, 7]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drawn(
        images: &'a Images,
        batch_size: usize,
        indices: Vec<usize>,
        labels: Vec<u16>,
    ) -> Self {
        assert_eq!(indices.len(), labels.len(), "one label per index");
        Self {
            order_labels: Some(labels),
            ..Self::with_order(images, batch_size, indices)
        }
    }

    /// Creates batches in the order of the images.
    ///
    /// # Panics
    /// If `batch_size` is 0.
    pub fn in_order(images: &'a Images, batch_size: usize) -> Self {
        Self::with_order(images, batch_size, (0..images.len()).collect())
    }

    fn with_order(images: &'a Images, batch_size: usize, order: Vec<usize>) -> Self {
        assert!(batch_size > 0, "a batch has at least one image");
        Self {
            images,
            order,
            order_labels: None,
            places: Vec::new(),
            position: 0,
            batch_size,
            pixels: Vec::new(),
            values: Vec::new(),
            labels: Vec::new(),
            map_pixels: None,
            mix: None,
            mixed: Vec::new(),
            flips: None,
        }
    }

    /// Number of batches in an epoch, skipped ones included.
    pub fn count(&self) -> usize {
        self.order.len().div_ceil(self.batch_size)
    }

    /// Returns the next batch, or `None` after the last.
    ///
    /// # Errors
    /// Returns [`ReadError`] if the images are in a file that cannot be read. Images in memory give no error.
    pub fn next_batch(&mut self) -> Result<Option<Batch<'_>>, ReadError> {
        let end = (self.position + self.batch_size).min(self.order.len());
        let range = self.position..end;
        let indices = &self.order[range.clone()];
        if indices.is_empty() {
            return Ok(None);
        }
        self.images.read_or_blank(indices, &mut self.pixels)?;
        self.position = end;
        let size = self.images.shape().size();
        self.values.resize(indices.len() * size, 0.0);
        let labels = self.images.labels();
        self.labels.clear();
        match &self.order_labels {
            Some(labels) => {
                self.places.clear();
                self.places.extend(range.clone());
                self.labels.extend(&labels[range]);
            }
            None => self
                .labels
                .extend(indices.iter().map(|&index| labels[index])),
        }
        let keys = match self.order_labels {
            Some(_) => &self.places[..],
            None => indices,
        };
        if let Some(function) = &mut self.map_pixels {
            function(keys, &mut self.pixels);
        }
        if let Some(function) = &mut self.mix {
            self.mixed = function(keys, &self.labels, &mut self.pixels);
        }
        normalize(&self.pixels, &mut self.values);
        if let Some(rng) = &mut self.flips {
            for values in self.values.chunks_exact_mut(size) {
                if rng.below(2) == 1 {
                    mirror(self.images.shape(), values);
                }
            }
        }
        Ok(Some(Batch {
            images: &self.values,
            indices,
            labels: &self.labels,
            mixed: self.mix.is_some().then_some(&self.mixed[..]),
        }))
    }
}

#[cfg(test)]
mod tests {
    use modiste_core::ImageShape;

    use super::*;

    fn numbered(count: u8) -> Images {
        let pixels = (0..count).flat_map(|i| [i, 255 - i]).collect();
        let labels = (0..count).map(u16::from).collect();
        Images::new(ImageShape::new(1, 2, 1), pixels, labels).expect("two bytes each")
    }

    fn labels(mut batches: Batches<'_>) -> Vec<Vec<u16>> {
        let mut all = Vec::new();
        while let Some(batch) = batches.next_batch().expect("in memory") {
            all.push(batch.labels.to_vec());
        }
        all
    }

    #[test]
    fn epoch_is_a_permutation_with_a_short_last_batch() {
        let images = numbered(10);
        let epoch = labels(Batches::shuffled(&images, 4, 3, 0));
        assert_eq!(epoch.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2]);
        let mut all = epoch.concat();
        all.sort_unstable();
        assert_eq!(all, (0..10).collect::<Vec<u16>>());
    }

    #[test]
    fn order_depends_on_seed_and_epoch() {
        let images = numbered(50);
        let order = |seed, epoch| labels(Batches::shuffled(&images, 7, seed, epoch));
        assert_eq!(order(1, 2), order(1, 2));
        assert_ne!(order(1, 2), order(1, 3));
        assert_ne!(order(1, 2), order(2, 2));
    }

    #[test]
    fn map_pixels_receives_image_indices() {
        let images = numbered(10);
        let mut batches = Batches::shuffled(&images, 4, 3, 0).map_pixels(|indices, pixels| {
            for (index, pixels) in indices.iter().zip(pixels.chunks_exact_mut(2)) {
                assert_eq!(*pixels, *images.image(*index).expect("in memory"));
                pixels[0] = 0;
            }
        });
        while let Some(batch) = batches.next_batch().expect("in memory") {
            for (values, label) in batch.images.chunks_exact(2).zip(batch.labels) {
                assert_eq!(values, [0.0, f32::from(255 - label) / 255.0]);
            }
        }
    }

    #[test]
    fn mix_receives_labels_and_returns_second_labels() {
        let images = numbered(10);
        let mut plain = Batches::shuffled(&images, 4, 3, 0);
        assert_eq!(
            plain
                .next_batch()
                .expect("in memory")
                .expect("images")
                .mixed,
            None
        );
        let mut batches = Batches::shuffled(&images, 4, 3, 0)
            .map_pixels(|_, pixels| pixels.fill(51))
            .mix(|indices, labels, pixels| {
                assert!(
                    indices
                        .iter()
                        .zip(labels)
                        .all(|(&index, &label)| index == label.into())
                );
                assert!(pixels.iter().all(|&pixel| pixel == 51));
                pixels.fill(255);
                let labels = labels.iter().enumerate();
                labels
                    .map(|(place, &label)| MixedLabel::unmixed(place, label + 1))
                    .collect()
            });
        while let Some(batch) = batches.next_batch().expect("in memory") {
            let mixed = batch.mixed.expect("mixed");
            assert!(
                mixed
                    .iter()
                    .zip(batch.labels)
                    .all(|(mixed, label)| mixed.other == label + 1)
            );
            assert!(batch.images.iter().all(|&value| value == 1.0));
        }
    }

    #[test]
    fn indices_are_those_of_the_images() {
        let images = numbered(10);
        let indices = |mut batches: Batches<'_>| {
            let mut all = Vec::new();
            while let Some(batch) = batches.next_batch().expect("in memory") {
                all.extend_from_slice(batch.indices);
                let numbers = batch.labels.iter().map(|&label| usize::from(label));
                assert!(numbers.eq(batch.indices.iter().map(|index| index % 10)));
            }
            all
        };
        let shuffled = || Batches::shuffled(&images, 4, 3, 0);
        assert_eq!(indices(shuffled().skip(1)), indices(shuffled())[4..]);
        let drawn = vec![9, 2, 2, 13];
        let labels = vec![9, 2, 2, 3];
        let batches = Batches::drawn(&images, 3, drawn.clone(), labels);
        assert_eq!(indices(batches), drawn);
    }

    #[test]
    fn flips_half_of_the_images() {
        let shape = ImageShape::new(2, 3, 2);
        let pixels: Vec<u8> = (0..12).cycle().take(12 * 200).collect();
        let images = Images::new(shape, pixels, vec![1; 200]).expect("12 bytes each");
        let straight: Vec<f32> = (0..12_u8).map(|pixel| f32::from(pixel) / 255.0).collect();
        let flipped: Vec<f32> = [4, 5, 2, 3, 0, 1, 10, 11, 8, 9, 6, 7_u8]
            .map(|pixel| f32::from(pixel) / 255.0)
            .to_vec();
        let draw = |epoch| {
            let mut batches =
                Batches::shuffled(&images, 200, 3, epoch).random_horizontal_flips(3, epoch);
            let batch = batches.next_batch().expect("in memory");
            let batch = batch.expect("there are images");
            batch.images.to_vec()
        };
        let first = draw(0);
        let count = |wanted: &[f32]| first.chunks(12).filter(|image| *image == wanted).count();
        assert_eq!(count(&straight) + count(&flipped), 200);
        // The standard deviation is 7.
        assert!((65..135).contains(&count(&flipped)), "{}", count(&flipped));
        assert_eq!(first, draw(0));
        assert_ne!(first, draw(1));
    }

    #[test]
    fn skip_does_not_change_later_batches() {
        let images = numbered(50);
        let rest = |mut batches: Batches<'_>, passed: usize| {
            for _ in 0..passed {
                batches.next_batch().expect("in memory");
            }
            let mut all = Vec::new();
            while let Some(batch) = batches.next_batch().expect("in memory") {
                all.push((batch.labels.to_vec(), batch.images.to_vec()));
            }
            all
        };
        let batches = || Batches::shuffled(&images, 7, 3, 1);
        for count in [0, 1, 5, 8, 9] {
            let expected = rest(batches().random_horizontal_flips(3, 1), count);
            assert_eq!(
                rest(batches().random_horizontal_flips(3, 1).skip(count), 0),
                expected
            );
            assert_eq!(
                rest(batches().skip(count).random_horizontal_flips(3, 1), 0),
                expected
            );
        }
    }

    #[test]
    fn shuffle_keeps_pixels_with_labels() {
        let images = numbered(9);
        let mut batches = Batches::shuffled(&images, 2, 5, 1);
        assert_eq!(batches.count(), 5);
        while let Some(batch) = batches.next_batch().expect("in memory") {
            for (pair, &label) in batch.images.chunks(2).zip(batch.labels) {
                assert_eq!(pair[0], f32::from(label) / 255.0);
            }
        }
    }
}
