//! Direct convolution for any kernel size and stride: each output row is a matrix product of
//! patches, read in place, with the weight.

pub(crate) mod backward;
pub(crate) mod forward;
mod padded_rows;

use crate::band_statistics::BAND;
use crate::buffer::WorkspaceLen;
use crate::conv2d::Conv2d;
use crate::conv2d::direct::padded_rows::PaddedRows;
use crate::conv2d::shape::Conv2dShape;
use crate::panels::Panels;

/// Maximum number of groups of images with partial sums of the weight gradient.
pub(crate) const GROUPS: usize = 8;

/// Minimum number of outputs per task.
const TASK_OUTPUTS: usize = 16 * 1024;

/// Number of tasks that even one image is divided into, if it has enough bands.
const MIN_TASKS: usize = 4;

pub(crate) fn panels(conv: &Conv2d) -> Panels {
    Panels::new(conv.shape.out_channels, conv.instructions.lanes())
}

pub(crate) fn packed_len(conv: &Conv2d) -> usize {
    conv.shape.taps() * panels(conv).padded_columns()
}

/// Packs the weight into panels, `[panel][tap][width]`.
pub(crate) fn pack_weight(conv: &Conv2d, weight: &[f32], packed: &mut [f32]) {
    panels(conv).pack_all(weight, packed);
}

/// Bands per task.
pub(crate) fn grain(shape: &Conv2dShape) -> usize {
    let size = shape.output();
    let bands = shape.batch * size.height.div_ceil(BAND);
    let by_size = TASK_OUTPUTS.div_ceil((BAND * size.row_len()).max(1));
    by_size.min(bands.div_ceil(MIN_TASKS)).max(1)
}

pub(crate) fn workspace_len(conv: &Conv2d) -> WorkspaceLen {
    let shape = &conv.shape;
    let transposed = transposed_convolution(conv);
    let forward = PaddedRows::forward(shape).len(&shape.input()) + BAND * shape.output().row_len();
    let backward =
        PaddedRows::backward(shape).len(&shape.output()) + BAND * shape.input().row_len();
    let gradient = PaddedRows::forward(shape).len(&shape.input())
        + shape.columns.output * panels(conv).padded_columns();
    WorkspaceLen {
        thread: forward.max(backward).max(gradient) + 32,
        shared: GROUPS.min(shape.batch) * partial_len(conv)
            + shape.weight_len().next_multiple_of(16)
            + packed_len(&transposed),
    }
}

/// Length of a group's partial sums of the weight and bias gradients.
pub(crate) fn partial_len(conv: &Conv2d) -> usize {
    (conv.shape.taps() + 1) * panels(conv).padded_columns()
}

/// Stride-1 convolution with exchanged channels that computes the input gradient.
fn transposed_convolution(conv: &Conv2d) -> Conv2d {
    let shape = &conv.shape;
    Conv2d {
        shape: Conv2dShape {
            in_channels: shape.out_channels,
            out_channels: shape.in_channels,
            ..*shape
        },
        ..*conv
    }
}
