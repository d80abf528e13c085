//! Sheet of images in columns with headings, and the drawing that sheets share.

use modiste_core::ImageShape;
use modiste_imaging::picture_png;

use crate::raster::{Palette, Rgb, rasterize};
use crate::scene::{Anchor, Paint, Scene, Shape};

/// An RGB image.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
    /// Bytes of shape `[row, column, 3]`.
    pub pixels: Vec<u8>,
}

impl Cell {
    /// Image with the pixels `[row, column, channel]` of `shape`. Images that do not have three channels become gray:
    /// the first channel is shown.
    ///
    /// # Panics
    /// Panics if the length of the pixels is not `shape.size()`.
    pub fn of(pixels: &[u8], shape: ImageShape) -> Self {
        assert_eq!(pixels.len(), shape.size(), "bytes of a {shape} image");
        let pixels = match shape.channels {
            3 => pixels.to_vec(),
            channels => pixels
                .iter()
                .step_by(channels.max(1))
                .flat_map(|&value| [value; 3])
                .collect(),
        };
        Self {
            height: shape.height,
            width: shape.width,
            pixels,
        }
    }
}

/// A column of a sheet.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Text above the images, cut off at the width of the column.
    pub heading: String,
    /// Images from top to bottom.
    pub cells: Vec<Cell>,
}

/// Side of the square that each image is fitted into, in pixels.
const SIDE: usize = 140;

/// Gap between images.
const GAP: usize = 12;

/// Height of the headings.
const HEAD: usize = 30;

/// Font size of the headings.
const TEXT: f64 = 15.0;

const PAPER: Rgb = [244; 3];

const INK: Rgb = [20; 3];

/// Draws the columns from left to right, as a PNG file. Small images are enlarged by a whole factor, large
/// ones are reduced by averaging.
///
/// # Panics
/// Panics if the pixels of a cell do not match its height and width.
///
/// ```
/// use modiste_report::{Cell, Column, picture_sheet};
///
/// let red = Cell { height: 1, width: 2, pixels: vec![255, 0, 0, 255, 0, 0] };
/// let png = picture_sheet(&[Column { heading: "red".into(), cells: vec![red] }]);
/// assert!(png.starts_with(b"\x89PNG"));
/// ```
pub fn picture_sheet(columns: &[Column]) -> Vec<u8> {
    let rows = columns.iter().map(|column| column.cells.len());
    let rows = rows.max().unwrap_or(0);
    let width = GAP + columns.len() * (SIDE + GAP);
    let height = HEAD + rows * (SIDE + GAP);
    let mut sheet = Cell::paper(height, width);
    for (index, column) in columns.iter().enumerate() {
        let left = GAP + index * (SIDE + GAP);
        sheet.paste(&label(&column.heading, [HEAD, SIDE], TEXT), 0, left);
        for (row, cell) in column.cells.iter().enumerate() {
            sheet.paste(&fitted(cell, SIDE), HEAD + row * (SIDE + GAP), left);
        }
    }
    picture_png(&sheet.pixels, ImageShape::new(height, width, 3))
}

/// Text that is vertically centered in a rectangle of `[height, width]`, cut off at its right.
pub(crate) fn label(text: &str, [height, width]: [usize; 2], size: f64) -> Cell {
    let start = (0.0, height as f64 / 2.0);
    let scene = Scene {
        width: width as u32,
        height: height as u32,
        shapes: vec![Shape::text(text, start, Anchor::Start, size, Paint::Ink)],
    };
    let palette = Palette {
        ink: INK,
        soft: INK,
        grid: INK,
        paper: PAPER,
        series: &[INK],
    };
    Cell {
        height,
        width,
        pixels: rasterize(&scene, &palette),
    }
}

impl Cell {
    /// Blank sheet.
    pub(crate) fn paper(height: usize, width: usize) -> Self {
        Self {
            height,
            width,
            pixels: PAPER.repeat(height * width),
        }
    }

    pub(crate) fn paste(&mut self, cell: &Self, top: usize, left: usize) {
        for row in 0..cell.height {
            let source = &cell.pixels[row * cell.width * 3..(row + 1) * cell.width * 3];
            let start = ((top + row) * self.width + left) * 3;
            self.pixels[start..start + source.len()].copy_from_slice(source);
        }
    }
}

/// Scales a cell to the largest size that fits into a square: by a whole factor if it is smaller.
pub(crate) fn fitted(cell: &Cell, square: usize) -> Cell {
    assert_eq!(
        cell.pixels.len(),
        3 * cell.height * cell.width,
        "{} bytes are not an image of {}x{}",
        cell.pixels.len(),
        cell.height,
        cell.width
    );
    let edge = cell.height.max(cell.width).max(1);
    let side = |length: usize| match square / edge {
        0 => (length * square / edge).max(1),
        times => length * times,
    };
    let (height, width) = (side(cell.height), side(cell.width));
    let span = |index: usize, from: usize, to: usize| {
        let start = index * from / to;
        start..((index + 1) * from / to).max(start + 1)
    };
    let mut pixels = Vec::with_capacity(3 * height * width);
    for row in 0..height {
        let rows = span(row, cell.height, height);
        for column in 0..width {
            let columns = span(column, cell.width, width);
            let count = (rows.len() * columns.len()) as u32;
            for channel in 0..3 {
                let sum: u32 = rows
                    .clone()
                    .flat_map(|y| columns.clone().map(move |x| (y * cell.width + x) * 3))
                    .map(|start| u32::from(cell.pixels[start + channel]))
                    .sum();
                pixels.push((sum / count) as u8);
            }
        }
    }
    Cell {
        height,
        width,
        pixels,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(height: usize, width: usize) -> Cell {
        let pixels = (0..height * width * 3).map(|index| index as u8).collect();
        Cell {
            height,
            width,
            pixels,
        }
    }

    #[test]
    fn enlarges_small_and_reduces_large_cells() {
        let grown = fitted(&cell(2, 3), SIDE);
        assert_eq!((grown.height, grown.width), (92, 138));
        assert_eq!(grown.pixels[..3], grown.pixels[45 * 3..46 * 3]);
        assert_eq!(grown.pixels[46 * 3..47 * 3], [3, 4, 5]);
        let shrunk = fitted(&cell(280, 140), SIDE);
        assert_eq!((shrunk.height, shrunk.width), (140, 70));
        let thin = fitted(&cell(1, 20_000), SIDE);
        assert_eq!((thin.height, thin.width), (1, 140));
    }

    #[test]
    fn cells_are_in_their_columns() {
        let white = |side| Cell {
            height: side,
            width: side,
            pixels: vec![255; 3 * side * side],
        };
        let column = |cells| Column {
            heading: "a heading wider than its column".into(),
            cells,
        };
        let png = picture_sheet(&[column(vec![white(28)]), column(vec![white(28), white(1)])]);
        let mut reader = png::Decoder::new(std::io::Cursor::new(png))
            .read_info()
            .expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        reader.next_frame(&mut pixels).expect("pixels");
        let at = |row: usize, column: usize| pixels[(row * 316 + column) * 3];
        assert_eq!(reader.info().size(), (316, 334));
        let margins = (0..HEAD).flat_map(|row| (152..164).map(move |column| (row, column)));
        for (row, column) in margins {
            assert_eq!(at(row, column), 244, "{row} {column}");
        }
        assert!((12..152).any(|column| at(HEAD / 2, column) < 100));
        assert_eq!(
            (at(40, 20), at(40, 170), at(200, 170), at(200, 20)),
            (255, 255, 255, 244)
        );
    }
}
