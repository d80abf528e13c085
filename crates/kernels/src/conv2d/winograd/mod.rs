//! Convolution by Winograd's F(4x4, 3x3), forwards and backwards.

pub(crate) mod backward;
mod backward_large;
pub(crate) mod blocks;
pub(crate) mod forward;
mod forward_few;
mod forward_pass;
pub(crate) mod geometry;
pub(crate) mod kernel;
pub(crate) mod products;
pub(crate) mod transforms;

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
