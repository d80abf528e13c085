//! Window of 3x3 pixels that slides over image rows in registers, so that each pixel is loaded once per
//! kernel row.

use std::ops::Range;

use pulp::Simd;

use crate::channels::load;
use crate::depthwise::correlation::{Correlation, Taps, write};
use crate::microkernel::mul_add;

/// Three rows of pixels that a window slides over, with zeros around them.
#[derive(Clone, Copy)]
pub(super) struct Lines<'a> {
    pub(super) rows: [&'a [f32]; 3],
    /// Zero columns before the first pixel, at most 1.
    pub(super) padding: usize,
}

impl Correlation<'_> {
    /// Rows of the source that an output row with 3x3 taps reads.
    #[inline(always)]
    pub(super) fn lines(&self, rows: Taps, columns: Taps) -> Lines<'_> {
        let left = columns.ascending(0).1;
        let mut lines: [&[f32]; 3] = [&[]; 3];
        for (r, line) in lines.iter_mut().enumerate() {
            let row = rows.ascending(r).1;
            let row = &self.source[row * self.source_row_len..][..self.source_row_len];
            *line = &row[left * self.channels..];
        }
        Lines {
            rows: lines,
            padding: 0,
        }
    }

    /// Computes all pixels of one output row with 3x3 taps.
    #[inline(always)]
    pub(super) fn row_3x3<S: Simd, const STRIDE: usize>(
        &self,
        simd: S,
        lines: Lines<'_>,
        rows: Taps,
        columns: Taps,
        output: &mut [f32],
    ) {
        let channel_count = self.channels;
        for start in (0..channel_count).step_by(S::F32_LANES) {
            let channels = start..(start + S::F32_LANES).min(channel_count);
            let epilogue = match self.epilogue {
                Some(epilogue) => Some(epilogue.vectors::<S, 1>(simd, channels.clone())),
                None => None,
            };
            let mut weight = [[simd.splat_f32s(0.0); 3]; 3];
            for r in 0..3 {
                for c in 0..3 {
                    let (i, j) = (rows.ascending(r).0, columns.ascending(c).0);
                    let tap = &self.weight[(i * self.kernel_width + j) * channel_count..];
                    weight[r][c] = load(simd, &tap[channels.clone()]);
                }
            }
            let mut window = Window3x3::<S, STRIDE>::new(simd, lines, channel_count, &channels);
            let [first, second, third] = Window3x3::<S, STRIDE>::steps(lines, channel_count);
            let inside = first.len();
            let pixels = first.zip(second).zip(third);
            let mut outputs = output.chunks_exact_mut(channel_count);
            for (((first, second), third), pixel) in pixels.zip(outputs.by_ref()) {
                window.slide(simd, [first, second, third], channel_count, &channels);
                let sum = window.sum(simd, &weight);
                write(simd, &epilogue, sum, &mut pixel[channels.clone()]);
            }
            // The pixels whose window reaches beyond the last column.
            for (index, pixel) in outputs.enumerate() {
                window.slide_beyond(simd, lines, inside + index, channel_count, &channels);
                let sum = window.sum(simd, &weight);
                write(simd, &epilogue, sum, &mut pixel[channels.clone()]);
            }
        }
    }
}

/// Window of 3x3 pixels for one vector of channels, which slides by `STRIDE` pixels.
pub(super) struct Window3x3<S: Simd, const STRIDE: usize>(pub(super) [[S::f32s; 3]; 3]);

impl<S: Simd, const STRIDE: usize> Window3x3<S, STRIDE> {
    /// Window one step before the first.
    #[inline(always)]
    pub(super) fn new(
        simd: S,
        lines: Lines<'_>,
        channel_count: usize,
        channels: &Range<usize>,
    ) -> Self {
        let mut window = [[simd.splat_f32s(0.0); 3]; 3];
        for r in 0..3 {
            for c in lines.padding..3 - STRIDE {
                let column = c - lines.padding;
                window[r][c + STRIDE] =
                    load_column(simd, lines.rows[r], column, channel_count, channels);
            }
        }
        Self(window)
    }

    /// The new pixels of each step that stays inside the rows, row by row.
    #[inline(always)]
    pub(super) fn steps<'a>(
        lines: Lines<'a>,
        channel_count: usize,
    ) -> [std::slice::ChunksExact<'a, f32>; 3] {
        let first = (3 - STRIDE - lines.padding) * channel_count;
        lines
            .rows
            .map(|row| row[first.min(row.len())..].chunks_exact(STRIDE * channel_count))
    }

    /// Slides by one step. Each of `rows` has `STRIDE` new pixels.
    #[inline(always)]
    pub(super) fn slide(
        &mut self,
        simd: S,
        rows: [&[f32]; 3],
        channel_count: usize,
        channels: &Range<usize>,
    ) {
        for r in 0..3 {
            for c in 0..3 - STRIDE {
                self.0[r][c] = self.0[r][c + STRIDE];
            }
            for c in 0..STRIDE {
                let pixel = &rows[r][c * channel_count..][..channel_count];
                self.0[r][3 - STRIDE + c] = load(simd, &pixel[channels.clone()]);
            }
        }
    }

    /// Slides by the step with the index `step`, to pixels that may lie beyond the rows.
    #[inline(always)]
    fn slide_beyond(
        &mut self,
        simd: S,
        lines: Lines<'_>,
        step: usize,
        channel_count: usize,
        channels: &Range<usize>,
    ) {
        let first = (step + 1) * STRIDE - lines.padding;
        for r in 0..3 {
            for c in 0..3 - STRIDE {
                self.0[r][c] = self.0[r][c + STRIDE];
            }
            for c in 3 - STRIDE..3 {
                let column = first + c - STRIDE;
                self.0[r][c] = load_column(simd, lines.rows[r], column, channel_count, channels);
            }
        }
    }

    /// Sum of the products with a weight.
    #[inline(always)]
    fn sum(&self, simd: S, weight: &[[S::f32s; 3]; 3]) -> S::f32s {
        // One sum per column, so that they are computed in parallel.
        let mut sums = [simd.splat_f32s(0.0); 3];
        for c in 0..3 {
            sums[c] = simd.mul_f32s(weight[0][c], self.0[0][c]);
            sums[c] = mul_add(simd, weight[1][c], self.0[1][c], sums[c]);
            sums[c] = mul_add(simd, weight[2][c], self.0[2][c], sums[c]);
        }
        simd.add_f32s(simd.add_f32s(sums[0], sums[1]), sums[2])
    }
}

/// Loads some channels of a column of a row; zeros beyond the last column.
#[inline(always)]
fn load_column<S: Simd>(
    simd: S,
    row: &[f32],
    column: usize,
    channel_count: usize,
    channels: &Range<usize>,
) -> S::f32s {
    let start = column * channel_count;
    match row.get(start + channels.start..start + channels.end) {
        Some(values) => load(simd, values),
        None => simd.splat_f32s(0.0),
    }
}
