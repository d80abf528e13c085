//! Affine warp of an image with bilinear interpolation, in fixed-point numbers.

use modiste_core::ImageShape;

use super::settings::Fill;

/// Fractional bits of a coordinate.
const COORDINATE_BITS: u32 = 32;

/// Fractional bits of a weight. With 8 bits of a value and two weights, products fit 32 bits.
const WEIGHT_BITS: u32 = 11;

/// A weight of one.
const ONE: u32 = 1 << WEIGHT_BITS;

/// Warps `source` to `target`, both `[row, column, channel]`. `matrix` maps `[row, column, 1]` of a target pixel to
/// `[row, column]` of the source.
///
/// Points are rounded to 1/2048 of a pixel and interpolated exactly there, so that a value differs from the exact
/// interpolation by less than 0.75 gray levels: flips, shifts by whole pixels and rotations by right angles are exact.
///
/// # Panics
/// If the images have neither 1 nor 3 channels, or a slice has another length.
pub(super) fn warp(
    shape: ImageShape,
    source: &[u8],
    target: &mut [u8],
    matrix: &[[f64; 3]; 2],
    fill: Fill,
) {
    match shape.channels {
        1 => warp_channels::<1>(shape, source, target, matrix, fill),
        3 => warp_channels::<3>(shape, source, target, matrix, fill),
        other => panic!("images with {other} channels cannot be warped"),
    }
}

fn warp_channels<const CHANNELS: usize>(
    shape: ImageShape,
    source: &[u8],
    target: &mut [u8],
    matrix: &[[f64; 3]; 2],
    fill: Fill,
) {
    let ImageShape { height, width, .. } = shape;
    let (source, _) = source.as_chunks::<CHANNELS>();
    let (target, _) = target.as_chunks_mut::<CHANNELS>();
    assert_eq!(source.len(), height * width, "one source of the shape");
    let image = Source {
        pixels: source,
        height,
        width,
        fill,
    };
    let fixed = |value: f64| (value * (1_u64 << COORDINATE_BITS) as f64).round() as i64;
    // Half of the last bit that becomes a weight, so that points are rounded.
    let half = 1_i64 << (COORDINATE_BITS - WEIGHT_BITS - 1);
    let weight = |coordinate: i64| (coordinate >> (COORDINATE_BITS - WEIGHT_BITS)) as u32 % ONE;
    let step = matrix.map(|[_, columns, _]| fixed(columns));
    for (row, target) in target.chunks_exact_mut(width).enumerate() {
        let [mut y, mut x] =
            matrix.map(|[rows, _, offset]| fixed(rows * row as f64 + offset) + half);
        for pixel in target {
            let [top, left] = [y, x].map(|coordinate| coordinate >> COORDINATE_BITS);
            let taps = image.taps(top, left);
            *pixel = interpolate(&taps, [weight(y), weight(x)]);
            y += step[0];
            x += step[1];
        }
    }
}

/// Interpolates between four pixels: top left, top right, bottom left, bottom right. The weights are those of the bottom
/// and of the right pixels.
#[inline(always)]
fn interpolate<const CHANNELS: usize>(
    taps: &[[u8; CHANNELS]; 4],
    [down, right]: [u32; 2],
) -> [u8; CHANNELS] {
    let mut pixel = [0; CHANNELS];
    for (channel, value) in pixel.iter_mut().enumerate() {
        let [top_left, top_right, bottom_left, bottom_right] =
            taps.map(|tap| u32::from(tap[channel]));
        let top = top_left * (ONE - right) + top_right * right;
        let bottom = bottom_left * (ONE - right) + bottom_right * right;
        *value = ((top * (ONE - down) + bottom * down + ONE * ONE / 2) >> (2 * WEIGHT_BITS)) as u8;
    }
    pixel
}

/// Source of a warp.
struct Source<'a, const CHANNELS: usize> {
    pixels: &'a [[u8; CHANNELS]],
    height: usize,
    width: usize,
    fill: Fill,
}

impl<const CHANNELS: usize> Source<'_, CHANNELS> {
    /// Four neighbours of a point whose top left one is given.
    #[inline(always)]
    fn taps(&self, top: i64, left: i64) -> [[u8; CHANNELS]; 4] {
        let (height, width) = (self.height as i64, self.width as i64);
        if (0..height - 1).contains(&top) && (0..width - 1).contains(&left) {
            let start = (top * width + left) as usize;
            let upper = &self.pixels[start..start + 2];
            let lower = &self.pixels[start + self.width..start + self.width + 2];
            [upper[0], upper[1], lower[0], lower[1]]
        } else {
            self.taps_at_edge(top, left)
        }
    }

    #[cold]
    fn taps_at_edge(&self, top: i64, left: i64) -> [[u8; CHANNELS]; 4] {
        let (height, width) = (self.height as i64, self.width as i64);
        let pixel = |row: i64, column: i64| self.pixels[(row * width + column) as usize];
        [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(down, right)| {
            let (row, column) = (top + down, left + right);
            match self.fill {
                Fill::Edge => pixel(row.clamp(0, height - 1), column.clamp(0, width - 1)),
                Fill::Reflect => pixel(reflect(row, height), reflect(column, width)),
                Fill::Constant(_) if (0..height).contains(&row) && (0..width).contains(&column) => {
                    pixel(row, column)
                }
                Fill::Constant(value) => [value; CHANNELS],
            }
        })
    }
}

/// Index from 0 to `length - 1` of the mirror image at `index`, without repeating the ends.
fn reflect(index: i64, length: i64) -> i64 {
    let last = length - 1;
    if last == 0 {
        return 0;
    }
    let index = index.rem_euclid(2 * last);
    index.min(2 * last - index)
}

#[cfg(test)]
mod tests {
    use modiste_core::Rng;

    use super::*;

    /// Random pixels of an image.
    fn random(shape: ImageShape) -> Vec<u8> {
        let mut rng = Rng::new(3);
        (0..shape.size()).map(|_| rng.next_u64() as u8).collect()
    }

    fn warped(shape: ImageShape, source: &[u8], matrix: [[f64; 3]; 2], fill: Fill) -> Vec<u8> {
        let mut target = vec![7; shape.size()];
        warp(shape, source, &mut target, &matrix, fill);
        target
    }

    /// Bilinear interpolation in `f64`.
    fn reference(shape: ImageShape, source: &[u8], matrix: [[f64; 3]; 2], fill: Fill) -> Vec<f64> {
        let value = |row: f64, column: f64, channel: usize| {
            let index = |at: f64, side: usize| {
                let mut at = at;
                let last = side as f64 - 1.0;
                match fill {
                    Fill::Edge => at.clamp(0.0, last),
                    Fill::Constant(_) => at,
                    Fill::Reflect => {
                        // Reflects until the point is inside.
                        while !(0.0..=last).contains(&at) && last > 0.0 {
                            at = if at < 0.0 { -at } else { 2.0 * last - at };
                        }
                        at.clamp(0.0, last)
                    }
                }
            };
            let (row, column) = (index(row, shape.height), index(column, shape.width));
            let is_inside = (0.0..shape.height as f64).contains(&row)
                && (0.0..shape.width as f64).contains(&column);
            match fill {
                Fill::Constant(value) if !is_inside => f64::from(value),
                _ => {
                    let pixel = row as usize * shape.width + column as usize;
                    f64::from(source[pixel * shape.channels + channel])
                }
            }
        };
        let mut values = Vec::new();
        for index in 0..shape.size() {
            let (pixel, channel) = (index / shape.channels, index % shape.channels);
            let (row, column) = ((pixel / shape.width) as f64, (pixel % shape.width) as f64);
            let [y, x] =
                matrix.map(|[rows, columns, offset]| rows * row + columns * column + offset);
            let (top, left) = (y.floor(), x.floor());
            let (down, right) = (y - top, x - left);
            let upper =
                value(top, left, channel) * (1.0 - right) + value(top, left + 1.0, channel) * right;
            let lower = value(top + 1.0, left, channel) * (1.0 - right)
                + value(top + 1.0, left + 1.0, channel) * right;
            values.push(upper * (1.0 - down) + lower * down);
        }
        values
    }

    #[test]
    fn matches_f64_reference() {
        let matrices = [
            [[0.9, 0.2, -1.3], [-0.3, 1.1, 0.4]],
            [[-1.4, 0.01, 9.0], [0.7, -2.2, 3.3]],
            [[0.013, 0.4, 0.1], [0.5, 0.021, -2.7]],
            [[9.7, -3.0, -20.0], [4.0, 8.1, -31.0]],
        ];
        for (height, width, channels) in [(7, 9, 3), (8, 5, 1), (1, 4, 3), (3, 1, 1), (1, 1, 3)] {
            let shape = ImageShape::new(height, width, channels);
            let source = random(shape);
            for matrix in matrices {
                for fill in [Fill::Edge, Fill::Reflect, Fill::Constant(77)] {
                    let found = warped(shape, &source, matrix, fill);
                    let expected = reference(shape, &source, matrix, fill);
                    for (found, expected) in found.iter().zip(expected) {
                        let difference = (f64::from(*found) - expected).abs();
                        assert!(difference < 0.75, "{shape}, {fill:?}: {found}, {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn right_angles_flips_and_shifts_are_exact() {
        let shape = ImageShape::new(6, 6, 3);
        let source = random(shape);
        // As `sin_cos` rounds them.
        let (sine, cosine) = 90_f64.to_radians().sin_cos();
        let center = 2.5;
        let quarter = [
            [cosine, -sine, center - center * cosine + center * sine],
            [sine, cosine, center - center * sine - center * cosine],
        ];
        let turned = warped(shape, &source, quarter, Fill::Constant(0));
        let pixel =
            |image: &[u8], row: usize, column: usize| image[(row * 6 + column) * 3..][..3].to_vec();
        for (row, column) in (0..36).map(|index| (index / 6, index % 6)) {
            assert_eq!(pixel(&turned, row, column), pixel(&source, 5 - column, row));
        }
        let flip = [[1.0, 0.0, 0.0], [0.0, -1.0, 5.0]];
        let mut mirrored = source.clone();
        modiste_core::mirror(shape, &mut mirrored);
        assert_eq!(warped(shape, &source, flip, Fill::Edge), mirrored);
        let shift = [[1.0, 0.0, 2.0], [0.0, 1.0, -1.0]];
        let shifted = warped(shape, &source, shift, Fill::Constant(9));
        for (row, column) in (0..36).map(|index| (index / 6, index % 6)) {
            let expected = match (row + 2 < 6, column > 0) {
                (true, true) => pixel(&source, row + 2, column - 1),
                _ => vec![9; 3],
            };
            assert_eq!(pixel(&shifted, row, column), expected);
        }
    }

    #[test]
    fn reflects_without_repeating_the_edge() {
        let reflected: Vec<i64> = (-4..7).map(|index| reflect(index, 3)).collect();
        assert_eq!(reflected, [0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]);
        assert_eq!(reflect(-5, 1), 0);
    }
}
