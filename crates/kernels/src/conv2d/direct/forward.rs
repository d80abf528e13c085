//! Forwards, and the convolution of framed rows that the way back uses too.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::buffer::Workspace;
use crate::conv2d::direct::frame::Frame;
use crate::conv2d::direct::{grain, panels};
use crate::conv2d::finish::{BAND, Finish, FinishVector, OutputBands, output_bands, pool_band};
use crate::conv2d::{Conv2d, Conv2dOutput};
use crate::parallel::for_each_piece;
use crate::source::{Input, RowSource, Size};
use crate::tile::{Panels, Rows, Strips, accumulate, for_each_strip, store_row, zero_tile};

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
        let finish = match &self.finish {
            Some(finish) => {
                let mut vectors = [finish.vector(simd, 0..0); WIDEST];
                for (index, vector) in vectors.iter_mut().enumerate() {
                    let start = (first + index * S::F32_LANES).min(self.panels.columns);
                    let end = (start + S::F32_LANES).min(self.panels.columns);
                    *vector = finish.vector(simd, start..end);
                }
                Some(vectors)
            }
            None => None,
        };
        let mut strips = PixelStrips::<S, R> {
            convolution: self,
            rows,
            kernel: &self.prepared[first * taps..][..taps * self.panels.width],
            columns: first..first + self.panels.len_of(panel),
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
    finish: Option<[FinishVector<S::f32s>; WIDEST]>,
    output: &'a mut [f32],
}

impl<S: Simd, R: RowSource> Strips<S> for PixelStrips<'_, S, R> {
    #[inline(always)]
    fn strip<const ROWS: usize, const VECTORS: usize>(&mut self, simd: S, first: usize) {
        let convolution = self.convolution;
        let channels = convolution.size.channels;
        let width = VECTORS * S::F32_LANES;
        let depth = convolution.kernel[1] * channels;
        let step = convolution.stride[1] * channels;
        let mut tile = zero_tile::<S, ROWS, VECTORS>(simd);
        for i in 0..convolution.kernel[0] {
            let start = i * convolution.frame.row(channels) + first * step;
            let rows = Rows::<ROWS>::new(self.rows, start, step, depth);
            let kernel = &self.kernel[i * depth * width..];
            if depth < LONG {
                accumulate(simd, &mut tile, rows, depth, kernel, width);
                continue;
            }
            // Each kernel row by itself: shorter sums round less.
            let mut part = zero_tile::<S, ROWS, VECTORS>(simd);
            accumulate(simd, &mut part, rows, depth, kernel, width);
            for (sums, part) in tile.iter_mut().zip(&part) {
                for (sum, &part) in sums.iter_mut().zip(part) {
                    *sum = simd.add_f32s(*sum, part);
                }
            }
        }
        let pixels = convolution.output.channels;
        for (i, row) in tile.iter_mut().enumerate() {
            if let Some(finish) = &self.finish {
                for (sum, finish) in row.iter_mut().zip(finish) {
                    *sum = finish.apply(simd, *sum);
                }
            }
            let pixel = &mut self.output[(first + i) * pixels..][..pixels];
            store_row(simd, row, &mut pixel[self.columns.clone()]);
        }
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
