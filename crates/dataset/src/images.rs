//! Labelled images in memory.

use modiste_core::ImageShape;

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
