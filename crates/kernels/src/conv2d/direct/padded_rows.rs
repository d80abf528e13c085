//! Rows of an image with padding, as a direct convolution reads them.

use pulp::Simd;

use crate::band_statistics::BAND;
use crate::conv2d::shape::Conv2dShape;
use crate::operand::{ImageSize, Operand};

/// Layout of the image rows that a band of output rows reads: padded with zeros and, for the
/// backward pass, dilated.
#[derive(Clone, Copy)]
pub(super) struct PaddedRows {
    /// Number of rows.
    pub(super) rows: usize,
    /// Row width with padding.
    width: usize,
    /// Padding before the first row and before the first column of the image.
    top: isize,
    left: isize,
    /// Distance between neighboring image rows and between neighboring image columns.
    dilation: [usize; 2],
}

impl PaddedRows {
    pub(super) fn forward(shape: &Conv2dShape) -> Self {
        let (rows, columns) = (&shape.rows, &shape.columns);
        Self {
            rows: (BAND - 1) * rows.stride + rows.kernel,
            width: (columns.output.max(1) - 1) * columns.stride + columns.kernel,
            top: rows.padding_before as isize,
            left: columns.padding_before as isize,
            dilation: [1, 1],
        }
    }

    /// Layout of the output gradient for the transposed convolution: dilated by the stride.
    pub(super) fn backward(shape: &Conv2dShape) -> Self {
        let (rows, columns) = (&shape.rows, &shape.columns);
        Self {
            rows: BAND - 1 + rows.kernel,
            width: columns.input + columns.kernel - 1,
            top: rows.kernel as isize - 1 - rows.padding_before as isize,
            left: columns.kernel as isize - 1 - columns.padding_before as isize,
            dilation: [rows.stride, columns.stride],
        }
    }

    pub(super) fn row_len(&self, channels: usize) -> usize {
        self.width * channels
    }

    /// Length of the padded rows and of one image row of scratch space.
    pub(super) fn len(&self, size: &ImageSize) -> usize {
        (self.rows * self.row_len(size.channels)).next_multiple_of(16) + size.row_len()
    }

    /// Copies the rows from `first` on, counted from the padding before the image.
    #[inline(always)]
    pub(super) fn copy<S: Simd>(
        &self,
        simd: S,
        operand: &impl Operand,
        size: &ImageSize,
        image: usize,
        first: usize,
        padded: &mut [f32],
    ) {
        let channels = size.channels;
        let (padded, scratch) =
            padded.split_at_mut((self.rows * self.row_len(channels)).next_multiple_of(16));
        let scratch = &mut scratch[..size.row_len()];
        for (i, row) in padded
            .chunks_exact_mut(self.row_len(channels))
            .take(self.rows)
            .enumerate()
        {
            row.fill(0.0);
            let y = (first + i) as isize - self.top;
            let [dilation_y, dilation_x] = self.dilation.map(|step| step as isize);
            if y < 0 || y % dilation_y != 0 || y / dilation_y >= size.height as isize {
                continue;
            }
            let y = (y / dilation_y) as usize;
            // Without dilation, the row is written in place.
            if dilation_x == 1
                && let Ok(left) = usize::try_from(self.left)
                && let Some(row) = row[left * channels..].get_mut(..size.row_len())
            {
                operand.load_row(simd, size, image, y, row);
                continue;
            }
            operand.load_row(simd, size, image, y, scratch);
            for (x, pixel) in scratch.chunks_exact(channels).enumerate() {
                let x = x as isize * dilation_x + self.left;
                // Pixels beyond the right edge that no output reads are dropped.
                if x >= 0 && (x as usize) < self.width {
                    row[x as usize * channels..][..channels].copy_from_slice(pixel);
                }
            }
        }
    }
}
