//! Weighted sums over neighboring pixels, channel by channel: the micro-kernel of the forward pass and
//! of the input gradient.

use std::ops::Range;

use pulp::Simd;

use crate::channels::{load, store};
use crate::conv2d::epilogue::{Epilogue, EpilogueVectors};
use crate::microkernel::mul_add;

/// Elements of a kernel along one axis that contribute to a position, and the positions of the source
/// that they are multiplied with.
#[derive(Clone, Copy)]
pub(super) struct Taps {
    /// First kernel index.
    pub(super) first: usize,
    /// Distance between consecutive kernel indices.
    pub(super) step: usize,
    pub(super) count: usize,
    /// Source position of the first kernel index.
    pub(super) source: usize,
    /// `true` if the source position decreases from tap to tap, as in a convolution, else `false`, as
    /// in a cross-correlation.
    pub(super) reversed: bool,
}

impl Taps {
    /// Kernel index and source position of the tap with index `n`.
    #[inline(always)]
    fn tap(&self, n: usize) -> (usize, usize) {
        let source = match self.reversed {
            true => self.source - n,
            false => self.source + n,
        };
        (self.first + n * self.step, source)
    }

    /// Kernel index and source position of the tap with the source position of rank `rank`.
    #[inline(always)]
    pub(super) fn ascending(&self, rank: usize) -> (usize, usize) {
        match self.reversed {
            true => self.tap(self.count - 1 - rank),
            false => self.tap(rank),
        }
    }
}

/// Positions of one output row with the same taps.
#[derive(Clone, Copy)]
pub(super) struct Pixels {
    /// First position, and the distance between consecutive positions.
    pub(super) first: usize,
    pub(super) step: usize,
    pub(super) count: usize,
    /// Distance between the source positions of consecutive positions.
    pub(super) source_step: usize,
}

/// Correlation of a band of padded rows with a kernel.
pub(super) struct Correlation<'a> {
    /// Padded rows.
    pub(super) source: &'a [f32],
    pub(super) source_row_len: usize,
    /// `[height, width, channels]`.
    pub(super) weight: &'a [f32],
    pub(super) kernel_width: usize,
    pub(super) channels: usize,
    pub(super) epilogue: Option<&'a Epilogue<'a>>,
}

impl Correlation<'_> {
    /// Computes the pixels of one output row.
    #[inline(always)]
    pub(super) fn row<S: Simd>(
        &self,
        simd: S,
        rows: Taps,
        columns: Taps,
        pixels: Pixels,
        output: &mut [f32],
    ) {
        if [rows.count, columns.count, pixels.step] == [3, 3, 1] {
            let lines = self.lines(rows, columns);
            match pixels.source_step {
                1 => return self.row_3x3::<S, 1>(simd, lines, rows, columns, output),
                2 => return self.row_3x3::<S, 2>(simd, lines, rows, columns, output),
                _ => {}
            }
        }
        let mut strip = Strip {
            correlation: self,
            rows,
            columns,
            pixels,
            output,
        };
        for start in (0..self.channels).step_by(S::F32_LANES) {
            let channels = start..(start + S::F32_LANES).min(self.channels);
            let epilogue = match self.epilogue {
                Some(epilogue) => Some(epilogue.vectors(simd, channels.clone())),
                None => None,
            };
            let mut first = 0;
            while pixels.count - first >= 8 {
                strip.run::<S, 8>(simd, channels.clone(), first, epilogue);
                first += 8;
            }
            if pixels.count - first >= 4 {
                strip.run::<S, 4>(simd, channels.clone(), first, epilogue);
                first += 4;
            }
            while pixels.count > first {
                strip.run::<S, 1>(simd, channels.clone(), first, epilogue);
                first += 1;
            }
        }
    }
}

/// Stores a sum of products, after the epilogue if there is one.
#[inline(always)]
pub(super) fn write<S: Simd>(
    simd: S,
    epilogue: &Option<EpilogueVectors<S::f32s, 1>>,
    sum: S::f32s,
    output: &mut [f32],
) {
    let value = match epilogue {
        Some(epilogue) => epilogue.apply(simd, sum),
        None => sum,
    };
    store(simd, output, value);
}

struct Strip<'a, 'b> {
    correlation: &'b Correlation<'a>,
    rows: Taps,
    columns: Taps,
    pixels: Pixels,
    output: &'b mut [f32],
}

impl Strip<'_, '_> {
    /// Computes `COUNT` pixels from `first` on, held in registers while the taps are summed.
    #[inline(always)]
    fn run<S: Simd, const COUNT: usize>(
        &mut self,
        simd: S,
        channels: Range<usize>,
        first: usize,
        epilogue: Option<EpilogueVectors<S::f32s, 1>>,
    ) {
        let Correlation {
            source,
            source_row_len,
            weight,
            kernel_width,
            channels: channel_count,
            ..
        } = *self.correlation;
        let pixels = self.pixels;
        let mut sums = [simd.splat_f32s(0.0); COUNT];
        for n in 0..self.rows.count {
            let (i, row) = self.rows.tap(n);
            let row = &source[row * source_row_len..][..source_row_len];
            for m in 0..self.columns.count {
                let (j, column) = self.columns.tap(m);
                let tap = (i * kernel_width + j) * channel_count;
                let weight = load(simd, &weight[tap + channels.start..tap + channels.end]);
                for p in 0..COUNT {
                    let pixel = (column + (first + p) * pixels.source_step) * channel_count;
                    let value = load(simd, &row[pixel + channels.start..pixel + channels.end]);
                    sums[p] = mul_add(simd, weight, value, sums[p]);
                }
            }
        }
        for p in 0..COUNT {
            let pixel = (pixels.first + (first + p) * pixels.step) * channel_count;
            let output = &mut self.output[pixel + channels.start..pixel + channels.end];
            write(simd, &epilogue, sums[p], output);
        }
    }
}
