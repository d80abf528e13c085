//! Gathering of patches, and its transpose.

use std::ops::Range;

use pulp::Simd;

use crate::channels::{load, store};
use crate::conv2d::shape::Conv2dShape;
use crate::operand::ConvInput;

/// Output pixel of a batch, advanced in memory order.
struct Position {
    image: usize,
    y: usize,
    x: usize,
}

impl Position {
    fn new(shape: &Conv2dShape, pixel: usize) -> Self {
        let row = pixel / shape.columns.output;
        Self {
            image: row / shape.rows.output,
            y: row % shape.rows.output,
            x: pixel % shape.columns.output,
        }
    }

    #[inline(always)]
    fn advance(&mut self, shape: &Conv2dShape) {
        self.x += 1;
        if self.x == shape.columns.output {
            self.x = 0;
            self.y += 1;
        }
        if self.y == shape.rows.output {
            self.y = 0;
            self.image += 1;
        }
    }
}

/// Part of a patch that is inside the image.
struct Inside {
    rows: Range<usize>,
    columns: Range<usize>,
    /// First image row and column.
    top: usize,
    left: usize,
}

impl Inside {
    #[inline(always)]
    fn new(shape: &Conv2dShape, position: &Position) -> Self {
        let (rows, top) = shape.rows.taps(position.y);
        let (columns, left) = shape.columns.taps(position.x);
        Self {
            rows,
            columns,
            top,
            left,
        }
    }

    /// Elements of the patch in kernel row `i`, and the offset of the first of them in the image.
    #[inline(always)]
    fn run(&self, shape: &Conv2dShape, i: usize) -> (Range<usize>, usize) {
        let (channels, row) = (shape.in_channels, i * shape.columns.kernel);
        let y = self.top + i - self.rows.start;
        (
            (row + self.columns.start) * channels..(row + self.columns.end) * channels,
            (y * shape.columns.input + self.left) * channels,
        )
    }
}

/// Writes the patches of some output pixels of the batch, `stride` apart. Padding is zero.
#[inline(always)]
pub(super) fn gather<S: Simd>(
    simd: S,
    shape: &Conv2dShape,
    input: &ConvInput<'_>,
    pixels: Range<usize>,
    stride: usize,
    patches: &mut [f32],
) {
    let image_len = shape.input().image_len();
    let (taps, channels) = (shape.taps(), shape.in_channels);
    let is_plain = input.affine.is_none() && !input.relu;
    let mut position = Position::new(shape, pixels.start);
    for patch in patches.chunks_exact_mut(stride).take(pixels.len()) {
        let image = &input.values[position.image * image_len..][..image_len];
        let inside = Inside::new(shape, &position);
        if inside.rows.len() * inside.columns.len() < shape.rows.kernel * shape.columns.kernel {
            patch[..taps].fill(0.0);
        }
        for i in inside.rows.clone() {
            let (range, start) = inside.run(shape, i);
            let values = &image[start..][..range.len()];
            let patch = &mut patch[range];
            if is_plain {
                copy(simd, values, patch);
                continue;
            }
            for first in (0..channels).step_by(S::F32_LANES) {
                let lanes = first..(first + S::F32_LANES).min(channels);
                let map = input.map(simd, lanes.clone());
                for (target, values) in patch
                    .chunks_exact_mut(channels)
                    .zip(values.chunks_exact(channels))
                {
                    let value = map.apply(simd, load(simd, &values[lanes.clone()]));
                    store(simd, &mut target[lanes.clone()], value);
                }
            }
        }
        position.advance(shape);
    }
}

/// Adds the patches of some output pixels of one image to the image: the transpose of [`gather`].
#[inline(always)]
pub(super) fn scatter_add<S: Simd>(
    simd: S,
    shape: &Conv2dShape,
    pixels: Range<usize>,
    stride: usize,
    patches: &[f32],
    image: &mut [f32],
) {
    let mut position = Position::new(shape, pixels.start);
    for patch in patches.chunks_exact(stride).take(pixels.len()) {
        let inside = Inside::new(shape, &position);
        for i in inside.rows.clone() {
            let (range, start) = inside.run(shape, i);
            let sums = image[start..][..range.len()].chunks_mut(S::F32_LANES);
            for (sums, values) in sums.zip(patch[range].chunks(S::F32_LANES)) {
                let sum = simd.add_f32s(load(simd, sums), load(simd, values));
                store(simd, sums, sum);
            }
        }
        position.advance(shape);
    }
}

/// Copies a short slice without a call.
#[inline(always)]
fn copy<S: Simd>(simd: S, from: &[f32], to: &mut [f32]) {
    let blocks = to.chunks_mut(S::F32_LANES).zip(from.chunks(S::F32_LANES));
    for (to, from) in blocks {
        store(simd, to, load(simd, from));
    }
}
