//! What a step hands to the next.

use modiste_dataset::ImageShape;

use crate::decode::Picture;

/// A picture on its way to a network, and how much of each pixel is the garment's.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// The pixels.
    pub picture: Picture,
    /// As many bytes as the picture has pixels, 255 where all is garment; none before a mask is
    /// found.
    pub cover: Option<Vec<u8>>,
}

impl View {
    /// A picture of which nothing is known.
    pub fn plain(picture: Picture) -> Self {
        Self {
            picture,
            cover: None,
        }
    }

    /// The picture in red, green, blue for people to look at, tinted where it is not the garment.
    pub fn shown(&self) -> Picture {
        /// What the rest is tinted with.
        const TINT: [u32; 3] = [214, 40, 120];
        let shape = self.picture.shape;
        let mut pixels = Vec::with_capacity(3 * shape.height * shape.width);
        for (index, pixel) in self.picture.pixels.chunks_exact(shape.channels).enumerate() {
            let cover = self
                .cover
                .as_ref()
                .map_or(255, |cover| u32::from(cover[index]));
            for (channel, tint) in TINT.iter().enumerate() {
                let value = u32::from(pixel[channel.min(shape.channels - 1)]);
                let tinted = (value + 2 * tint) / 3;
                pixels.push(((value * cover + tinted * (255 - cover)) / 255) as u8);
            }
        }
        Picture {
            shape: ImageShape {
                channels: 3,
                ..shape
            },
            pixels,
        }
    }

    /// The picture cut to some rows and columns.
    pub(super) fn cropped(&self, [rows, columns]: &[std::ops::Range<usize>; 2]) -> Self {
        let shape = self.picture.shape;
        let cut = |pixels: &[u8], channels: usize| -> Vec<u8> {
            rows.clone()
                .flat_map(|row| {
                    let start = row * shape.width;
                    &pixels[(start + columns.start) * channels..(start + columns.end) * channels]
                })
                .copied()
                .collect()
        };
        Self {
            picture: Picture {
                shape: ImageShape {
                    height: rows.len(),
                    width: columns.len(),
                    channels: shape.channels,
                },
                pixels: cut(&self.picture.pixels, shape.channels),
            },
            cover: self.cover.as_ref().map(|cover| cut(cover, 1)),
        }
    }

    /// The picture turned left to right.
    pub(super) fn mirrored(&self) -> Self {
        let shape = self.picture.shape;
        let turn = |pixels: &[u8], channels: usize| -> Vec<u8> {
            pixels
                .chunks_exact(shape.width * channels)
                .flat_map(|row| row.rchunks_exact(channels).flatten())
                .copied()
                .collect()
        };
        Self {
            picture: Picture {
                shape,
                pixels: turn(&self.picture.pixels, shape.channels),
            },
            cover: self.cover.as_ref().map(|cover| turn(cover, 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_mirrored_and_cropped_with_its_cover() {
        let view = View {
            picture: Picture {
                shape: ImageShape::new(2, 3, 2),
                pixels: vec![1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
            },
            cover: Some(vec![0, 10, 20, 30, 40, 50]),
        };
        let mirrored = view.mirrored();
        assert_eq!(
            mirrored.picture.pixels,
            [5, 6, 3, 4, 1, 2, 11, 12, 9, 10, 7, 8]
        );
        assert_eq!(mirrored.cover, Some(vec![20, 10, 0, 50, 40, 30]));
        assert_eq!(mirrored.mirrored(), view);
        let cropped = view.cropped(&[1..2, 1..3]);
        assert_eq!(cropped.picture.shape, ImageShape::new(1, 2, 2));
        assert_eq!(cropped.picture.pixels, [9, 10, 11, 12]);
        assert_eq!(cropped.cover, Some(vec![40, 50]));
    }
}
