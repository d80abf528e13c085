//! Convolution by Winograd's F(4x4, 3x3).

pub(crate) mod backward;
mod backward_large;
mod backward_pass;
pub(crate) mod forward;
mod forward_pass;
mod forward_small_batch;
mod gemm;
mod geometry;
mod gradient_transform;
mod input_transform;
mod tiles;
mod transforms;
pub(crate) mod weight_transform;

use crate::buffer::WorkspaceLen;
use crate::conv2d::Conv2d;
use crate::conv2d::winograd::geometry::Geometry;

pub(crate) fn geometry(conv: &Conv2d) -> Geometry {
    Geometry::new(conv.shape, conv.instructions.lanes())
}

pub(crate) fn workspace_len(conv: &Conv2d) -> WorkspaceLen {
    let geometry = geometry(conv);
    forward::workspace_len(&geometry).max(backward::workspace_len(&geometry))
}
