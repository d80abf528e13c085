//! Convolution by the definition, for any kernel and stride: each output row is a product of patches,
//! read where they lie, with the kernel.

pub(crate) mod backward;
pub(crate) mod forward;
mod frame;

use crate::buffer::WorkspaceLen;
use crate::conv2d::Conv2d;
use crate::conv2d::direct::frame::Frame;
use crate::conv2d::finish::BAND;
use crate::conv2d::shape::Conv2dShape;
use crate::tile::Panels;

/// Images are dealt into at most so many groups, each with a share of the kernel's gradient.
const GROUPS: usize = 8;

/// Outputs that a task computes, at least: a few thousand of one channel.
const TASK: usize = 16 * 1024;

/// Tasks that even one image is dealt into, where it has so many bands.
const FEWEST_TASKS: usize = 4;

fn panels(conv: &Conv2d) -> Panels {
    Panels::new(conv.shape.out_channels, conv.instructions.lanes())
}

pub(crate) fn prepared_len(conv: &Conv2d) -> usize {
    conv.shape.taps() * panels(conv).padded()
}

/// The kernel in panels, `[panel][tap][width]`.
pub(crate) fn prepare(conv: &Conv2d, weight: &[f32], prepared: &mut [f32]) {
    panels(conv).pack_all(weight, prepared);
}

/// Bands of a task.
fn grain(shape: &Conv2dShape) -> usize {
    let size = shape.output();
    let bands = shape.batch * size.height.div_ceil(BAND);
    let most = TASK.div_ceil((BAND * size.row()).max(1));
    most.min(bands.div_ceil(FEWEST_TASKS)).max(1)
}

pub(crate) fn workspace_len(conv: &Conv2d) -> WorkspaceLen {
    let shape = &conv.shape;
    let back = backward_convolution(conv);
    let forward = Frame::forward(shape).len(&shape.input()) + BAND * shape.output().row();
    let backward = Frame::backward(shape).len(&shape.output()) + BAND * shape.input().row();
    let gradient =
        Frame::forward(shape).len(&shape.input()) + shape.columns.output * panels(conv).padded();
    WorkspaceLen {
        thread: forward.max(backward).max(gradient) + 32,
        shared: GROUPS.min(shape.batch) * share_len(conv)
            + shape.weight_len().next_multiple_of(16)
            + prepared_len(&back),
    }
}

/// A group's share of the gradients of kernel and biases.
fn share_len(conv: &Conv2d) -> usize {
    (conv.shape.taps() + 1) * panels(conv).padded()
}

/// The convolution whose output is the input's gradient: stride 1, channels exchanged.
fn backward_convolution(conv: &Conv2d) -> Conv2d {
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
