//! Division of a batch into groups of images, so that the outputs of layers stay in the cache.

use std::ops::Range;

use crate::fused_op::{FusedOp, Kind, Purpose};

/// Numbers that an operation may read and write so that they stay in a core's cache: 1 MiB.
const CACHE: usize = 256 * 1024;

/// Minimum number of images of a group, to amortize the start of an operation and to divide it evenly among threads.
const MIN_IMAGES: usize = 8;

/// Consecutive operations that run group by group. The output of the last is stored for the whole batch.
///
/// An image's values do not depend on the others of its group: the results are those of the whole batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) ops: Range<usize>,
    /// Images of a group.
    pub(crate) images: usize,
}

impl Segment {
    /// Images whose output the operation of an index stores, in a batch of up to `batch`.
    pub(crate) fn stored(&self, index: usize, batch: usize) -> usize {
        match index + 1 == self.ops.end {
            true => batch,
            false => self.images,
        }
    }
}

/// Divides `ops` into segments, for up to `batch` images. Inspection stores all outputs of the whole batch.
pub(crate) fn segments(ops: &[FusedOp], batch: usize, purpose: Purpose) -> Vec<Segment> {
    let preferred = |op| match purpose {
        Purpose::Inspection => batch,
        _ => images(op).min(batch),
    };
    let mut segments: Vec<Segment> = Vec::new();
    for (index, op) in ops.iter().enumerate() {
        let images = preferred(op);
        match segments.last_mut() {
            // Operations that need groups of similar size share them.
            Some(last) if images < 2 * last.images => {
                last.ops.end = index + 1;
                last.images = last.images.min(images);
            }
            _ => segments.push(Segment {
                ops: index..index + 1,
                images,
            }),
        }
    }
    for segment in &mut segments {
        // Groups of equal size, but for a remainder.
        let groups = batch.div_ceil(segment.images.max(1)).max(1);
        segment.images = batch.div_ceil(groups).max(1);
    }
    segments
}

/// Images of a group: as many as the cache holds, but enough for the weight to be smaller than the images
/// that it is read for. A dense layer reads its weight once, for the whole batch.
fn images(op: &FusedOp) -> usize {
    let values = (op.inputs + op.outputs).max(1);
    let weight = match &op.kind {
        Kind::Dense(_) => return usize::MAX,
        Kind::Conv(conv) => conv.kernel.packed_len(),
        Kind::Residual(residual) => {
            let paths = residual.paths().into_iter().flatten();
            return paths.map(images).min().unwrap_or(usize::MAX);
        }
        _ => 0,
    };
    (CACHE.max(weight) / values).max(MIN_IMAGES)
}
