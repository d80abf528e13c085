//! A few rows of an image with what a kernel reads around them.

use pulp::Simd;

use crate::conv2d::finish::BAND;
use crate::conv2d::shape::Conv2dShape;
use crate::source::{RowSource, Size};

/// The rows of an image that a band of outputs reads, with zeros around and, on the way back,
/// between them.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    /// Rows that are kept.
    pub(super) rows: usize,
    /// Columns with the zeros.
    width: usize,
    /// Zeros before the image's first row and column.
    top: isize,
    left: isize,
    /// From one row of the image to the next in the frame, and from one column to the next.
    spread: [usize; 2],
}

impl Frame {
    pub(super) fn forward(shape: &Conv2dShape) -> Self {
        let (rows, columns) = (&shape.rows, &shape.columns);
        Self {
            rows: (BAND - 1) * rows.stride + rows.kernel,
            width: (columns.output.max(1) - 1) * columns.stride + columns.kernel,
            top: rows.padding_before as isize,
            left: columns.padding_before as isize,
            spread: [1, 1],
        }
    }

    /// The gradient at the output, spread out by the stride, around which a convolution with the
    /// turned kernel gives the gradient at the input.
    pub(super) fn backward(shape: &Conv2dShape) -> Self {
        let (rows, columns) = (&shape.rows, &shape.columns);
        Self {
            rows: BAND - 1 + rows.kernel,
            width: columns.input + columns.kernel - 1,
            top: rows.kernel as isize - 1 - rows.padding_before as isize,
            left: columns.kernel as isize - 1 - columns.padding_before as isize,
            spread: [rows.stride, columns.stride],
        }
    }

    pub(super) fn row(&self, channels: usize) -> usize {
        self.width * channels
    }

    /// Numbers of the frame and of one image row beside it.
    pub(super) fn len(&self, size: &Size) -> usize {
        (self.rows * self.row(size.channels)).next_multiple_of(16) + size.row()
    }

    /// Copies the rows from `first` on, counted with the zeros before the image.
    #[inline(always)]
    pub(super) fn copy<S: Simd>(
        &self,
        simd: S,
        source: &impl RowSource,
        size: &Size,
        image: usize,
        first: usize,
        frame: &mut [f32],
    ) {
        let channels = size.channels;
        let (frame, spare) =
            frame.split_at_mut((self.rows * self.row(channels)).next_multiple_of(16));
        let spare = &mut spare[..size.row()];
        for (i, row) in frame
            .chunks_exact_mut(self.row(channels))
            .take(self.rows)
            .enumerate()
        {
            row.fill(0.0);
            let y = (first + i) as isize - self.top;
            let [down, across] = self.spread.map(|step| step as isize);
            if y < 0 || y % down != 0 || y / down >= size.height as isize {
                continue;
            }
            let y = (y / down) as usize;
            // Where the row lies in the frame as it is, it is written there at once.
            if across == 1
                && let Ok(left) = usize::try_from(self.left)
                && let Some(row) = row[left * channels..].get_mut(..size.row())
            {
                source.fill(simd, size, image, y, row);
                continue;
            }
            source.fill(simd, size, image, y, spare);
            for (x, pixel) in spare.chunks_exact(channels).enumerate() {
                let x = x as isize * across + self.left;
                // A convolution that leaves out an edge never reads there.
                if x >= 0 && (x as usize) < self.width {
                    row[x as usize * channels..][..channels].copy_from_slice(pixel);
                }
            }
        }
    }
}
