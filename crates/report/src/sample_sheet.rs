//! Sheet of images in rows, with the name of each row to its left.

use modiste_imaging::picture_png;

use crate::font::Font;
use crate::sheet::{Cell, fitted, label};

/// A row of a [`sample_sheet`].
#[derive(Clone, Debug, PartialEq)]
pub struct SheetRow {
    /// Text to the left of the images, shortened to the width of its column.
    pub name: String,
    /// Images from left to right.
    pub cells: Vec<Cell>,
}

/// Side of the square that each image is fitted into, in pixels.
const SIDE: usize = 64;

/// Gap between images.
const GAP: usize = 6;

/// Margin of the sheet, and gap between blocks of rows.
const MARGIN: usize = 16;

/// Width of the names.
const NAMES: usize = 136;

/// Height of the headings.
const HEAD: usize = 22;

/// Font size of the text.
const TEXT: f64 = 13.0;

/// Number of rows from which on blocks of rows are placed beside each other.
const LONG: usize = 12;

/// Largest width of a sheet with several blocks: that of a page.
const WIDE: usize = 1120;

/// Draws rows of images below each other, as a PNG file. Many short rows are arranged in blocks beside each other,
/// which are read from top to bottom. `headings` are drawn above the first images of each block.
///
/// # Panics
/// Panics if the pixels of a cell do not match its height and width.
///
/// ```
/// use modiste_core::ImageShape;
/// use modiste_report::{Cell, SheetRow, sample_sheet};
///
/// let red = Cell::of(&[255, 0, 0, 255, 0, 0], ImageShape::new(1, 2, 3));
/// let row = SheetRow { name: "red".into(), cells: vec![red.clone(), red] };
/// assert!(sample_sheet(&[], &[row]).starts_with(b"\x89PNG"));
/// ```
pub fn sample_sheet(headings: &[&str], rows: &[SheetRow]) -> Vec<u8> {
    let font = Font::bundled();
    let longest = rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    let width = NAMES + longest.max(headings.len()) * (SIDE + GAP);
    let fitting = (WIDE - MARGIN) / (width + MARGIN);
    let blocks = rows.len().div_ceil(LONG).clamp(1, fitting.max(1));
    let per_block = rows.len().div_ceil(blocks).max(1);
    let head = if headings.is_empty() { 0 } else { HEAD };
    let height = 2 * MARGIN + head + per_block * (SIDE + GAP) - GAP;
    let mut sheet = Cell::paper(height, MARGIN + blocks * (width + MARGIN));
    let text = |text: &str, [height, width]: [usize; 2]| {
        let text = font.shortened(text, TEXT, width as f64);
        label(&text, [height, width], TEXT)
    };
    for (block, rows) in rows.chunks(per_block).enumerate() {
        let left = MARGIN + block * (width + MARGIN);
        for (place, heading) in headings.iter().enumerate() {
            let start = left + NAMES + place * (SIDE + GAP);
            // The last heading may extend over the images that have none.
            let end = match place + 1 == headings.len() {
                true => left + width,
                false => start + SIDE,
            };
            sheet.paste(&text(heading, [HEAD, end - start]), MARGIN - GAP, start);
        }
        for (place, row) in rows.iter().enumerate() {
            let top = MARGIN + head + place * (SIDE + GAP);
            sheet.paste(&text(&row.name, [SIDE, NAMES - GAP]), top, left);
            for (place, cell) in row.cells.iter().enumerate() {
                let start = left + NAMES + place * (SIDE + GAP);
                sheet.paste(&fitted(cell, SIDE), top, start);
            }
        }
    }
    let shape = modiste_core::ImageShape::new(sheet.height, sheet.width, 3);
    picture_png(&sheet.pixels, shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use modiste_core::ImageShape;

    /// Size `[height, width]` and RGB pixels of a PNG file.
    fn decoded(png: Vec<u8>) -> ([usize; 2], Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(png))
            .read_info()
            .expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        reader.next_frame(&mut pixels).expect("pixels");
        let (width, height) = reader.info().size();
        ([height as usize, width as usize], pixels)
    }

    /// Row of `count` images of one color.
    fn row(color: [u8; 3], count: usize) -> SheetRow {
        let cell = Cell::of(&color.repeat(6), ImageShape::new(2, 3, 3));
        SheetRow {
            name: "Ä long name of a class <&\">".into(),
            cells: vec![cell; count],
        }
    }

    #[test]
    fn draws_rows_with_names_in_color() {
        let rows = [row([200, 10, 20], 2), row([0, 90, 180], 1)];
        let ([height, width], pixels) = decoded(sample_sheet(&["first"], &rows));
        assert_eq!(
            [height, width],
            [2 * 16 + 22 + 2 * 70 - 6, 2 * 16 + 136 + 2 * 70]
        );
        let at = |row: usize, column: usize| -> [u8; 3] {
            let start = (row * width + column) * 3;
            [0, 1, 2].map(|channel| pixels[start + channel])
        };
        let top = 16 + 22;
        // A 2x3 image is enlarged 21 times.
        for (row, column, expected) in [
            (top, 16 + 136, [200, 10, 20]),
            (top + 41, 16 + 136 + 62, [200, 10, 20]),
            (top + 42, 16 + 136, [244; 3]),
            (top, 16 + 136 + 70, [200, 10, 20]),
            (top + 70, 16 + 136, [0, 90, 180]),
            (top + 70, 16 + 136 + 70, [244; 3]),
        ] {
            assert_eq!(at(row, column), expected, "{row} {column}");
        }
        let is_dark = |row: usize, columns: std::ops::Range<usize>| {
            columns.into_iter().any(|column| at(row, column)[0] < 100)
        };
        assert!(is_dark(top + 32, 16..140) && !is_dark(top + 32, 146..152));
        assert!((10..30).any(|row| is_dark(row, 152..184)));
    }

    #[test]
    fn arranges_many_rows_in_blocks() {
        let rows = vec![row([1, 2, 3], 3); 40];
        let ([height, width], pixels) = decoded(sample_sheet(&[], &rows));
        // Three blocks of 14, 14 and 12 rows.
        assert_eq!(
            [height, width],
            [2 * 16 + 14 * 70 - 6, 16 + 3 * (136 + 3 * 70 + 16)]
        );
        let color = pixels.chunks_exact(3).filter(|pixel| **pixel == [1, 2, 3]);
        assert!(color.count() >= 40 * 3 * 42 * 63);
        let ([_, wide], _) = decoded(sample_sheet(&[], &vec![row([1, 2, 3], 30); 40]));
        assert_eq!(wide, 2 * 16 + 136 + 30 * 70);
        let ([height, _], _) = decoded(sample_sheet(&[], &[]));
        assert_eq!(height, 2 * 16 + 64);
    }
}
