//! Arrays as images: filters, feature maps and heat maps.

use modiste_core::ImageShape;
use modiste_imaging::{PngCompression, encode_png};

/// Mapping of numbers to colors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colormap {
    /// Black at 0 and below, white at the largest value of each map: for values that are never negative.
    Gray,
    /// Blue below 0, white at 0, red above. The largest magnitude of all maps has the full color.
    Signed,
    /// Three numbers for each pixel: red, green, blue. Gray at 0, full color at the largest magnitude of all
    /// maps.
    SignedRgb,
}

/// Draws maps of one size in a grid with a gap of one pixel, as a PNG file.
///
/// `maps` has the shape `[map, row, column]`, or `[map, row, column, 3]` for [`Colormap::SignedRgb`]. A row
/// of the grid has `columns` maps. NaN is black.
///
/// # Panics
/// Panics if the length of `maps` is not a multiple of the map size, or is 0.
///
/// ```
/// use modiste_report::{Colormap, maps_png};
///
/// let png = maps_png(&[0.0, 1.0, 2.0, 4.0], [1, 2], 2, Colormap::Gray);
/// assert!(png.starts_with(b"\x89PNG"));
/// ```
pub fn maps_png(
    maps: &[f32],
    [height, width]: [usize; 2],
    columns: usize,
    colormap: Colormap,
) -> Vec<u8> {
    let depth = if colormap == Colormap::SignedRgb {
        3
    } else {
        1
    };
    let size = height * width * depth;
    assert!(
        size > 0 && columns > 0 && !maps.is_empty() && maps.len().is_multiple_of(size),
        "{} numbers are not maps of {height}x{width}x{depth}",
        maps.len()
    );
    let count = maps.len() / size;
    let columns = columns.min(count);
    let rows = count.div_ceil(columns);
    let largest = |values: &[f32]| {
        values
            .iter()
            .fold(0.0_f32, |most, value| most.max(value.abs()))
    };
    let all = largest(maps);
    let mut sheet = Sheet::new(rows * (height + 1) - 1, columns * (width + 1) - 1);
    for (index, map) in maps.chunks_exact(size).enumerate() {
        let most = match colormap {
            Colormap::Gray => map.iter().fold(0.0_f32, |most, &value| most.max(value)),
            Colormap::Signed | Colormap::SignedRgb => all,
        };
        let scale = if most > 0.0 { 1.0 / most } else { 0.0 };
        let (top, left) = (
            index / columns * (height + 1),
            index % columns * (width + 1),
        );
        for (place, pixel) in map.chunks_exact(depth).enumerate() {
            let value = pixel[0] * scale;
            let color = match colormap {
                Colormap::Gray => [byte(value); 3],
                Colormap::Signed => signed(value),
                Colormap::SignedRgb => [0, 1, 2].map(|c| byte(0.5 + 0.5 * pixel[c] * scale)),
            };
            sheet.set(top + place / width, left + place % width, color);
        }
    }
    sheet.png()
}

/// Draws a heat map over an image, from red to yellow, as a PNG file.
///
/// `pixels` has the shape `[row, column]` (gray) or `[row, column, 3]`; each pixel becomes `scale` x `scale`
/// pixels. `heat` returns the heat from 0 to 1 at a place `[row, column]`, in fractions of the image from
/// the upper left: see [`bilinear`].
///
/// # Panics
/// Panics if `pixels` does not have the given size, or the size is 0.
pub fn heatmap_png(
    pixels: &[u8],
    [height, width]: [usize; 2],
    scale: usize,
    heat: impl Fn([f64; 2]) -> f32,
) -> Vec<u8> {
    let depth = pixels.len() / (height * width);
    assert!(
        [1, 3].contains(&depth) && pixels.len() == depth * height * width,
        "{} bytes are not an image of {height}x{width}",
        pixels.len()
    );
    let mut sheet = Sheet::new(scale * height, scale * width);
    for row in 0..scale * height {
        for column in 0..scale * width {
            let start = (row / scale * width + column / scale) * depth;
            let pixel = [0, 1, 2].map(|c| f32::from(pixels[start + c.min(depth - 1)]) / 255.0);
            let place = [
                (row as f64 + 0.5) / (scale * height) as f64,
                (column as f64 + 0.5) / (scale * width) as f64,
            ];
            let heat = heat(place).clamp(0.0, 1.0);
            let hot = [1.0, (1.6 * heat - 0.5).clamp(0.0, 1.0), 0.0];
            let cover = 0.65 * heat;
            let blend = |c: usize| byte(pixel[c] * (1.0 - cover) + hot[c] * cover);
            sheet.set(row, column, [0, 1, 2].map(blend));
        }
    }
    sheet.png()
}

/// Bilinear interpolation of `values`, shape `[row, column]`, at a place `[row, column]` in fractions of the
/// height and width. A value is at the center of its cell; beyond the outermost centers it is constant.
///
/// ```
/// assert_eq!(modiste_report::bilinear(&[0.0, 1.0], [1, 2], [0.5, 0.5]), 0.5);
/// ```
///
/// # Panics
/// Panics if `values` does not have the given size, or is empty.
pub fn bilinear(values: &[f32], [height, width]: [usize; 2], place: [f64; 2]) -> f32 {
    let side = |place: f64, length: usize| {
        let at = (place * length as f64 - 0.5).clamp(0.0, (length - 1) as f64);
        let low = at.floor() as usize;
        (low, (low + 1).min(length - 1), (at - at.floor()) as f32)
    };
    let ((top, bottom, down), (left, right, along)) =
        (side(place[0], height), side(place[1], width));
    let row = |row: usize| {
        let [a, b] = [left, right].map(|column| values[row * width + column]);
        a + (b - a) * along
    };
    let (upper, lower) = (row(top), row(bottom));
    upper + (lower - upper) * down
}

/// 0 to 1 as a byte. NaN is 0.
fn byte(value: f32) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0).round() as u8
}

fn signed(value: f32) -> [u8; 3] {
    if value.is_nan() {
        return [0; 3];
    }
    let fade = byte(1.0 - value.abs());
    if value < 0.0 {
        [fade, byte(1.0 - 0.65 * value.abs()), 255]
    } else {
        [255, byte(1.0 - 0.8 * value.abs()), fade]
    }
}

/// An RGBA image, transparent until it is drawn on.
struct Sheet {
    height: usize,
    width: usize,
    pixels: Vec<u8>,
}

impl Sheet {
    fn new(height: usize, width: usize) -> Self {
        Self {
            height,
            width,
            pixels: vec![0; 4 * height * width],
        }
    }

    fn set(&mut self, row: usize, column: usize, [red, green, blue]: [u8; 3]) {
        let start = 4 * (row * self.width + column);
        self.pixels[start..start + 4].copy_from_slice(&[red, green, blue, u8::MAX]);
    }

    fn png(&self) -> Vec<u8> {
        let shape = ImageShape::new(self.height, self.width, 4);
        encode_png(&self.pixels, shape, PngCompression::Small)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of a PNG file, each pixel as `rrggbbaa`.
    fn drawn(png: &[u8]) -> Vec<String> {
        let mut reader = png::Decoder::new(std::io::Cursor::new(png))
            .read_info()
            .expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        reader.next_frame(&mut pixels).expect("pixels");
        let width = reader.info().width as usize;
        let pixel = |pixel: &[u8]| {
            pixel
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        let row = |row: &[u8]| row.chunks(4).map(pixel).collect::<Vec<_>>().join(" ");
        pixels.chunks(4 * width).map(row).collect()
    }

    #[test]
    fn gray_maps_have_a_range_each() {
        let maps = [0.0, 2.0, 0.0, 0.5, f32::NAN, -1.0];
        let png = maps_png(&maps, [1, 2], 2, Colormap::Gray);
        let expected = [
            "000000ff ffffffff 00000000 000000ff ffffffff",
            "00000000 00000000 00000000 00000000 00000000",
            "000000ff 000000ff 00000000 00000000 00000000",
        ];
        assert_eq!(drawn(&png), expected);
    }

    #[test]
    fn signed_maps_share_a_range() {
        let png = maps_png(&[-4.0, 0.0, 2.0, 4.0], [1, 2], 1, Colormap::Signed);
        let expected = [
            "0059ffff ffffffff",
            "00000000 00000000",
            "ff9980ff ff3300ff",
        ];
        assert_eq!(drawn(&png), expected);
        let nan = maps_png(&[f32::NAN, 1.0], [1, 2], 1, Colormap::Signed);
        assert_eq!(drawn(&nan), ["000000ff ff3300ff"]);
        // Black below 0.
        let gray = maps_png(&[-10.0, 3.0], [1, 2], 1, Colormap::Gray);
        assert_eq!(drawn(&gray), ["000000ff ffffffff"]);
        let rgb = [0.0, 1.0, -1.0];
        let png = maps_png(&rgb, [1, 1], 8, Colormap::SignedRgb);
        assert_eq!(drawn(&png), ["80ff00ff"]);
    }

    #[test]
    fn heatmap_is_interpolated() {
        let png = heatmap_png(&[100, 100], [1, 2], 4, |place| {
            bilinear(&[0.0, 1.0], [1, 2], place)
        });
        let rows = drawn(&png);
        assert_eq!((rows.len(), &rows[0]), (4, &rows[3]));
        let pixels: Vec<&str> = rows[0].split(' ').collect();
        assert_eq!((pixels.len(), pixels[0]), (8, "646464ff"));
        // 0.35 of the gray and 0.65 of yellow.
        assert_eq!(pixels[7], "c9c923ff");
        let reds: Vec<u8> = pixels
            .iter()
            .map(|pixel| u8::from_str_radix(&pixel[..2], 16).expect("two digits"))
            .collect();
        assert!(reds.is_sorted(), "{reds:?}");
    }
}
