//! Windows of a pooling.

use crate::window::Window;

/// Sliding windows over the pixels of one image.
#[derive(Clone, Copy)]
pub(crate) struct PoolWindows {
    pub(crate) rows: Window,
    pub(crate) columns: Window,
    pub(crate) channels: usize,
}

/// One pixel of one window.
pub(crate) struct Cell {
    /// Offset of the pixel's first channel in the input.
    pub(crate) input: usize,
    /// Offset of the window's first channel in the output.
    pub(crate) output: usize,
    /// Index of the pixel in the window, with padding.
    pub(crate) index: usize,
    /// `true` for the first pixel of the window that is inside the image.
    pub(crate) is_first: bool,
    /// Pixels of the window that are inside the image.
    pub(crate) count: usize,
}

impl PoolWindows {
    pub(crate) fn input_image_len(&self) -> usize {
        self.rows.input * self.columns.input * self.channels
    }

    pub(crate) fn output_image_len(&self) -> usize {
        self.rows.output * self.columns.output * self.channels
    }

    pub(crate) fn output_row_len(&self) -> usize {
        self.columns.output * self.channels
    }

    /// Calls `visit` for each pixel of each window of output row `y` that is inside the image.
    #[inline(always)]
    pub(crate) fn for_each_cell_of_row(&self, y: usize, mut visit: impl FnMut(Cell)) {
        let (rows, top) = self.rows.taps(y);
        for x in 0..self.columns.output {
            let (columns, left) = self.columns.taps(x);
            let output = (y * self.columns.output + x) * self.channels;
            for (row, i) in rows.clone().enumerate() {
                for (column, j) in columns.clone().enumerate() {
                    let pixel = (top + row) * self.columns.input + left + column;
                    visit(Cell {
                        input: pixel * self.channels,
                        output,
                        index: i * self.columns.kernel + j,
                        is_first: row == 0 && column == 0,
                        count: rows.len() * columns.len(),
                    });
                }
            }
        }
    }

    /// Calls `visit` for each pixel of each window that is inside the image.
    #[inline(always)]
    pub(crate) fn for_each_cell(&self, mut visit: impl FnMut(Cell)) {
        for y in 0..self.rows.output {
            self.for_each_cell_of_row(y, &mut visit);
        }
    }
}
