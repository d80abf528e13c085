//! Gathering of patches, and its transpose.

use std::ops::Range;

use pulp::Simd;

use crate::channels::{load, store};
use crate::conv2d::shape::Conv2dShape;
use crate::operand::ConvInput;

/// Contiguous part of a patch: one row of the kernel, clipped to the image.
struct Run {
    /// Elements of the patch.
    patch: Range<usize>,
    /// Offset of the first element in the image.
    image: usize,
}

/// Calls `visit` for the part of each kernel row that is inside the image, for the patch of output
/// pixel `pixel` of an image.
#[inline(always)]
fn for_each_run(shape: &Conv2dShape, pixel: usize, mut visit: impl FnMut(Run)) {
    let channels = shape.in_channels;
    let (y, x) = (pixel / shape.columns.output, pixel % shape.columns.output);
    let (rows, top) = shape.rows.taps(y);
    let (columns, left) = shape.columns.taps(x);
    for (index, i) in rows.enumerate() {
        let row = i * shape.columns.kernel;
        visit(Run {
            patch: (row + columns.start) * channels..(row + columns.end) * channels,
            image: ((top + index) * shape.columns.input + left) * channels,
        });
    }
}

/// Returns `true` if the whole patch of output pixel `pixel` is inside the image.
#[inline(always)]
fn is_inside(shape: &Conv2dShape, pixel: usize) -> bool {
    let (y, x) = (pixel / shape.columns.output, pixel % shape.columns.output);
    shape.rows.taps(y).0.len() == shape.rows.kernel
        && shape.columns.taps(x).0.len() == shape.columns.kernel
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
    let pixels_per_image = shape.rows.output * shape.columns.output;
    let image_len = shape.input().image_len();
    let taps = shape.taps();
    let is_plain = input.affine.is_none() && !input.relu;
    for (patch, pixel) in patches.chunks_exact_mut(stride).zip(pixels.clone()) {
        let (image, pixel) = (pixel / pixels_per_image, pixel % pixels_per_image);
        if !is_inside(shape, pixel) {
            patch[..taps].fill(0.0);
        }
        if is_plain {
            let image = &input.values[image * image_len..][..image_len];
            for_each_run(shape, pixel, |run| {
                let values = &image[run.image..][..run.patch.len()];
                copy(simd, values, &mut patch[run.patch]);
            });
        }
    }
    if is_plain {
        return;
    }
    for start in (0..shape.in_channels).step_by(S::F32_LANES) {
        let channels = start..(start + S::F32_LANES).min(shape.in_channels);
        let map = input.map(simd, channels.clone());
        for (patch, pixel) in patches.chunks_exact_mut(stride).zip(pixels.clone()) {
            let (image, pixel) = (pixel / pixels_per_image, pixel % pixels_per_image);
            let image = &input.values[image * image_len..][..image_len];
            for_each_run(shape, pixel, |run| {
                let values = image[run.image..][..run.patch.len()].chunks_exact(shape.in_channels);
                let targets = patch[run.patch].chunks_exact_mut(shape.in_channels);
                for (target, values) in targets.zip(values) {
                    let value = map.apply(simd, load(simd, &values[channels.clone()]));
                    store(simd, &mut target[channels.clone()], value);
                }
            });
        }
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
    for (patch, pixel) in patches.chunks_exact(stride).zip(pixels) {
        for_each_run(shape, pixel, |run| {
            let sums = image[run.image..][..run.patch.len()].chunks_mut(S::F32_LANES);
            for (sums, values) in sums.zip(patch[run.patch].chunks(S::F32_LANES)) {
                let sum = simd.add_f32s(load(simd, sums), load(simd, values));
                store(simd, sums, sum);
            }
        });
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
