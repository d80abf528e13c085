//! Division of a convolution into tiles, and the memory layout of transformed tiles.
//!
//! A tile row is four output rows of one image. The transformed tiles of a block of tile rows have
//! the layout `[point][panel of channels][tile][channel]`: each of the 36 products reads contiguous
//! panels, and one task owns the block's memory.

use std::ops::Range;

use crate::conv2d::shape::Conv2dShape;
use crate::conv2d::winograd::transforms::{PATCH, POINTS, TILE};
use crate::panels::Panels;

/// Elements of a cache line.
const LINE: usize = 16;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    pub(crate) shape: Conv2dShape,
    /// Tile rows of one image.
    pub(crate) tile_rows_per_image: usize,
    /// Tiles of one tile row.
    pub(crate) tiles_per_row: usize,
    pub(crate) inputs: Panels,
    pub(crate) outputs: Panels,
}

impl Geometry {
    pub(crate) fn new(shape: Conv2dShape, lanes: usize) -> Self {
        Self {
            shape,
            tile_rows_per_image: shape.rows.output.div_ceil(TILE),
            tiles_per_row: shape.columns.output.div_ceil(TILE),
            inputs: Panels::new(shape.in_channels, lanes),
            outputs: Panels::new(shape.out_channels, lanes),
        }
    }

    /// Tile rows of the whole batch.
    pub(crate) fn tile_rows(&self) -> usize {
        self.shape.batch * self.tile_rows_per_image
    }

    /// Tile rows of a block of whole images if the weight is large: enough tiles to amortize
    /// reading it and, if possible, a multiple of the six rows of a register tile.
    pub(crate) fn large_block(&self) -> usize {
        let tiles = self.tiles_per_row * self.tile_rows_per_image;
        let min_images = 48_usize.div_ceil(tiles);
        let images = (min_images..min_images + 6).find(|images| (images * tiles).is_multiple_of(6));
        images.unwrap_or(min_images) * self.tile_rows_per_image
    }

    /// Length of a block of `tiles` transformed tiles.
    pub(crate) fn block_len(panels: &Panels, tiles: usize) -> usize {
        POINTS * Self::point_stride(panels, tiles)
    }

    /// Distance between consecutive points of a block of `tiles` tiles. An odd number of cache
    /// lines, so that the 36 elements that a transform accesses together fall into different cache
    /// sets.
    pub(crate) fn point_stride(panels: &Panels, tiles: usize) -> usize {
        ((panels.padded_columns() * tiles).div_ceil(LINE) | 1) * LINE
    }

    /// Length of the transformed weight, `[panel of outputs][point][in][width]`.
    pub(crate) fn packed_weight_len(&self) -> usize {
        self.outputs.padded_columns() * POINTS * self.shape.in_channels
    }

    /// Length of the transposed transformed weight, `[panel of inputs][point][out][width]`.
    pub(crate) fn packed_transposed_len(&self) -> usize {
        self.inputs.padded_columns() * POINTS * self.shape.out_channels
    }

    /// First row and column of a tile's input patch. Negative in the padding.
    pub(crate) fn patch_origin(&self, tile_y: usize, tile_x: usize) -> (isize, isize) {
        let start = |tile: usize, padding: usize| (tile * TILE) as isize - padding as isize;
        (
            start(tile_y, self.shape.rows.padding_before),
            start(tile_x, self.shape.columns.padding_before),
        )
    }
}

/// Offsets into a patch that begins at `start` which lie inside an image of length `len`.
#[inline(always)]
pub(super) fn clip(start: isize, len: usize) -> Range<usize> {
    let first = (-start).max(0);
    let end = (len as isize - start).clamp(first, PATCH as isize);
    first.min(end) as usize..end as usize
}
