//! Conversion to gray and to other shapes, and horizontal flips.

use modiste_core::{Fit, ImageShape, luma, mirror};
use modiste_imaging::{Picture, fit};
use rayon::prelude::*;

use crate::images::Images;
use crate::pixels::ReadError;

impl Images {
    /// Converts the images to gray: `0.299 R + 0.587 G + 0.114 B` (ITU-R BT.601). Returns a slice of the same
    /// pixels if they are gray already, and otherwise a copy in memory.
    ///
    /// # Errors
    /// Returns the error of [`Images::image`].
    ///
    /// # Panics
    /// If the images have neither 1 nor 3 channels.
    pub fn to_gray(&self) -> Result<Self, ReadError> {
        match self.shape().channels {
            1 => Ok(self.clone()),
            3 => {
                let shape = ImageShape {
                    channels: 1,
                    ..self.shape()
                };
                let mut pixels = Vec::with_capacity(self.len() * shape.size());
                for item in self.iter() {
                    pixels.extend(item?.0.as_chunks().0.iter().copied().map(luma));
                }
                Ok(Self::owned(shape, pixels, self.labels().into()))
            }
            other => panic!("images with {other} channels cannot be converted to gray"),
        }
    }

    /// Copies the images into memory in another shape: gray and RGB are converted into each other, and the size is fitted
    /// as preprocessing does it with image files.
    ///
    /// # Errors
    /// Returns the error of [`Images::image`].
    ///
    /// # Panics
    /// If a shape has neither 1 nor 3 channels, a side is 0, or an image is larger than
    /// [`MAX_PIXELS`](modiste_imaging::MAX_PIXELS).
    ///
    /// ```
    /// use modiste_dataset::{Fit, ImageShape, Images};
    ///
    /// let gray = Images::new(ImageShape::new(1, 2, 1), vec![10, 20], vec![4])?;
    /// let colour = gray.fitted(ImageShape::new(2, 2, 3), Fit::Pad)?;
    /// assert_eq!(*colour.image(0)?, [10, 10, 10, 20, 20, 20, 0, 0, 0, 0, 0, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fitted(&self, shape: ImageShape, mode: Fit) -> Result<Self, ReadError> {
        let fitted: Vec<Vec<u8>> = (0..self.len())
            .into_par_iter()
            .map(|index| {
                let picture = Picture {
                    shape: self.shape(),
                    pixels: self.image(index)?.into_owned(),
                };
                Ok(fitted_pixels(picture, shape, mode)
                    .expect("shapes with pixels of 1 or 3 channels"))
            })
            .collect::<Result<_, ReadError>>()?;
        Ok(Self::owned(shape, fitted.concat(), self.labels().into()))
    }

    /// Copies the images into memory, each flipped left to right.
    ///
    /// # Errors
    /// Returns the error of [`Images::image`].
    pub fn flipped_horizontally(&self) -> Result<Self, ReadError> {
        let mut pixels = self.to_contiguous()?.into_owned();
        mirror(self.shape(), &mut pixels);
        Ok(Self::owned(self.shape(), pixels, self.labels().into()))
    }
}

/// Converts a picture between gray and RGB, and fits it; `None` if the shape is invalid.
pub(crate) fn fitted_pixels(picture: Picture, shape: ImageShape, mode: Fit) -> Option<Vec<u8>> {
    let converted = match (picture.shape.channels, shape.channels) {
        (from, to) if from == to => picture,
        (1, 3) => Picture {
            pixels: picture.pixels.iter().flat_map(|&gray| [gray; 3]).collect(),
            shape: ImageShape {
                channels: 3,
                ..picture.shape
            },
        },
        (3, 1) => {
            let images = Images::new(picture.shape, picture.pixels, vec![0]).ok()?;
            let gray = images.to_gray().ok()?;
            Picture {
                shape: gray.shape(),
                pixels: gray.to_contiguous().ok()?.into_owned(),
            }
        }
        _ => return None,
    };
    let fitted = fit(converted, shape.height, shape.width, mode).ok()?;
    Some(fitted.pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gray_weights_channels_by_luma() {
        let pixels = [[255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]].concat();
        let images = Images::new(ImageShape::new(2, 2, 3), pixels, vec![3]).expect("one image");
        let gray = images.to_gray().expect("in memory");
        assert_eq!(gray.shape(), ImageShape::new(2, 2, 1));
        assert_eq!(
            (gray.image(0).as_deref(), gray.labels()),
            (Ok(&[255, 76, 150, 29][..]), &[3][..])
        );
        assert_eq!(gray.to_gray(), Ok(gray));
    }

    #[test]
    fn flip_reverses_rows_and_keeps_channels() {
        let pixels = (0..12).collect();
        let gray = Images::new(ImageShape::new(2, 3, 1), pixels, vec![0, 1]).expect("two images");
        let flipped = gray.flipped_horizontally().expect("in memory");
        assert_eq!(flipped.image(1).as_deref(), Ok(&[8, 7, 6, 11, 10, 9][..]));
        let pixels = (0..12).collect();
        let colours = Images::new(ImageShape::new(2, 2, 3), pixels, vec![0]).expect("one image");
        let flipped = colours.flipped_horizontally().expect("in memory");
        let expected = [3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8];
        assert_eq!(flipped.image(0).as_deref(), Ok(&expected[..]));
        assert_eq!(flipped.flipped_horizontally(), Ok(colours));
    }
}
