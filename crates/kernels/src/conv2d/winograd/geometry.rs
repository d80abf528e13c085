//! How a convolution is cut into tiles, and where their numbers lie.
//!
//! A tile row is four rows of outputs of one image. The numbers of a block of tile rows lie as
//! `[point][panel of channels][tile][channel]`, so that each of the 36 products reads contiguous
//! panels, and a block is one piece of memory that one task can own.

use crate::conv2d::shape::Conv2dShape;
use crate::conv2d::winograd::transforms::{PATCH, POINTS, TILE};
use crate::source::{RowSource, Size};
use crate::tile::Panels;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    pub(crate) shape: Conv2dShape,
    /// Tile rows of one image.
    pub(crate) down: usize,
    /// Tiles of one tile row.
    pub(crate) across: usize,
    pub(crate) lanes: usize,
    pub(crate) inputs: Panels,
    pub(crate) outputs: Panels,
}

impl Geometry {
    pub(crate) fn new(shape: Conv2dShape, lanes: usize) -> Self {
        Self {
            shape,
            down: shape.rows.output.div_ceil(TILE),
            across: shape.columns.output.div_ceil(TILE),
            lanes,
            inputs: Panels::new(shape.in_channels, lanes),
            outputs: Panels::new(shape.out_channels, lanes),
        }
    }

    /// Tile rows of the whole batch.
    pub(crate) fn tile_rows(&self) -> usize {
        self.shape.batch * self.down
    }

    /// Tile rows of a block whose products read a large kernel: enough tiles to be worth reading it,
    /// and a whole number of strips of six, where there are so many.
    pub(crate) fn large_block(&self, unit: usize) -> usize {
        let tiles = self.across * unit;
        let fewest = 48_usize.div_ceil(tiles);
        let units = (fewest..fewest + 6).find(|units| (units * tiles).is_multiple_of(6));
        units.unwrap_or(fewest) * unit
    }

    /// Numbers of a block of so many tiles.
    pub(crate) fn block_len(panels: &Panels, tiles: usize) -> usize {
        POINTS * panels.padded() * tiles
    }

    /// Numbers of the transformed kernel, `[panel of outputs][point][in][width]`.
    pub(crate) fn kernel_len(&self) -> usize {
        self.outputs.padded() * POINTS * self.shape.in_channels
    }

    /// Numbers of the kernel transformed for the way back, `[panel of inputs][point][out][width]`.
    pub(crate) fn transposed_len(&self) -> usize {
        self.inputs.padded() * POINTS * self.shape.out_channels
    }

    /// Where a tile's patch of inputs starts, which may be before the image.
    pub(crate) fn corner(&self, down: usize, across: usize) -> (isize, isize) {
        let start = |tile: usize, padding: usize| (tile * TILE) as isize - padding as isize;
        (
            start(down, self.shape.rows.padding_before),
            start(across, self.shape.columns.padding_before),
        )
    }

    /// Numbers of a patch of inputs, its channels filled up to whole vectors.
    pub(crate) fn patch_len(&self) -> usize {
        PATCH * PATCH * self.shape.in_channels.next_multiple_of(self.lanes)
    }

    /// The rows that a tile row of the output's gradient is copied to.
    pub(crate) fn output_band(&self) -> Band {
        Band {
            rows: TILE,
            width: TILE * self.across,
            channels: self.shape.out_channels.next_multiple_of(self.lanes),
        }
    }
}

/// A few rows of an image with zeros around them and channels filled up to whole vectors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Band {
    pub(crate) rows: usize,
    pub(crate) width: usize,
    /// From one pixel to the next.
    pub(crate) channels: usize,
}

impl Band {
    pub(crate) fn row(&self) -> usize {
        self.width * self.channels
    }

    /// Numbers of the band, and of one row of an image that is spread out into it.
    pub(crate) fn len(&self) -> usize {
        (self.rows + 1) * self.row()
    }

    /// Copies rows `top..top + rows` of an image (those below it are zero) from `source`.
    /// The band must be zero where no image lies, which [`Band::clear`] sees to once.
    #[inline(always)]
    pub(crate) fn copy(
        &self,
        source: &impl RowSource,
        size: &Size,
        image: usize,
        top: usize,
        band: &mut [f32],
    ) {
        let (band, spare) = band.split_at_mut(self.rows * self.row());
        for (i, row) in band.chunks_exact_mut(self.row()).enumerate() {
            let y = top + i;
            let pixels = row;
            if y >= size.height {
                pixels.fill(0.0);
            } else if self.channels == size.channels {
                source.fill(size, image, y, &mut pixels[..size.row()]);
            } else {
                let spare = &mut spare[..size.row()];
                source.fill(size, image, y, spare);
                for (pixel, values) in pixels
                    .chunks_exact_mut(self.channels)
                    .zip(spare.chunks_exact(size.channels))
                {
                    pixel[..size.channels].copy_from_slice(values);
                }
            }
        }
    }

    /// Makes all of it zero.
    #[inline(always)]
    pub(crate) fn clear(&self, band: &mut [f32]) {
        band[..self.len()].fill(0.0);
    }
}
