//! Labelled images in memory: cheap slices of shared pixels.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use modiste_core::ImageShape;

/// Error of [`Images::new`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImagesError {
    /// The number of bytes does not match the number of labels.
    #[error("{labels} labels need {expected} bytes of {shape} images, but there are {found} bytes")]
    Length {
        /// Number of labels.
        labels: usize,
        /// Shape of one image.
        shape: ImageShape,
        /// Bytes of as many images as there are labels.
        expected: usize,
        /// Bytes that were passed.
        found: usize,
    },
}

/// Images of one shape, each with the index of its class.
///
/// Pixels are bytes in the order row, column, channel. `Images` is a slice: clones and subsets share the
/// pixels and copy only the labels. A slice keeps the pixels of all images in memory, however few it selects.
///
/// ```
/// use modiste_dataset::{ImageShape, Images};
///
/// let images = Images::new(ImageShape::new(1, 2, 1), vec![0, 1, 10, 11, 20, 21], vec![0, 300, 1])?;
/// let (first, rest) = images.split_at(1);
/// assert_eq!((first.len(), rest.labels()), (1, &[300, 1][..]));
/// assert_eq!(rest.image(0), [10, 11]);
/// assert_eq!(images.subset(&[2, 0]).labels(), [1, 0]);
/// # Ok::<(), modiste_dataset::ImagesError>(())
/// ```
#[derive(Clone)]
pub struct Images {
    shape: ImageShape,
    /// Shared by all slices, `[image, row, column, channel]`.
    pixels: Arc<Vec<u8>>,
    selection: Selection,
    /// Labels of the selected images.
    labels: Arc<[u16]>,
}

/// Positions of a slice's images among those that share the pixels.
#[derive(Clone)]
enum Selection {
    Range(Range<usize>),
    Indices(Arc<[usize]>),
}

impl Images {
    /// Creates images from their pixels, `[image, row, column, channel]`, and one label per image.
    ///
    /// # Errors
    /// Returns [`ImagesError::Length`] if the pixels are not exactly one image per label.
    pub fn new(shape: ImageShape, pixels: Vec<u8>, labels: Vec<u16>) -> Result<Self, ImagesError> {
        let expected = labels.len() * shape.size();
        if pixels.len() != expected {
            return Err(ImagesError::Length {
                labels: labels.len(),
                shape,
                expected,
                found: pixels.len(),
            });
        }
        Ok(Self::owned(shape, pixels, labels.into()))
    }

    /// View of all of the given images, one per label.
    pub(crate) fn owned(shape: ImageShape, pixels: Vec<u8>, labels: Arc<[u16]>) -> Self {
        Self {
            shape,
            pixels: Arc::new(pixels),
            selection: Selection::Range(0..labels.len()),
            labels,
        }
    }

    /// Shape of each image.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Returns `true` if there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Class index of each image.
    pub fn labels(&self) -> &[u16] {
        &self.labels
    }

    /// Pixels of one image, `[row, column, channel]`.
    ///
    /// # Panics
    /// If `index` is not below [`Images::len`].
    pub fn image(&self, index: usize) -> &[u8] {
        let size = self.shape.size();
        let start = self.position(index) * size;
        &self.pixels[start..start + size]
    }

    /// Iterates over the pixels, `[row, column, channel]`, and the label of each image.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], u16)> {
        (0..self.len()).map(|index| (self.image(index), self.labels[index]))
    }

    /// Pixels of all images, `[image, row, column, channel]`. Borrowed if the images lie one after the other in
    /// memory, otherwise copied.
    pub fn to_contiguous(&self) -> Cow<'_, [u8]> {
        let size = self.shape.size();
        match &self.selection {
            Selection::Range(range) => {
                Cow::Borrowed(&self.pixels[range.start * size..range.end * size])
            }
            Selection::Indices(_) => {
                let mut pixels = Vec::with_capacity(self.len() * size);
                for (image, _) in self.iter() {
                    pixels.extend_from_slice(image);
                }
                Cow::Owned(pixels)
            }
        }
    }

    /// View of the first `count` images, or of all if there are fewer.
    pub fn first(&self, count: usize) -> Self {
        self.slice(0..count.min(self.len()))
    }

    /// Views of the images before `index` and of those from `index` on. An `index` beyond the last image leaves
    /// the second slice empty.
    pub fn split_at(&self, index: usize) -> (Self, Self) {
        let index = index.min(self.len());
        (self.slice(0..index), self.slice(index..self.len()))
    }

    /// View of the images at `indices`, in that order. An index may occur more than once.
    ///
    /// # Panics
    /// If an index is not below [`Images::len`].
    pub fn subset(&self, indices: &[usize]) -> Self {
        let positions = indices.iter().map(|&index| self.position(index)).collect();
        Self {
            shape: self.shape,
            pixels: Arc::clone(&self.pixels),
            selection: Selection::Indices(positions),
            labels: indices.iter().map(|&index| self.labels[index]).collect(),
        }
    }

    fn slice(&self, range: Range<usize>) -> Self {
        let selection = match &self.selection {
            Selection::Range(all) => {
                Selection::Range(all.start + range.start..all.start + range.end)
            }
            Selection::Indices(all) => Selection::Indices(all[range.clone()].into()),
        };
        Self {
            shape: self.shape,
            pixels: Arc::clone(&self.pixels),
            selection,
            labels: self.labels[range].into(),
        }
    }

    /// Position of an image among those that share the pixels.
    fn position(&self, index: usize) -> usize {
        match &self.selection {
            Selection::Range(range) => {
                let count = range.len();
                assert!(
                    index < count,
                    "index {index} is out of range for {count} images"
                );
                range.start + index
            }
            Selection::Indices(indices) => indices[index],
        }
    }
}

/// Compares shapes, labels and pixels; two slices that select their images differently may be equal.
impl PartialEq for Images {
    fn eq(&self, other: &Self) -> bool {
        self.shape == other.shape && self.labels == other.labels && self.iter().eq(other.iter())
    }
}

impl Eq for Images {}

impl fmt::Debug for Images {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Images")
            .field("shape", &self.shape)
            .field("labels", &self.labels)
            .finish_non_exhaustive()
    }
}

/// Dataset in memory: training images, test images and class names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Name in the catalog, for example `fashion-mnist`.
    pub name: String,
    /// Class names; a label is an index into them.
    pub classes: Vec<String>,
    /// Images to train on.
    pub train: Images,
    /// Images to evaluate on.
    pub test: Images,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Images {
        let pixels = (0..18).collect();
        Images::new(ImageShape::new(2, 3, 1), pixels, vec![4, 500, 6]).expect("18 bytes, 3 labels")
    }

    #[test]
    fn split_keeps_pixels_with_labels() {
        let (front, back) = three().split_at(1);
        assert_eq!((front.len(), back.len()), (1, 2));
        assert_eq!(back.image(0), [6, 7, 8, 9, 10, 11]);
        assert_eq!(back.labels(), [500, 6]);
        assert_eq!(three().split_at(9).0, three());
        assert_eq!(three().first(1), front);
    }

    #[test]
    fn views_share_pixels() {
        let images = three();
        let (front, back) = images.split_at(1);
        let picked = back.subset(&[1, 0, 1]);
        let (train, held_out) = images.split_stratified(0.4, 1);
        for (view, index, original) in [
            (&images.clone(), 2, 2),
            (&images.first(2), 1, 1),
            (&front, 0, 0),
            (&back, 1, 2),
            (&picked, 1, 1),
            (&picked.split_at(1).1, 1, 2),
            (&picked.subset(&[2]), 0, 2),
            (&images.to_gray(), 0, 0),
        ] {
            assert!(std::ptr::eq(view.image(index), images.image(original)));
        }
        for view in [&front, &back, &picked, &train, &held_out] {
            assert!(Arc::ptr_eq(&view.pixels, &images.pixels));
        }
    }

    #[test]
    fn equality_compares_contents() {
        let images = three();
        assert_eq!(images.subset(&[0, 1, 2]), images);
        assert_eq!(images.subset(&[1, 2]), images.split_at(1).1);
        assert_ne!(images.subset(&[0, 2, 1]), images);
        let other_pixels = Images::new(images.shape(), vec![7; 18], images.labels().to_vec());
        assert_ne!(other_pixels.expect("18 bytes"), images);
        let other_labels = Images::new(images.shape(), (0..18).collect(), vec![4, 500, 7]);
        assert_ne!(other_labels.expect("18 bytes"), images);
    }

    #[test]
    fn contiguous_pixels_are_copied_only_if_needed() {
        let images = three();
        let back = images.split_at(1).1;
        assert!(std::ptr::eq(&*back.to_contiguous(), &images.pixels[6..]));
        let reversed = images.subset(&[2, 0]).to_contiguous().into_owned();
        assert_eq!(reversed, [12, 13, 14, 15, 16, 17, 0, 1, 2, 3, 4, 5]);
    }

    #[test]
    #[should_panic(expected = "index 1 is out of range for 1 images")]
    fn view_hides_other_images() {
        three().first(1).image(1);
    }

    #[test]
    fn rejects_wrong_number_of_bytes() {
        let rejected = Images::new(ImageShape::new(2, 3, 1), vec![0; 17], vec![0; 3]);
        assert_eq!(
            rejected.unwrap_err().to_string(),
            "3 labels need 18 bytes of 2x3x1 images, but there are 17 bytes"
        );
    }
}
