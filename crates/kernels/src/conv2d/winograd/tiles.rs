//! Storage of transformed tiles.

use pulp::Simd;

use crate::conv2d::winograd::geometry::Geometry;
use crate::conv2d::winograd::transforms::{PATCH, ReadTile, WriteTile};
use crate::panels::Panels;

/// Transformed tiles of a block.
pub(crate) struct TransformedTiles<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) panels: Panels,
    /// Tiles per panel.
    pub(crate) tiles: usize,
    /// Distance between consecutive points.
    pub(crate) stride: usize,
}

impl<'a> TransformedTiles<'a> {
    /// One tile for the vector of channels that begins at `channel`.
    #[inline(always)]
    pub(crate) fn tile(&self, tile: usize, channel: usize) -> TransformedTile<'a> {
        TransformedTile {
            values: &self.values[tile_offset(&self.panels, self.tiles, tile, channel)..],
            stride: self.stride,
        }
    }
}

/// Offset of a tile at the first point.
#[inline(always)]
fn tile_offset(panels: &Panels, tiles: usize, tile: usize, channel: usize) -> usize {
    let (panel, within) = (channel / panels.width, channel % panels.width);
    (panel * tiles + tile) * panels.width + within
}

/// One transformed tile.
pub(crate) struct TransformedTile<'a> {
    values: &'a [f32],
    stride: usize,
}

impl<S: Simd> ReadTile<S> for TransformedTile<'_> {
    #[inline(always)]
    fn read(&mut self, _: S, i: usize, j: usize) -> S::f32s {
        load_vector::<S>(&self.values[(i * PATCH + j) * self.stride..])
    }
}

/// One transformed tile, to be written.
pub(super) struct TransformedTileMut<'a> {
    values: &'a mut [f32],
    stride: usize,
}

impl<'a> TransformedTileMut<'a> {
    #[inline(always)]
    pub(super) fn new(
        panels: &Panels,
        tiles: usize,
        tile: usize,
        channel: usize,
        transformed: &'a mut [f32],
    ) -> Self {
        Self {
            values: &mut transformed[tile_offset(panels, tiles, tile, channel)..],
            stride: Geometry::point_stride(panels, tiles),
        }
    }
}

impl<S: Simd> WriteTile<S> for TransformedTileMut<'_> {
    #[inline(always)]
    fn write(&mut self, _: S, i: usize, j: usize, vector: S::f32s) {
        let values = &mut self.values[(i * PATCH + j) * self.stride..][..S::F32_LANES];
        S::as_mut_simd_f32s(values).0[0] = vector;
    }
}

/// Loads the first vector of `values`.
#[inline(always)]
pub(crate) fn load_vector<S: Simd>(values: &[f32]) -> S::f32s {
    S::as_simd_f32s(&values[..S::F32_LANES]).0[0]
}
