//! TTA views: images between two steps, with a mask and a place in the photo.

use std::ops::Range;

use modiste_core::{ImageShape, mirror};
use modiste_imaging::Picture;

/// TTA view: an image between two steps, with its mask and its place in the photo.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Pixels.
    pub picture: Picture,
    /// Coverage of each pixel by the garment, `[row, column]`: 255 for the garment, 0 for the
    /// background. `None` before the segmentation.
    pub mask: Option<Vec<u8>>,
    /// Part of the photo that the view shows.
    pub window: Window,
}

/// Part of a photo that a TTA view shows. 0 is the upper or left edge of the photo, 1 the lower or right
/// edge; a view that is padded with black extends beyond.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Positions of the view's upper and lower edge.
    pub rows: [f64; 2],
    /// Positions of the view's left and right edge. In a mirrored view the left edge has the larger
    /// position.
    pub columns: [f64; 2],
}

impl Window {
    /// Window that shows the whole photo.
    pub const WHOLE: Self = Self {
        rows: [0.0, 1.0],
        columns: [0.0, 1.0],
    };

    /// Converts a position in the photo to the position in the view. Both are row and column, 0 to 1.
    ///
    /// ```
    /// use modiste_infer::Window;
    ///
    /// let upper_half_mirrored = Window { rows: [0.0, 0.5], columns: [1.0, 0.0] };
    /// assert_eq!(upper_half_mirrored.position_of([0.25, 0.25]), [0.5, 0.75]);
    /// ```
    pub fn position_of(&self, [row, column]: [f64; 2]) -> [f64; 2] {
        let within = |position: f64, [from, to]: [f64; 2]| (position - from) / (to - from);
        [within(row, self.rows), within(column, self.columns)]
    }

    /// Window of a range of rows and a range of columns of a view of `size`, height and width.
    pub(super) fn part_of(&self, size: [usize; 2], [rows, columns]: &[Range<usize>; 2]) -> Self {
        let part = |window, count, range: &Range<usize>| {
            Self::part(window, count, [range.start as f64, range.end as f64])
        };
        Self {
            rows: part(self.rows, size[0], rows),
            columns: part(self.columns, size[1], columns),
        }
    }

    /// Range of the pixels `start` to `end` of a range that has `count` pixels. They may lie outside.
    fn part([from, to]: [f64; 2], count: usize, [start, end]: [f64; 2]) -> [f64; 2] {
        [start, end].map(|pixel| from + (to - from) * pixel / count as f64)
    }
}

impl View {
    /// View of a whole photo without a mask.
    pub fn new(picture: Picture) -> Self {
        Self {
            picture,
            mask: None,
            window: Window::WHOLE,
        }
    }

    /// Window after resizing to `small` height and width and padding to `padded` height and width, with
    /// `[top, left]` pixels of padding before.
    pub(super) fn padded_window(
        &self,
        [top, left]: [usize; 2],
        small: [usize; 2],
        padded: [usize; 2],
    ) -> Window {
        let part = |range, small: usize, before: usize, padded: usize| {
            let [before, padded] = [before as f64, padded as f64];
            Window::part(range, small, [-before, padded - before])
        };
        Window {
            rows: part(self.window.rows, small[0], top, padded[0]),
            columns: part(self.window.columns, small[1], left, padded[1]),
        }
    }

    /// RGB picture for display, with the background tinted.
    pub fn overlay(&self) -> Picture {
        const TINT: [u32; 3] = [214, 40, 120];
        let shape = self.picture.shape;
        let mut pixels = Vec::with_capacity(3 * shape.height * shape.width);
        for (index, pixel) in self.picture.pixels.chunks_exact(shape.channels).enumerate() {
            let coverage = self
                .mask
                .as_ref()
                .map_or(255, |mask| u32::from(mask[index]));
            for (channel, tint) in TINT.iter().enumerate() {
                let value = u32::from(pixel[channel.min(shape.channels - 1)]);
                let tinted = (value + 2 * tint) / 3;
                pixels.push(((value * coverage + tinted * (255 - coverage)) / 255) as u8);
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

    /// Crops to a range of rows and a range of columns.
    pub(super) fn cropped(&self, [rows, columns]: &[Range<usize>; 2]) -> Self {
        let shape = self.picture.shape;
        let crop = |pixels: &[u8], channels: usize| -> Vec<u8> {
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
                pixels: crop(&self.picture.pixels, shape.channels),
            },
            mask: self.mask.as_ref().map(|mask| crop(mask, 1)),
            window: self.window.part_of(
                [shape.height, shape.width],
                &[rows.clone(), columns.clone()],
            ),
        }
    }

    /// Horizontal mirror image.
    pub(super) fn mirrored(&self) -> Self {
        let mut view = self.clone();
        let shape = view.picture.shape;
        mirror(shape, &mut view.picture.pixels);
        if let Some(mask) = &mut view.mask {
            let plane = ImageShape {
                channels: 1,
                ..shape
            };
            mirror(plane, mask);
        }
        view.window.columns.reverse();
        view
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_and_crops_with_mask_and_window() {
        let view = View {
            picture: Picture {
                shape: ImageShape::new(2, 3, 2),
                pixels: vec![1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
            },
            mask: Some(vec![0, 10, 20, 30, 40, 50]),
            window: Window::WHOLE,
        };
        let mirrored = view.mirrored();
        assert_eq!(
            mirrored.picture.pixels,
            [5, 6, 3, 4, 1, 2, 11, 12, 9, 10, 7, 8]
        );
        assert_eq!(mirrored.mask, Some(vec![20, 10, 0, 50, 40, 30]));
        assert_eq!(mirrored.mirrored(), view);
        let cropped = view.cropped(&[1..2, 1..3]);
        assert_eq!(cropped.picture.shape, ImageShape::new(1, 2, 2));
        assert_eq!(cropped.picture.pixels, [9, 10, 11, 12]);
        assert_eq!(cropped.mask, Some(vec![40, 50]));
        assert_eq!(cropped.window.rows, [0.5, 1.0]);
        assert_eq!(cropped.window.columns, [1.0 / 3.0, 1.0]);
        assert_eq!(mirrored.window.columns, [1.0, 0.0]);
        // The centre of the last pixel of the crop, in the mirrored crop.
        let position = cropped.mirrored().window.position_of([0.75, 5.0 / 6.0]);
        assert!(
            (position[0] - 0.5).abs() < 1e-12 && (position[1] - 0.25).abs() < 1e-12,
            "{position:?}"
        );
        // Centred in 4x4: one row of padding above and two below, one column on either side.
        let padded = cropped.padded_window([1, 1], [1, 2], [4, 4]);
        assert_eq!(padded.rows, [0.0, 2.0]);
        let [left, right] = padded.columns;
        assert!(
            left.abs() < 1e-12 && (right - 4.0 / 3.0).abs() < 1e-12,
            "{padded:?}"
        );
    }
}
