//! What a step hands to the next.

use modiste_core::ImageShape;

use modiste_imaging::Picture;

/// A picture on its way to a network, and how much of each pixel is the garment's.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// The pixels.
    pub picture: Picture,
    /// As many bytes as the picture has pixels, 255 where all is garment; none before a mask is
    /// found.
    pub cover: Option<Vec<u8>>,
    /// Which part of the photo it shows.
    pub window: Window,
}

/// The part of a photo that a view shows: 0 is the photo's upper or left edge and 1 its lower or right
/// one. A view that has black around the photo goes beyond these.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Where the view's upper and lower edge lie.
    pub rows: [f64; 2],
    /// Where its left and right edge lie; of a mirrored view the left one lies to the right.
    pub columns: [f64; 2],
}

impl Window {
    /// The whole photo.
    pub const WHOLE: Self = Self {
        rows: [0.0, 1.0],
        columns: [0.0, 1.0],
    };

    /// Where a place of the photo lies in the view, both as row and column from 0 to 1.
    ///
    /// ```
    /// use modiste_infer::Window;
    ///
    /// let upper_half_mirrored = Window { rows: [0.0, 0.5], columns: [1.0, 0.0] };
    /// assert_eq!(upper_half_mirrored.place_of([0.25, 0.25]), [0.5, 0.75]);
    /// ```
    pub fn place_of(&self, [row, column]: [f64; 2]) -> [f64; 2] {
        let within = |place: f64, [from, to]: [f64; 2]| (place - from) / (to - from);
        [within(row, self.rows), within(column, self.columns)]
    }

    /// The part from `start` to `end` of this one's pixels, of which it has `count`: more on either side
    /// of it where they lie outside.
    fn part([from, to]: [f64; 2], count: usize, [start, end]: [f64; 2]) -> [f64; 2] {
        [start, end].map(|pixel| from + (to - from) * pixel / count as f64)
    }
}

impl View {
    /// A picture of which nothing is known, but that it shows the whole photo.
    pub fn plain(picture: Picture) -> Self {
        Self {
            picture,
            cover: None,
            window: Window::WHOLE,
        }
    }

    /// This view's window where so much is put around it: pixels above and to the left, and the height
    /// and width then.
    pub(super) fn window_within(
        &self,
        [top, left]: [usize; 2],
        [small_height, small_width]: [usize; 2],
        [height, width]: [usize; 2],
    ) -> Window {
        let part = |range, small: usize, before: usize, whole: usize| {
            let [before, whole] = [before as f64, whole as f64];
            Window::part(range, small, [-before, whole - before])
        };
        Window {
            rows: part(self.window.rows, small_height, top, height),
            columns: part(self.window.columns, small_width, left, width),
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
        let part = |window, count, range: &std::ops::Range<usize>| {
            Window::part(window, count, [range.start as f64, range.end as f64])
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
            window: Window {
                rows: part(self.window.rows, shape.height, rows),
                columns: part(self.window.columns, shape.width, columns),
            },
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
            window: Window {
                columns: [self.window.columns[1], self.window.columns[0]],
                ..self.window
            },
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
            window: Window::WHOLE,
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
        assert_eq!(cropped.window.rows, [0.5, 1.0]);
        assert_eq!(cropped.window.columns, [1.0 / 3.0, 1.0]);
        assert_eq!(mirrored.window.columns, [1.0, 0.0]);
        // The middle of the crop's last pixel, in the crop that is mirrored.
        let place = cropped.mirrored().window.place_of([0.75, 5.0 / 6.0]);
        assert!(
            (place[0] - 0.5).abs() < 1e-12 && (place[1] - 0.25).abs() < 1e-12,
            "{place:?}"
        );
        // In the middle of four by four: a row above and two below, a column on either side.
        let around = cropped.window_within([1, 1], [1, 2], [4, 4]);
        assert_eq!(around.rows, [0.0, 2.0]);
        let [left, right] = around.columns;
        assert!(
            left.abs() < 1e-12 && (right - 4.0 / 3.0).abs() < 1e-12,
            "{around:?}"
        );
    }
}
