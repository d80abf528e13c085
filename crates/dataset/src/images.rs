//! Labelled images: cheap slices of shared pixels.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use modiste_core::{Fit, ImageShape};

use crate::pixels::{Pixels, ReadError};

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
/// Pixels are bytes in the order row, column, channel, in memory or in a file. `Images` is a slice: clones and
/// subsets share the pixels and copy only the labels. A slice of images in memory keeps the pixels of all of them,
/// however few it selects. Images in a file are read when they are needed, so that they may be larger than memory.
///
/// ```
/// use modiste_dataset::{ImageShape, Images};
///
/// let images = Images::new(ImageShape::new(1, 2, 1), vec![0, 1, 10, 11, 20, 21], vec![0, 300, 1])?;
/// let (first, rest) = images.split_at(1);
/// assert_eq!((first.len(), rest.labels()), (1, &[300, 1][..]));
/// assert_eq!(*rest.image(0)?, [10, 11]);
/// assert_eq!(images.subset(&[2, 0]).labels(), [1, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Images {
    shape: ImageShape,
    /// Shared by all slices, `[image, row, column, channel]`.
    pixels: Pixels,
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
        Self::stored(shape, Pixels::Memory(Arc::new(pixels)), labels)
    }

    /// View of stored pixels, one image per label.
    pub(crate) fn stored(shape: ImageShape, pixels: Pixels, labels: Arc<[u16]>) -> Self {
        Self {
            shape,
            pixels,
            selection: Selection::Range(0..labels.len()),
            labels,
        }
    }

    /// View of the same pixels with other labels, one per image.
    ///
    /// # Panics
    /// If the number of labels differs from the number of images.
    #[must_use]
    pub fn with_labels(&self, labels: Vec<u16>) -> Self {
        assert_eq!(labels.len(), self.len(), "one label per image");
        Self {
            labels: labels.into(),
            ..self.clone()
        }
    }

    /// Opens images whose pixels, `[image, row, column, channel]`, are in a file from `offset` on, with one label per
    /// image. The pixels are read when they are needed.
    ///
    /// # Errors
    /// Returns [`ReadError`] if the file cannot be opened or is too short.
    ///
    /// ```
    /// use modiste_dataset::{ImageShape, Images};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("pixels");
    /// std::fs::write(&path, [0, 0, 10, 11, 20, 21])?;
    /// let images = Images::open(ImageShape::new(1, 2, 1), &path, 2, vec![0, 1])?;
    /// assert_eq!(*images.image(1)?, [20, 21]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(
        shape: ImageShape,
        path: &Path,
        offset: u64,
        labels: Vec<u16>,
    ) -> Result<Self, ReadError> {
        let pixels = Pixels::open(path, offset, (labels.len() * shape.size()) as u64)?;
        Ok(Self::stored(shape, pixels, labels.into()))
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

    /// Pixels of one image, `[row, column, channel]`. Borrowed if they are in memory.
    ///
    /// # Errors
    /// Returns [`ReadError`] if the pixels are in a file that cannot be read. Images in memory give no error.
    ///
    /// # Panics
    /// If `index` is not below [`Images::len`].
    pub fn image(&self, index: usize) -> Result<Cow<'_, [u8]>, ReadError> {
        let size = self.shape.size();
        self.pixels.get(self.position(index) * size, size)
    }

    /// Reads the images at `indices` into `pixels`, `[image, row, column, channel]`, which is resized.
    ///
    /// # Errors
    /// Returns the error of [`Images::image`].
    ///
    /// # Panics
    /// If an index is not below [`Images::len`].
    pub fn read(&self, indices: &[usize], pixels: &mut Vec<u8>) -> Result<(), ReadError> {
        let size = self.shape.size();
        pixels.resize(indices.len() * size, 0);
        for (place, &index) in indices.iter().enumerate() {
            let image = &mut pixels[place * size..(place + 1) * size];
            self.pixels.read(self.position(index) * size, image)?;
        }
        Ok(())
    }

    /// Reads the images at `indices` as [`read`](Self::read) does; the pixels of an index beyond the last image are 0.
    pub(crate) fn read_or_blank(
        &self,
        indices: &[usize],
        pixels: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let size = self.shape.size();
        pixels.resize(indices.len() * size, 0);
        for (image, &index) in pixels.chunks_exact_mut(size).zip(indices) {
            match index < self.len() {
                true => self.pixels.read(self.position(index) * size, image)?,
                false => image.fill(0),
            }
        }
        Ok(())
    }

    /// Iterates over the pixels, `[row, column, channel]`, and the label of each image.
    ///
    /// # Errors
    /// An item is the error of [`Images::image`].
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Result<(Cow<'_, [u8]>, u16), ReadError>> {
        (0..self.len()).map(|index| Ok((self.image(index)?, self.labels[index])))
    }

    /// Pixels of all images, `[image, row, column, channel]`. Borrowed if the images lie one after the other in
    /// memory, otherwise copied.
    ///
    /// # Errors
    /// Returns the error of [`Images::image`].
    pub fn to_contiguous(&self) -> Result<Cow<'_, [u8]>, ReadError> {
        let size = self.shape.size();
        match &self.selection {
            Selection::Range(range) => self.pixels.get(range.start * size, range.len() * size),
            Selection::Indices(_) => {
                let indices: Vec<usize> = (0..self.len()).collect();
                let mut pixels = Vec::new();
                self.read(&indices, &mut pixels)?;
                Ok(Cow::Owned(pixels))
            }
        }
    }

    /// Returns `true` if the pixels are in memory, not in a file.
    pub fn is_in_memory(&self) -> bool {
        matches!(self.pixels, Pixels::Memory(_))
    }

    /// Images in memory: this slice if it is in memory, or else a copy of its images.
    ///
    /// # Errors
    /// Returns the error of [`Images::image`].
    pub fn to_memory(&self) -> Result<Self, ReadError> {
        match &self.pixels {
            Pixels::Memory(_) => Ok(self.clone()),
            Pixels::File(_) => {
                let pixels = self.to_contiguous()?.into_owned();
                Ok(Self::owned(self.shape, pixels, Arc::clone(&self.labels)))
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
            pixels: self.pixels.clone(),
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
            pixels: self.pixels.clone(),
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

/// Compares shapes, labels and pixels; two slices that select their images differently may be equal. Images that
/// cannot be read differ from all others.
impl PartialEq for Images {
    fn eq(&self, other: &Self) -> bool {
        let same_pixels =
            |(one, two): (_, _)| matches!((one, two), (Ok(one), Ok(two)) if one == two);
        self.shape == other.shape
            && self.labels == other.labels
            && self.iter().zip(other.iter()).all(same_pixels)
    }
}

impl fmt::Debug for Images {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Images")
            .field("shape", &self.shape)
            .field("labels", &self.labels)
            .finish_non_exhaustive()
    }
}

/// Dataset: training, validation and test images, and class names.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Name in the catalog, for example `fashion-mnist`, or name of the own images.
    pub name: String,
    /// Class names; a label is an index into them.
    pub classes: Vec<String>,
    /// Images to train on.
    pub train: Images,
    /// Images that are measured after each epoch. `None` means the test images.
    pub validation: Option<Images>,
    /// Images to evaluate on.
    pub test: Images,
    /// Way in which image files were brought to their shape, which prediction has to repeat. `None` for a dataset of the
    /// catalog, and for files that a [`FileDecoder`](crate::FileDecoder) decoded.
    pub fit: Option<Fit>,
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
        assert_eq!(*back.image(0).expect("in memory"), [6, 7, 8, 9, 10, 11]);
        assert_eq!(back.labels(), [500, 6]);
        assert_eq!(three().split_at(9).0, three());
        assert_eq!(three().first(1), front);
    }

    #[test]
    fn views_share_pixels() {
        let images = three();
        let (front, back) = images.split_at(1);
        let picked = back.subset(&[1, 0, 1]);
        let train = images.split_stratified(0.4, 1).0;
        for (view, index, original) in [
            (&images.clone(), 2, 2),
            (&images.first(2), 1, 1),
            (&front, 0, 0),
            (&back, 1, 2),
            (&picked, 1, 1),
            (&picked.split_at(1).1, 1, 2),
            (&picked.subset(&[2]), 0, 2),
            (&images.to_gray().expect("gray"), 0, 0),
            (&images.to_memory().expect("in memory"), 1, 1),
            (&train, 0, 0),
        ] {
            let [viewed, original] = [view.image(index), images.image(original)];
            let [viewed, original] = [viewed, original].map(|image| image.expect("in memory"));
            assert!(std::ptr::eq(&*viewed, &*original));
        }
    }

    #[test]
    fn images_in_a_file_equal_those_in_memory() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pixels");
        let bytes: Vec<u8> = (0..21).map(|at: u8| at.wrapping_sub(3)).collect();
        std::fs::write(&path, bytes).expect("written");
        let memory = three();
        let file = Images::open(memory.shape(), &path, 3, memory.labels().to_vec());
        let file = file.expect("long enough");
        assert_eq!(file, memory);
        assert_eq!(file.subset(&[2, 0]), memory.subset(&[2, 0]));
        assert_eq!(
            file.split_at(1).1.to_memory().expect("read"),
            memory.split_at(1).1
        );
        for images in [&file.subset(&[2, 0]), &file.split_at(1).1] {
            let bytes = images.to_contiguous().expect("read");
            let copies: Vec<u8> = (0..2)
                .flat_map(|i| images.image(i).expect("read").into_owned())
                .collect();
            assert_eq!(*bytes, *copies);
        }
        std::fs::write(&path, [0; 10]).expect("truncated");
        let error = file.image(2).unwrap_err();
        assert_eq!(error.path, path);
        assert_ne!(file, file.clone());
        assert!(file.to_memory().is_err() && file.to_gray().is_ok());
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
        let (all, rest) = (
            images.to_contiguous().expect("in memory"),
            back.to_contiguous(),
        );
        assert!(std::ptr::eq(&*rest.expect("in memory"), &all[6..]));
        let reversed = images.subset(&[2, 0]);
        let reversed = reversed.to_contiguous().expect("in memory");
        assert_eq!(*reversed, [12, 13, 14, 15, 16, 17, 0, 1, 2, 3, 4, 5]);
    }

    #[test]
    #[should_panic(expected = "index 1 is out of range for 1 images")]
    fn view_hides_other_images() {
        three().first(1).image(1).ok();
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
