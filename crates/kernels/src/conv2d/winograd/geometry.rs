//! How a convolution is cut into tiles, and where their numbers lie.
//!
//! A tile row is four rows of outputs of one image. The numbers of a block of tile rows lie as
//! `[point][panel of channels][tile][channel]`, so that each of the 36 products reads contiguous
//! panels, and a block is one piece of memory that one task can own.

use std::ops::Range;

use crate::conv2d::shape::Conv2dShape;
use crate::conv2d::winograd::transforms::{PATCH, POINTS, TILE};
use crate::panels::Panels;

/// Numbers of a cache line.
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

    /// Tile rows of a block of whole images whose products read a large kernel: enough tiles to be
    /// worth reading it, and a whole number of strips of six, where there are so many.
    pub(crate) fn large_block(&self) -> usize {
        let tiles = self.tiles_per_row * self.tile_rows_per_image;
        let fewest = 48_usize.div_ceil(tiles);
        let images = (fewest..fewest + 6).find(|images| (images * tiles).is_multiple_of(6));
        images.unwrap_or(fewest) * self.tile_rows_per_image
    }

    /// Numbers of a block of so many tiles.
    pub(crate) fn block_len(panels: &Panels, tiles: usize) -> usize {
        POINTS * Self::point_stride(panels, tiles)
    }

    /// From one point of a block of so many tiles to the next: an odd number of cache lines, so that
    /// the 36 numbers that a transform reads or writes at once fall into different cache sets.
    pub(crate) fn point_stride(panels: &Panels, tiles: usize) -> usize {
        ((panels.padded_columns() * tiles).div_ceil(LINE) | 1) * LINE
    }

    /// Numbers of the transformed kernel, `[panel of outputs][point][in][width]`.
    pub(crate) fn weight_len(&self) -> usize {
        self.outputs.padded_columns() * POINTS * self.shape.in_channels
    }

    /// Numbers of the kernel transformed for the way back, `[panel of inputs][point][out][width]`.
    pub(crate) fn transposed_len(&self) -> usize {
        self.inputs.padded_columns() * POINTS * self.shape.out_channels
    }

    /// Where a tile's patch of inputs starts, which may be before the image.
    pub(crate) fn patch_origin(&self, tile_y: usize, tile_x: usize) -> (isize, isize) {
        let start = |tile: usize, padding: usize| (tile * TILE) as isize - padding as isize;
        (
            start(tile_y, self.shape.rows.padding_before),
            start(tile_x, self.shape.columns.padding_before),
        )
    }
}

/// Offsets into a patch from `start` on that lie in an image of `len`.
#[inline(always)]
pub(super) fn clip(start: isize, len: usize) -> Range<usize> {
    let first = (-start).max(0);
    let end = (len as isize - start).clamp(first, PATCH as isize);
    first.min(end) as usize..end as usize
}
