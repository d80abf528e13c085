//! Labelled images in memory.

use std::collections::BTreeMap;

use modiste_core::{ImageShape, Rng};

/// The stream of [`Rng::stream`] that splits draw from.
const SPLIT_STREAM: u64 = 3;

/// Why pixels and labels are no set of labelled images.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImagesError {
    /// The pixels are no whole number of images, or not as many as the labels.
    #[error("{labels} labels need {expected} bytes of {shape} images, but there are {found} bytes")]
    Count {
        /// How many labels were given.
        labels: usize,
        /// The shape of one image.
        shape: ImageShape,
        /// Bytes that so many images have.
        expected: usize,
        /// Bytes that were given.
        found: usize,
    },
}

/// Images of one shape with a class each. Pixels are bytes in the order image, row, column,
/// channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    shape: ImageShape,
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Images {
    /// Images from their bytes, `[image, row, column, channel]`, and a label each.
    ///
    /// # Errors
    /// [`ImagesError::Count`] where the bytes are not exactly one image per label.
    pub fn new(shape: ImageShape, pixels: Vec<u8>, labels: Vec<u8>) -> Result<Self, ImagesError> {
        let expected = labels.len() * shape.size();
        if pixels.len() != expected {
            return Err(ImagesError::Count {
                labels: labels.len(),
                shape,
                expected,
                found: pixels.len(),
            });
        }
        Ok(Self {
            shape,
            pixels,
            labels,
        })
    }

    /// The shape of each image.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The class of each image.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// All pixels, `[image, row, column, channel]`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The pixels of one image, `[row, column, channel]`.
    ///
    /// # Panics
    /// Where `index` is not below [`Images::len`].
    pub fn image(&self, index: usize) -> &[u8] {
        let size = self.shape.size();
        &self.pixels[index * size..(index + 1) * size]
    }

    /// The same images in gray, `0.299 R + 0.587 G + 0.114 B` (ITU-R BT.601); gray ones as they are.
    ///
    /// # Panics
    /// Where the images have neither 1 nor 3 channels.
    #[must_use]
    pub fn to_gray(&self) -> Self {
        let pixels = match self.shape.channels {
            1 => self.pixels.clone(),
            3 => {
                let gray = |colour: &[u8]| {
                    let [red, green, blue] = [0, 1, 2].map(|channel| u32::from(colour[channel]));
                    ((299 * red + 587 * green + 114 * blue + 500) / 1000) as u8
                };
                self.pixels.chunks_exact(3).map(gray).collect()
            }
            other => panic!("{other} channels are no colours"),
        };
        Self {
            shape: ImageShape {
                channels: 1,
                ..self.shape
            },
            pixels,
            labels: self.labels.clone(),
        }
    }

    /// The same images turned left to right.
    #[must_use]
    pub fn mirrored(&self) -> Self {
        let row_length = self.shape.width * self.shape.channels;
        let rows = self.pixels.chunks_exact(row_length.max(1));
        let pixels = rows.flat_map(|row| row.rchunks_exact(self.shape.channels).flatten());
        Self {
            shape: self.shape,
            pixels: pixels.copied().collect(),
            labels: self.labels.clone(),
        }
    }

    /// The first `count` images (all of them where there are fewer).
    pub fn first(&self, count: usize) -> Self {
        self.slice(0, count.min(self.len()))
    }

    /// Splits in two before image `index` (at the end where there are fewer).
    pub fn split_at(&self, index: usize) -> (Self, Self) {
        let index = index.min(self.len());
        (self.slice(0, index), self.slice(index, self.len()))
    }

    /// Splits in two at random, each class by itself: `fraction` of its images, 0 to 1, go to the second part,
    /// and if there are two or more at least one to either. A fraction that leaves nothing of all images leaves
    /// an empty part. Both parts keep the order of the images. The
    /// same seed gives the same split.
    ///
    /// ```
    /// use modiste_dataset::{ImageShape, Images};
    ///
    /// // Six images of class 0, then four of class 1.
    /// let labels = [vec![0; 6], vec![1; 4]].concat();
    /// let images = Images::new(ImageShape::new(1, 1, 1), (0..10).collect(), labels)?;
    /// let (train, held_out) = images.split_stratified(0.5, 1);
    /// assert_eq!(train.labels(), [0, 0, 0, 1, 1]);
    /// assert_eq!(held_out.labels(), [0, 0, 0, 1, 1]);
    /// # Ok::<(), modiste_dataset::ImagesError>(())
    /// ```
    pub fn split_stratified(&self, fraction: f64, seed: u64) -> (Self, Self) {
        match (self.len() as f64 * fraction).round() as usize {
            0 => return self.split_at(self.len()),
            all if all >= self.len() => return self.split_at(0),
            _ => {}
        }
        let mut classes: BTreeMap<u8, Vec<usize>> = BTreeMap::new();
        for (index, &label) in self.labels.iter().enumerate() {
            classes.entry(label).or_default().push(index);
        }
        let mut rng = Rng::stream(seed, SPLIT_STREAM);
        let mut held_out = vec![false; self.len()];
        for indices in classes.values_mut() {
            rng.shuffle(indices);
            let wanted = (indices.len() as f64 * fraction).round() as usize;
            let count = match indices.len() {
                0 | 1 => 0,
                len => wanted.clamp(1, len - 1),
            };
            for &index in &indices[..count] {
                held_out[index] = true;
            }
        }
        (self.select(&held_out, false), self.select(&held_out, true))
    }

    /// The images whose mark is `wanted`.
    fn select(&self, marks: &[bool], wanted: bool) -> Self {
        let indices = || (0..self.len()).filter(|&index| marks[index] == wanted);
        Self {
            shape: self.shape,
            pixels: indices()
                .flat_map(|index| self.image(index))
                .copied()
                .collect(),
            labels: indices().map(|index| self.labels[index]).collect(),
        }
    }

    fn slice(&self, start: usize, end: usize) -> Self {
        let size = self.shape.size();
        Self {
            shape: self.shape,
            pixels: self.pixels[start * size..end * size].to_vec(),
            labels: self.labels[start..end].to_vec(),
        }
    }
}

/// A dataset in memory: training and test images and the names of their classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// The name that the command line knows it by, `fashion-mnist`.
    pub name: String,
    /// A name per class, in the order of the labels.
    pub classes: Vec<String>,
    /// What a network learns from.
    pub train: Images,
    /// What it is measured on, and never chosen on.
    pub test: Images,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Images {
        let pixels = (0..18).collect();
        Images::new(ImageShape::new(2, 3, 1), pixels, vec![4, 5, 6]).expect("18 bytes, 3 labels")
    }

    #[test]
    fn splitting_keeps_pixels_with_their_labels() {
        let (front, back) = three().split_at(1);
        assert_eq!((front.len(), back.len()), (1, 2));
        assert_eq!(back.image(0), [6, 7, 8, 9, 10, 11]);
        assert_eq!(back.labels(), [5, 6]);
        assert_eq!(three().split_at(9).0, three());
        assert_eq!(three().first(1), front);
    }

    #[test]
    fn split_keeps_every_class_in_both_parts() {
        // Ordered by class, as folders are: 40, 10, 3 and 1 of them.
        let labels = [vec![0; 40], vec![1; 10], vec![2; 3], vec![3; 1]].concat();
        let images = Images::new(ImageShape::new(1, 1, 1), (0..54).collect(), labels);
        let images = images.expect("a byte each");
        let (train, held_out) = images.split_stratified(0.1, 7);
        let count =
            |images: &Images, class| images.labels().iter().filter(|&&l| l == class).count();
        let counts = |images| [0, 1, 2, 3].map(|class| count(images, class));
        assert_eq!(counts(&train), [36, 9, 2, 1]);
        assert_eq!(counts(&held_out), [4, 1, 1, 0]);
        let mut all = [train.pixels(), held_out.pixels()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..54).collect::<Vec<u8>>());
        assert_eq!(images.split_stratified(0.1, 7).1, held_out);
        assert_ne!(images.split_stratified(0.1, 8).1, held_out);
    }

    #[test]
    fn gray_is_the_mean_by_brightness() {
        let pixels = [[255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]].concat();
        let images = Images::new(ImageShape::new(2, 2, 3), pixels, vec![3]).expect("one");
        let gray = images.to_gray();
        assert_eq!(gray.shape(), ImageShape::new(2, 2, 1));
        assert_eq!(
            (gray.image(0), gray.labels()),
            (&[255, 76, 150, 29][..], &[3][..])
        );
        assert_eq!(gray.to_gray(), gray);
    }

    #[test]
    fn mirroring_turns_each_row_around_and_keeps_colours() {
        assert_eq!(three().mirrored().image(1), [8, 7, 6, 11, 10, 9]);
        let pixels = (0..12).collect();
        let colours = Images::new(ImageShape::new(2, 2, 3), pixels, vec![0]).expect("one");
        let mirrored = colours.mirrored();
        assert_eq!(mirrored.image(0), [3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8]);
        assert_eq!(mirrored.mirrored(), colours);
    }

    #[test]
    fn a_wrong_number_of_bytes_is_refused() {
        let refused = Images::new(ImageShape::new(2, 3, 1), vec![0; 17], vec![0; 3]);
        assert_eq!(
            refused.unwrap_err().to_string(),
            "3 labels need 18 bytes of 2x3x1 images, but there are 17 bytes"
        );
    }
}
