//! Direct convolution by matrix products with patches, for 1x1 kernels and for strides above 1.
//!
//! The patch of an output pixel is the part of the input that it reads, `[height, width, in]` of the
//! kernel. The patches of a few pixels at a time are gathered into a matrix that stays in the cache, so
//! that all three products run at the full rate of the micro-kernel, whatever the stride. With a 1x1
//! kernel and stride 1, the input itself is that matrix.

pub(crate) mod backward;
pub(crate) mod forward;
mod gather;

use crate::buffer::WorkspaceLen;
use crate::conv2d::Conv2d;
use crate::conv2d::direct::{GROUPS, panels, partial_len};
use crate::conv2d::shape::Conv2dShape;
use crate::panels::Panels;

/// Elements of the patches that are gathered at a time.
const PATCH_ELEMENTS: usize = 32 * 1024;

/// Returns `true` if this algorithm is faster than the convolution of padded rows.
pub(crate) fn fits(shape: &Conv2dShape) -> bool {
    let (rows, columns) = (&shape.rows, &shape.columns);
    shape.in_channels >= MIN_CHANNELS && (rows.stride * columns.stride > 1 || is_pointwise(shape))
}

/// Minimum number of input channels: shorter runs of elements are slow to gather.
const MIN_CHANNELS: usize = 8;

/// Returns `true` if the patches are the pixels of the input.
fn is_pointwise(shape: &Conv2dShape) -> bool {
    [&shape.rows, &shape.columns].into_iter().all(|window| {
        [window.kernel, window.stride, window.padding_before] == [1, 1, 0]
            && window.input == window.output
    })
}

/// Output pixels per gathered matrix: a multiple of the rows of every register tile.
fn pixels_per_step(shape: &Conv2dShape) -> usize {
    (PATCH_ELEMENTS / shape.taps() / 12).clamp(4, 16) * 12
}

/// Distance between gathered patches. An odd number of cache lines, so that a column of the matrix is
/// spread over all cache sets.
fn patch_stride(shape: &Conv2dShape) -> usize {
    (shape.taps().div_ceil(16) | 1) * 16
}

/// Panels of the transposed weight, `[out, taps]`.
fn transposed_panels(conv: &Conv2d) -> Panels {
    Panels::new(conv.shape.taps(), conv.instructions.lanes())
}

pub(crate) fn workspace_len(conv: &Conv2d) -> WorkspaceLen {
    let shape = &conv.shape;
    let pixels = pixels_per_step(shape);
    let transposed = shape.out_channels * transposed_panels(conv).padded_columns();
    WorkspaceLen {
        thread: pixels * (patch_stride(shape) + panels(conv).padded_columns()),
        shared: GROUPS.min(shape.batch) * partial_len(conv)
            + shape.weight_len().next_multiple_of(16)
            + transposed,
    }
}
