//! Forwards, and the convolution of framed rows that the way back uses too.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::buffer::Workspace;
use crate::conv2d::direct::frame::Frame;
use crate::conv2d::direct::{grain, panels};
use crate::conv2d::finish::{BAND, Finish, FinishVectors, OutputBands, output_bands, pool_band};
use crate::conv2d::{Conv2d, Conv2dOutput};
use crate::parallel::for_each_piece;
use crate::source::{Input, RowSource, Size};
use crate::tile::{
    Left, Panels, Rows, Strips, Tile, accumulate, add_product, for_each_strip, store_tile,
    zero_tile,
};

pub(crate) fn forward(
    conv: &Conv2d,
    input: &Input<'_>,
    kernel: &[f32],
    finish: &Finish<'_>,
    output: Conv2dOutput<'_>,
    workspace: &mut Workspace,
) {
    let shape = &conv.shape;
    let grain = grain(shape);
    let pieces = output_bands(conv, output);
    let units = 0..shape.batch * shape.rows.output.div_ceil(BAND);
    for_each_piece(units, grain, pieces, &|units, pieces| {
        workspace.threads.with(|scratch| {
            conv.instructions.run(ForwardTask {
                convolution: Convolution {
                    frame: Frame::forward(shape),
                    source: *input,
                    size: shape.input(),
                    kernel: [shape.rows.kernel, shape.columns.kernel],
                    stride: [shape.rows.stride, shape.columns.stride],
                    prepared: kernel,
                    panels: panels(conv),
                    output: shape.output(),
                    finish: Some(*finish),
                },
                pool: conv.pool,
                units,
                pieces,
                scratch,
            });
        });
    });
}

/// A convolution of framed rows.
#[derive(Clone, Copy)]
pub(super) struct Convolution<'a, R> {
    pub(super) frame: Frame,
    pub(super) source: R,
    /// Of the images that `source` reads.
    pub(super) size: Size,
    /// Height and width.
    pub(super) kernel: [usize; 2],
    /// Down and to the right.
    pub(super) stride: [usize; 2],
    pub(super) prepared: &'a [f32],
    pub(super) panels: Panels,
    pub(super) output: Size,
    pub(super) finish: Option<Finish<'a>>,
}

impl<R: RowSource> Convolution<'_, R> {
    /// Computes the rows of outputs from `first` on.
    #[inline(always)]
    pub(super) fn rows<S: Simd>(
        &self,
        simd: S,
        image: usize,
        first: usize,
        frame: &mut [f32],
        output: &mut [f32],
    ) {
        let start = first * self.stride[0];
        self.frame
            .copy(simd, &self.source, &self.size, image, start, frame);
        let row_len = self.frame.row(self.size.channels);
        for (y, output) in output.chunks_exact_mut(self.output.row()).enumerate() {
            let rows = &frame[y * self.stride[0] * row_len..];
            for panel in 0..self.panels.count {
                self.panel(simd, panel, rows, output);
            }
        }
    }

    #[inline(always)]
    fn panel<S: Simd>(&self, simd: S, panel: usize, rows: &[f32], output: &mut [f32]) {
        let taps = self.kernel[0] * self.kernel[1] * self.size.channels;
        let first = panel * self.panels.width;
        let columns = first..first + self.panels.len_of(panel);
        let finish = match &self.finish {
            Some(finish) => Some(finish.vectors(simd, columns.clone())),
            None => None,
        };
        let mut strips = PixelStrips::<S, R> {
            convolution: self,
            rows,
            kernel: &self.prepared[first * taps..][..taps * self.panels.width],
            columns,
            finish,
            output,
        };
        for_each_strip(simd, self.panels.width, self.output.width, &mut strips);
    }
}

/// Vectors of the widest panel.
const WIDEST: usize = 4;

/// Terms of a kernel row from which on it is summed by itself.
const LONG: usize = 32;

/// Strips of neighbouring pixels of one row of outputs.
struct PixelStrips<'a, S: Simd, R> {
    convolution: &'a Convolution<'a, R>,
    rows: &'a [f32],
    kernel: &'a [f32],
    columns: Range<usize>,
    finish: Option<FinishVectors<S::f32s, WIDEST>>,
    output: &'a mut [f32],
}

impl<S: Simd, R: RowSource> Strips<S> for PixelStrips<'_, S, R> {
    #[inline(always)]
    fn strip<const ROWS: usize, const VECTORS: usize>(&mut self, simd: S, first: usize) {
        if self.depth() < LONG {
            let sums = self.short_sums::<ROWS, VECTORS>(simd, first);
            self.write(simd, first, sums);
        } else {
            let sums = self.long_sums::<ROWS, VECTORS>(simd, first);
            self.write(simd, first, sums);
        }
    }
}

impl<S: Simd, R: RowSource> PixelStrips<'_, S, R> {
    /// Terms of one kernel row.
    #[inline(always)]
    fn depth(&self) -> usize {
        self.convolution.kernel[1] * self.convolution.size.channels
    }

    /// What the pixels of a strip read of one kernel row, and that row of the kernel.
    #[inline(always)]
    fn factors<const ROWS: usize, const VECTORS: usize>(
        &self,
        first: usize,
        kernel_row: usize,
    ) -> (Rows<'_, ROWS>, &[f32]) {
        let channels = self.convolution.size.channels;
        let (step, depth) = (self.convolution.stride[1] * channels, self.depth());
        let start = kernel_row * self.convolution.frame.row(channels) + first * step;
        let kernel_len = depth * VECTORS * S::F32_LANES;
        (
            Rows::new(self.rows, start, step, depth),
            &self.kernel[kernel_row * kernel_len..][..kernel_len],
        )
    }

    /// The sums over all kernel rows, in registers from the first term to the last.
    #[inline(always)]
    fn short_sums<const ROWS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        first: usize,
    ) -> Tile<S, ROWS, VECTORS> {
        let mut sums = zero_tile::<S, ROWS, VECTORS>(simd);
        for i in 0..self.convolution.kernel[0] {
            let (rows, kernel) = self.factors::<ROWS, VECTORS>(first, i);
            let kernel = kernel.chunks_exact(VECTORS * S::F32_LANES);
            for (k, kernel) in kernel.enumerate() {
                add_product::<S, Rows<'_, ROWS>, ROWS, VECTORS>(
                    simd,
                    &mut sums,
                    rows.step(k),
                    kernel,
                );
            }
        }
        sums
    }

    /// The same, each kernel row by itself: shorter sums round less.
    #[inline(always)]
    fn long_sums<const ROWS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        first: usize,
    ) -> Tile<S, ROWS, VECTORS> {
        let mut sums = zero_tile::<S, ROWS, VECTORS>(simd);
        for i in 0..self.convolution.kernel[0] {
            let (rows, kernel) = self.factors::<ROWS, VECTORS>(first, i);
            let mut part = zero_tile::<S, ROWS, VECTORS>(simd);
            let width = VECTORS * S::F32_LANES;
            accumulate(simd, &mut part, rows, self.depth(), kernel, width);
            for (sums, part) in sums.iter_mut().zip(&part) {
                for (sum, &part) in sums.iter_mut().zip(part) {
                    *sum = simd.add_f32s(*sum, part);
                }
            }
        }
        sums
    }

    #[inline(always)]
    fn write<const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        first: usize,
        mut sums: Tile<S, ROWS, VECTORS>,
    ) {
        if let Some(finish) = &self.finish {
            finish.apply_to(simd, &mut sums);
        }
        let channels = self.convolution.output.channels;
        let output = &mut self.output[first * channels + self.columns.start..];
        store_tile(simd, &sums, output, channels, self.columns.len());
    }
}

struct ForwardTask<'a> {
    convolution: Convolution<'a, Input<'a>>,
    pool: bool,
    units: Range<usize>,
    pieces: OutputBands<'a>,
    scratch: &'a mut [f32],
}

impl WithSimd for ForwardTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let size = self.convolution.output;
        let down = size.height.div_ceil(BAND);
        let (mut values, mut winners) = self.pieces;
        let (band, frame) = self
            .scratch
            .split_at_mut((BAND * size.row()).next_multiple_of(16));
        for unit in self.units {
            let (image, first) = (unit / down, unit % down * BAND);
            if !self.pool {
                let output = values.band(unit);
                self.convolution.rows(simd, image, first, frame, output);
                continue;
            }
            let band = &mut band[..(size.height - first).min(BAND) * size.row()];
            self.convolution.rows(simd, image, first, frame, band);
            let winners = winners.as_mut().map(|winners| winners.band(unit));
            pool_band(simd, &size, band, values.band(unit), winners);
        }
    }
}
