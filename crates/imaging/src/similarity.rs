//! Near duplicates: images that show the same scene after re-encoding, resizing or a change of brightness.

use modiste_core::Interpolation;

use crate::error::Error;
use crate::picture::Picture;
use crate::resize::resize;

/// Rows and columns of the thumbnail that is compared.
const SIDE: usize = 16;

/// Largest number of differing bits, of 256, between the hashes of near duplicates.
const MAX_DISTANCE: u32 = 26;

/// Smallest correlation between the thumbnails of near duplicates.
const MIN_CORRELATION: f32 = 0.985;

/// Compact description of an image, by which near duplicates are found.
///
/// The hash is the difference hash (dHash, Krawetz 2013) of a 16x16 thumbnail: one bit per pixel, set if the pixel is
/// brighter than its left neighbour. Images with few edges have similar hashes, so [`is_near`](Self::is_near) compares
/// the thumbnails, too.
///
/// ```
/// use modiste_core::ImageShape;
/// use modiste_imaging::{ImageSignature, Picture};
///
/// let pixels: Vec<u8> = (0..40 * 60).map(|index| (index * index % 251) as u8).collect();
/// let brighter = pixels.iter().map(|&value| value / 2 + 90).collect();
/// let signature = |pixels| {
///     let picture = Picture { shape: ImageShape::new(40, 60, 1), pixels };
///     ImageSignature::of(&picture)
/// };
/// assert!(signature(pixels)?.is_near(&signature(brighter)?));
/// # Ok::<(), modiste_imaging::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ImageSignature {
    hash: [u64; 4],
    /// Gray thumbnail, `[row, column]`, with mean 0 and norm 1; all 0 if the image has one gray level.
    thumbnail: [f32; SIDE * SIDE],
}

impl ImageSignature {
    /// Computes the signature of a gray or RGB picture.
    ///
    /// # Errors
    /// Returns [`Error::Pixels`] if the picture is empty or its length does not match its shape.
    pub fn of(picture: &Picture) -> Result<Self, Error> {
        let thumbnail = resize(picture, SIDE, SIDE, Interpolation::Area)?;
        let channels = picture.shape.channels;
        let mut gray = [0.0; SIDE * SIDE];
        for (gray, pixel) in gray.iter_mut().zip(thumbnail.pixels.chunks_exact(channels)) {
            *gray = pixel.iter().map(|&value| f32::from(value)).sum::<f32>() / channels as f32;
        }
        Ok(Self {
            hash: difference_hash(&gray),
            thumbnail: normalized(gray),
        })
    }

    /// Returns `true` if the images are probably versions of one image.
    pub fn is_near(&self, other: &Self) -> bool {
        let mut distance = 0;
        for (a, b) in self.hash.iter().zip(&other.hash) {
            distance += (a ^ b).count_ones();
            if distance > MAX_DISTANCE {
                return false;
            }
        }
        let products = self.thumbnail.iter().zip(&other.thumbnail);
        products.map(|(a, b)| a * b).sum::<f32>() >= MIN_CORRELATION
    }
}

/// One bit per pixel, set if the pixel is brighter than its left neighbour; the first column is compared with the last.
fn difference_hash(gray: &[f32; SIDE * SIDE]) -> [u64; 4] {
    let mut hash = [0; 4];
    for (index, value) in gray.iter().enumerate() {
        let row = index / SIDE * SIDE;
        let left = gray[row + (index % SIDE + SIDE - 1) % SIDE];
        hash[index / 64] |= u64::from(*value > left) << (index % 64);
    }
    hash
}

fn normalized(mut gray: [f32; SIDE * SIDE]) -> [f32; SIDE * SIDE] {
    let mean = gray.iter().sum::<f32>() / gray.len() as f32;
    gray.iter_mut().for_each(|value| *value -= mean);
    let norm = gray.iter().map(|value| value * value).sum::<f32>().sqrt();
    // A norm below one gray level of a single pixel is noise.
    let scale = if norm > 1.0 { norm.recip() } else { 0.0 };
    gray.map(|value| value * scale)
}

#[cfg(test)]
mod tests {
    use modiste_core::ImageShape;

    use super::*;
    use crate::decode_rgb;

    fn photo() -> Picture {
        decode_rgb(include_bytes!("../tests/opencv/large-612x408.jpg")).expect("a photo")
    }

    fn signature(picture: &Picture) -> ImageSignature {
        ImageSignature::of(picture).expect("a picture")
    }

    #[test]
    fn finds_resized_and_brightened_versions() {
        let original = photo();
        let smaller = resize(&original, 90, 120, Interpolation::Linear).expect("a size");
        let mut brighter = original.clone();
        brighter
            .pixels
            .iter_mut()
            .for_each(|value| *value = (f32::from(*value) * 0.8 + 30.0) as u8);
        for version in [&original, &smaller, &brighter] {
            assert!(signature(&original).is_near(&signature(version)));
        }
    }

    #[test]
    fn tells_other_images_apart() {
        let original = photo();
        let mut mirrored = original.clone();
        modiste_core::mirror(original.shape, &mut mirrored.pixels);
        assert!(!signature(&original).is_near(&signature(&mirrored)));
        // Two thin strokes at different places have nearly the same hash.
        let stroke = |column: usize| {
            let lit = |index: usize| (index % 28).abs_diff(column) < 2;
            Picture {
                shape: ImageShape::new(28, 28, 1),
                pixels: (0..28 * 28)
                    .map(|index| 255 * u8::from(lit(index)))
                    .collect(),
            }
        };
        assert!(!signature(&stroke(13)).is_near(&signature(&stroke(15))));
    }

    #[test]
    fn blank_images_are_near_nothing() {
        let blank = Picture {
            shape: ImageShape::new(9, 9, 1),
            pixels: vec![200; 81],
        };
        assert!(!signature(&blank).is_near(&signature(&blank)));
    }
}
