//! Numbers as pictures: filters, feature maps, and where a network looked.

use modiste_core::ImageShape;
use modiste_imaging::{PngCompression, encode_png};

use crate::error::Error;

/// How a number becomes a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// Black at 0, white at the largest of each map: for what is never negative. Below 0 is black.
    Gray,
    /// Blue below 0, white at 0, red above; the largest distance from 0 of all maps is full.
    Signed,
    /// Three numbers a pixel, red, green, blue: gray at 0, the largest distance from 0 of all maps full.
    SignedRgb,
}

/// Small pictures of one size in a sheet, a gap of a pixel between them, as a PNG file.
///
/// `maps` are `[map, row, column]` (and three for each pixel of [`Colours::SignedRgb`]), `columns` of
/// them lie side by side. What is no number is black.
///
/// # Errors
/// [`Error::Drawing`] where it cannot be encoded.
///
/// # Panics
/// Where the numbers are no maps of that size, or there is none.
///
/// ```
/// use modiste_report::{Colours, maps_png};
///
/// let png = maps_png(&[0.0, 1.0, 2.0, 4.0], [1, 2], 2, Colours::Gray)?;
/// assert!(png.starts_with(b"\x89PNG"));
/// # Ok::<(), modiste_report::Error>(())
/// ```
pub fn maps_png(
    maps: &[f32],
    [height, width]: [usize; 2],
    columns: usize,
    colours: Colours,
) -> Result<Vec<u8>, Error> {
    let depth = if colours == Colours::SignedRgb { 3 } else { 1 };
    let size = height * width * depth;
    assert!(
        size > 0 && columns > 0 && !maps.is_empty() && maps.len().is_multiple_of(size),
        "{} numbers are no maps of {height}x{width}x{depth}",
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
        let most = match colours {
            Colours::Gray => map.iter().fold(0.0_f32, |most, &value| most.max(value)),
            Colours::Signed | Colours::SignedRgb => all,
        };
        let scale = if most > 0.0 { 1.0 / most } else { 0.0 };
        let (top, left) = (
            index / columns * (height + 1),
            index % columns * (width + 1),
        );
        for (place, pixel) in map.chunks_exact(depth).enumerate() {
            let value = pixel[0] * scale;
            let colour = match colours {
                Colours::Gray => [byte(value); 3],
                Colours::Signed => signed(value),
                Colours::SignedRgb => [0, 1, 2].map(|c| byte(0.5 + 0.5 * pixel[c] * scale)),
            };
            sheet.set(top + place / width, left + place % width, colour);
        }
    }
    Ok(sheet.png())
}

/// A picture with where a network looked laid over it, most in yellow, as a PNG file; its pixels are
/// enlarged so many `times`.
///
/// `pixels` are `[row, column]` of gray, or three for each pixel; `heat` says how hot a place is, 0 to 1,
/// of which it is given row and column, 0 to 1 from the upper left: see [`stretched`].
///
/// # Errors
/// [`Error::Drawing`] where it cannot be encoded.
///
/// # Panics
/// Where there are not as many pixels as the size says, or it is 0.
pub fn heat_png(
    pixels: &[u8],
    [height, width]: [usize; 2],
    times: usize,
    heat: impl Fn([f64; 2]) -> f32,
) -> Result<Vec<u8>, Error> {
    let depth = pixels.len() / (height * width);
    assert!(
        [1, 3].contains(&depth) && pixels.len() == depth * height * width,
        "{} bytes are no picture of {height}x{width}",
        pixels.len()
    );
    let mut sheet = Sheet::new(times * height, times * width);
    for row in 0..times * height {
        for column in 0..times * width {
            let start = (row / times * width + column / times) * depth;
            let pixel = [0, 1, 2].map(|c| f32::from(pixels[start + c.min(depth - 1)]) / 255.0);
            let place = [
                (row as f64 + 0.5) / (times * height) as f64,
                (column as f64 + 0.5) / (times * width) as f64,
            ];
            let heat = heat(place).clamp(0.0, 1.0);
            let hot = [1.0, (1.6 * heat - 0.5).clamp(0.0, 1.0), 0.0];
            let cover = 0.65 * heat;
            let blend = |c: usize| byte(pixel[c] * (1.0 - cover) + hot[c] * cover);
            sheet.set(row, column, [0, 1, 2].map(blend));
        }
    }
    Ok(sheet.png())
}

/// The value at a place, row and column from 0 to 1, of `values`, `[row, column]`, that are stretched
/// over a picture: between the middles of the four nearest.
///
/// ```
/// assert_eq!(modiste_report::stretched(&[0.0, 1.0], [1, 2], [0.5, 0.5]), 0.5);
/// ```
///
/// # Panics
/// Where there are not as many values as the size says, or none.
pub fn stretched(values: &[f32], [height, width]: [usize; 2], place: [f64; 2]) -> f32 {
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

/// 0 to 1 as a byte; what is no number is 0.
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

/// A picture of red, green, blue and cover: what nothing is drawn on stays as the page is.
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

    /// A PNG's rows of pixels, each as `rrggbbaa`.
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
    fn gray_maps_lie_side_by_side_each_in_its_own_range() {
        let maps = [0.0, 2.0, 0.0, 0.5, f32::NAN, -1.0];
        let png = maps_png(&maps, [1, 2], 2, Colours::Gray).expect("drawn");
        let expected = [
            "000000ff ffffffff 00000000 000000ff ffffffff",
            "00000000 00000000 00000000 00000000 00000000",
            "000000ff 000000ff 00000000 00000000 00000000",
        ];
        assert_eq!(drawn(&png), expected);
    }

    #[test]
    fn signed_maps_share_their_range() {
        let png = maps_png(&[-4.0, 0.0, 2.0, 4.0], [1, 2], 1, Colours::Signed).expect("drawn");
        let expected = [
            "0059ffff ffffffff",
            "00000000 00000000",
            "ff9980ff ff3300ff",
        ];
        assert_eq!(drawn(&png), expected);
        let nan = maps_png(&[f32::NAN, 1.0], [1, 2], 1, Colours::Signed).expect("drawn");
        assert_eq!(drawn(&nan), ["000000ff ff3300ff"]);
        // Black below 0, whatever is below.
        let gray = maps_png(&[-10.0, 3.0], [1, 2], 1, Colours::Gray).expect("drawn");
        assert_eq!(drawn(&gray), ["000000ff ffffffff"]);
        let rgb = [0.0, 1.0, -1.0];
        let png = maps_png(&rgb, [1, 1], 8, Colours::SignedRgb).expect("drawn");
        assert_eq!(drawn(&png), ["80ff00ff"]);
    }

    #[test]
    fn heat_is_stretched_over_the_picture() {
        let png = heat_png(&[100, 100], [1, 2], 4, |place| {
            stretched(&[0.0, 1.0], [1, 2], place)
        })
        .expect("drawn");
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
