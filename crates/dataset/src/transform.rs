//! Conversion to gray and horizontal flips.

use modiste_core::{ImageShape, mirror};

use crate::images::Images;

impl Images {
    /// Converts the images to gray: `0.299 R + 0.587 G + 0.114 B` (ITU-R BT.601). Returns a slice of the same
    /// pixels if they are gray already.
    ///
    /// # Panics
    /// If the images have neither 1 nor 3 channels.
    #[must_use]
    pub fn to_gray(&self) -> Self {
        let gray = |colour: &[u8]| {
            let [red, green, blue] = [0, 1, 2].map(|channel| u32::from(colour[channel]));
            ((299 * red + 587 * green + 114 * blue + 500) / 1000) as u8
        };
        match self.shape().channels {
            1 => self.clone(),
            3 => {
                let shape = ImageShape {
                    channels: 1,
                    ..self.shape()
                };
                let mut pixels = Vec::with_capacity(self.len() * shape.size());
                for (image, _) in self.iter() {
                    pixels.extend(image.chunks_exact(3).map(gray));
                }
                Self::owned(shape, pixels, self.labels().into())
            }
            other => panic!("images with {other} channels cannot be converted to gray"),
        }
    }

    /// Copies the images, each flipped left to right.
    #[must_use]
    pub fn flipped_horizontally(&self) -> Self {
        let mut pixels = Vec::with_capacity(self.len() * self.shape().size());
        for (image, _) in self.iter() {
            pixels.extend_from_slice(image);
        }
        mirror(self.shape(), &mut pixels);
        Self::owned(self.shape(), pixels, self.labels().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gray_weights_channels_by_luma() {
        let pixels = [[255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]].concat();
        let images = Images::new(ImageShape::new(2, 2, 3), pixels, vec![3]).expect("one image");
        let gray = images.to_gray();
        assert_eq!(gray.shape(), ImageShape::new(2, 2, 1));
        assert_eq!(
            (gray.image(0), gray.labels()),
            (&[255, 76, 150, 29][..], &[3][..])
        );
        assert_eq!(gray.to_gray(), gray);
    }

    #[test]
    fn flip_reverses_rows_and_keeps_channels() {
        let pixels = (0..12).collect();
        let gray = Images::new(ImageShape::new(2, 3, 1), pixels, vec![0, 1]).expect("two images");
        assert_eq!(gray.flipped_horizontally().image(1), [8, 7, 6, 11, 10, 9]);
        let pixels = (0..12).collect();
        let colours = Images::new(ImageShape::new(2, 2, 3), pixels, vec![0]).expect("one image");
        let flipped = colours.flipped_horizontally();
        assert_eq!(flipped.image(0), [3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8]);
        assert_eq!(flipped.flipped_horizontally(), colours);
    }
}
