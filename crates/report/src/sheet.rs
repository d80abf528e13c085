//! Pictures side by side, in columns with headings.

use modiste_core::ImageShape;
use modiste_imaging::picture_png;

use crate::error::Error;
use crate::letters::Letters;

/// A picture of red, green, blue.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// `[row, column, channel]`.
    pub pixels: Vec<u8>,
}

/// Pictures below each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// What stands above them.
    pub heading: String,
    /// From top to bottom.
    pub cells: Vec<Cell>,
}

/// The square that each picture is fitted into, in pixels.
const SIDE: usize = 140;

/// Between pictures.
const GAP: usize = 12;

/// For the heading.
const HEAD: usize = 30;

/// The height of its letters.
const LETTERS: f32 = 15.0;

/// What is around the pictures.
const PAPER: [u8; 3] = [244, 244, 244];

/// Draws the columns from left to right, as PNG. Small pictures become larger by whole pixels; large
/// ones smaller, by the mean of what each pixel covers.
///
/// # Errors
/// [`Error`] where it cannot be drawn.
///
/// # Panics
/// Where a cell has not as many pixels as it says.
///
/// ```
/// use modiste_report::{Cell, Column, picture_sheet};
///
/// let red = Cell { height: 1, width: 2, pixels: vec![255, 0, 0, 255, 0, 0] };
/// let png = picture_sheet(&[Column { heading: "red".into(), cells: vec![red] }])?;
/// assert!(png.starts_with(b"\x89PNG"));
/// # Ok::<(), modiste_report::Error>(())
/// ```
pub fn picture_sheet(columns: &[Column]) -> Result<Vec<u8>, Error> {
    let letters = Letters::load().map_err(Error::drawing)?;
    let rows = columns.iter().map(|column| column.cells.len());
    let rows = rows.max().unwrap_or(0);
    let width = GAP + columns.len() * (SIDE + GAP);
    let height = HEAD + rows * (SIDE + GAP);
    let mut sheet = Cell {
        height,
        width,
        pixels: PAPER.repeat(height * width),
    };
    for (index, column) in columns.iter().enumerate() {
        let left = GAP + index * (SIDE + GAP);
        for ink in letters.ink(&column.heading, LETTERS) {
            let (x, y) = (left as i32 + ink.x, HEAD as i32 / 2 + ink.y);
            let paper = f32::from(PAPER[0]);
            let value = (paper * (1.0 - ink.cover) + 20.0 * ink.cover) as u8;
            if x < (left + SIDE) as i32 {
                sheet.set(y as usize, x as usize, [value; 3]);
            }
        }
        for (row, cell) in column.cells.iter().enumerate() {
            sheet.paste(&fitted(cell), HEAD + row * (SIDE + GAP), left);
        }
    }
    Ok(picture_png(
        &sheet.pixels,
        ImageShape::new(height, width, 3),
    ))
}

impl Cell {
    fn set(&mut self, row: usize, column: usize, colour: [u8; 3]) {
        if row < self.height && column < self.width {
            let start = (row * self.width + column) * 3;
            self.pixels[start..start + 3].copy_from_slice(&colour);
        }
    }

    fn paste(&mut self, cell: &Self, top: usize, left: usize) {
        for row in 0..cell.height {
            let source = &cell.pixels[row * cell.width * 3..(row + 1) * cell.width * 3];
            let start = ((top + row) * self.width + left) * 3;
            self.pixels[start..start + source.len()].copy_from_slice(source);
        }
    }
}

/// As large as fits into the square.
fn fitted(cell: &Cell) -> Cell {
    assert_eq!(
        cell.pixels.len(),
        3 * cell.height * cell.width,
        "a cell's pixels"
    );
    let edge = cell.height.max(cell.width).max(1);
    let side = |length: usize| match SIDE / edge {
        0 => (length * SIDE / edge).max(1),
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
    fn small_pictures_grow_by_whole_pixels_and_large_ones_shrink() {
        let grown = fitted(&cell(2, 3));
        assert_eq!((grown.height, grown.width), (92, 138));
        assert_eq!(grown.pixels[..3], grown.pixels[45 * 3..46 * 3]);
        assert_eq!(grown.pixels[46 * 3..47 * 3], [3, 4, 5]);
        let shrunk = fitted(&cell(280, 140));
        assert_eq!((shrunk.height, shrunk.width), (140, 70));
        let thin = fitted(&cell(1, 20_000));
        assert_eq!((thin.height, thin.width), (1, 140));
    }

    #[test]
    fn cells_lie_in_their_columns() {
        let white = |side| Cell {
            height: side,
            width: side,
            pixels: vec![255; 3 * side * side],
        };
        let column = |cells| Column {
            heading: "seen".into(),
            cells,
        };
        let png = picture_sheet(&[column(vec![white(28)]), column(vec![white(28), white(1)])]);
        let png = png.expect("drawn");
        let mut reader = png::Decoder::new(std::io::Cursor::new(png))
            .read_info()
            .expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        reader.next_frame(&mut pixels).expect("pixels");
        let at = |row: usize, column: usize| pixels[(row * 316 + column) * 3];
        assert_eq!(reader.info().size(), (316, 334));
        assert_eq!(
            (at(40, 20), at(40, 170), at(200, 170), at(200, 20)),
            (255, 255, 255, 244)
        );
    }
}
