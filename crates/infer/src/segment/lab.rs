//! CIE L*a*b*, a colour space with perceptual distances.

use std::array;

use modiste_imaging::Picture;

/// Picture in CIE 1976 L*a*b* for the white point of sRGB (D65): lightness 0 to 100 and two colour
/// axes. The Euclidean distance approximates the perceived difference of two colours.
pub(crate) struct Lab {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) pixels: Vec<[f32; 3]>,
}

impl Lab {
    /// Converts an RGB or gray picture.
    pub(crate) fn new(picture: &Picture) -> Self {
        let linear: [f32; 256] = array::from_fn(|value| {
            let value = value as f32 / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        });
        let channels = picture.shape.channels;
        let pixels = picture.pixels.chunks_exact(channels).map(|pixel| {
            let colour = [0, 1, 2].map(|c| linear[usize::from(pixel[c.min(channels - 1)])]);
            lab(colour)
        });
        Self {
            height: picture.shape.height,
            width: picture.shape.width,
            pixels: pixels.collect(),
        }
    }

    /// Halves height and width, rounded up: means of 2x2 pixels, or fewer at the edges.
    pub(crate) fn halved(&self) -> Self {
        let (height, width) = (self.height.div_ceil(2), self.width.div_ceil(2));
        let mean = |index: usize| {
            let (row, column) = (index / width * 2, index % width * 2);
            let (below, right) = (self.height - row, self.width - column);
            let mut sum = [0.0; 3];
            for down in 0..below.min(2) {
                let start = (row + down) * self.width + column;
                for pixel in &self.pixels[start..start + right.min(2)] {
                    for (sum, value) in sum.iter_mut().zip(pixel) {
                        *sum += value;
                    }
                }
            }
            let count = (below.min(2) * right.min(2)) as f32;
            sum.map(|sum| sum / count)
        };
        Self {
            height,
            width,
            pixels: (0..height * width).map(mean).collect(),
        }
    }

    /// Box blur: means of 3x3 pixels, or fewer at the edges.
    pub(crate) fn box_blurred(&self) -> Self {
        let Self { height, width, .. } = *self;
        let mut pixels = Vec::with_capacity(self.pixels.len());
        for row in 0..height {
            let rows = row.saturating_sub(1)..(row + 2).min(height);
            for column in 0..width {
                let columns = column.saturating_sub(1)..(column + 2).min(width);
                let mut sum = [0.0; 3];
                for y in rows.clone() {
                    for pixel in &self.pixels[y * width..][columns.clone()] {
                        for (sum, value) in sum.iter_mut().zip(pixel) {
                            *sum += value;
                        }
                    }
                }
                let count = (rows.len() * columns.len()) as f32;
                pixels.push(sum.map(|sum| sum / count));
            }
        }
        Self {
            height,
            width,
            pixels,
        }
    }
}

/// Converts from linear sRGB.
fn lab([red, green, blue]: [f32; 3]) -> [f32; 3] {
    let curve = |value: f32| {
        if value > 216.0 / 24389.0 {
            value.cbrt()
        } else {
            (24389.0 / 27.0 * value + 16.0) / 116.0
        }
    };
    let x = curve((0.412_456 * red + 0.357_576 * green + 0.180_437 * blue) / 0.950_47);
    let y = curve(0.212_673 * red + 0.715_152 * green + 0.072_175 * blue);
    let z = curve((0.019_334 * red + 0.119_192 * green + 0.950_304 * blue) / 1.088_83);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// Distance of two colours.
pub(crate) fn difference(left: [f32; 3], right: [f32; 3]) -> f32 {
    let squares = left.iter().zip(right).map(|(l, r)| (l - r) * (l - r));
    squares.sum::<f32>().sqrt()
}

#[cfg(test)]
mod tests {
    use modiste_core::ImageShape;

    use super::*;

    #[track_caller]
    fn check(colour: [u8; 3], expected: [f32; 3]) {
        let picture = Picture {
            shape: ImageShape::new(1, 1, 3),
            pixels: colour.to_vec(),
        };
        let found = Lab::new(&picture).pixels[0];
        assert!(difference(found, expected) < 0.1, "{colour:?}: {found:?}");
    }

    #[test]
    fn matches_reference_values() {
        // Values from Lindbloom's calculator for sRGB and D65.
        check([255, 255, 255], [100.0, 0.0, 0.0]);
        check([0, 0, 0], [0.0, 0.0, 0.0]);
        check([255, 0, 0], [53.24, 80.09, 67.20]);
        check([0, 0, 255], [32.30, 79.19, -107.86]);
    }

    #[test]
    fn halved_is_mean_of_blocks() {
        let pixels = (0..6).map(|value| [value as f32, 1.0, -2.0]).collect();
        let lab = Lab {
            height: 2,
            width: 3,
            pixels,
        };
        let half = lab.halved();
        assert_eq!((half.height, half.width), (1, 2));
        assert_eq!(half.pixels, [[2.0, 1.0, -2.0], [3.5, 1.0, -2.0]]);
    }
}
