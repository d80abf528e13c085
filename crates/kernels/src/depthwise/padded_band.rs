//! Bands of consecutive image rows with zeros around them.

use pulp::Simd;

use crate::depthwise::{DepthwiseConv2dShape, ROWS};
use crate::operand::{ImageSize, Operand};

/// Layout of a band of image rows: each is a whole image row with zeros before and after it.
#[derive(Clone, Copy)]
pub(super) struct PaddedBand {
    /// Largest number of rows.
    pub(super) rows: usize,
    /// Row width with padding.
    width: usize,
    /// Zeros before the first image column.
    pub(super) left: usize,
    channels: usize,
}

impl PaddedBand {
    /// Layout of the input rows that a band of output rows reads.
    pub(super) fn input(shape: &DepthwiseConv2dShape) -> Self {
        let (rows, columns) = (&shape.rows, &shape.columns);
        let left = columns.padding_before;
        Self {
            rows: (ROWS - 1) * rows.stride + rows.kernel,
            width: (left + columns.input)
                .max((columns.output.max(1) - 1) * columns.stride + columns.kernel),
            left,
            channels: shape.channels,
        }
    }

    /// Layout of the rows of the output gradient that a band of input rows reads.
    pub(super) fn output_gradient(shape: &DepthwiseConv2dShape) -> Self {
        let (rows, columns) = (&shape.rows, &shape.columns);
        let before = (columns.kernel - 1).saturating_sub(columns.padding_before);
        let left = before.div_ceil(columns.stride);
        let last = (columns.input + columns.padding_before).saturating_sub(1) / columns.stride;
        Self {
            rows: (ROWS - 1 + rows.kernel - 1) / rows.stride + 2,
            width: left + columns.output.max(last + 1),
            left,
            channels: shape.channels,
        }
    }

    pub(super) fn row_len(&self) -> usize {
        self.width * self.channels
    }

    /// Copies the image rows from `first` on to `band`, as many as it holds. Rows outside the image are
    /// zero.
    #[inline(always)]
    pub(super) fn copy<S: Simd>(
        &self,
        simd: S,
        operand: &impl Operand,
        size: &ImageSize,
        image: usize,
        first: isize,
        band: &mut [f32],
    ) {
        let start = self.left * self.channels;
        for (index, row) in band.chunks_exact_mut(self.row_len()).enumerate() {
            match usize::try_from(first + index as isize) {
                Ok(y) if y < size.height => {
                    let (before, rest) = row.split_at_mut(start);
                    let (row, after) = rest.split_at_mut(size.row_len());
                    before.fill(0.0);
                    operand.load_row(simd, size, image, y, row);
                    after.fill(0.0);
                }
                _ => row.fill(0.0),
            }
        }
    }
}
