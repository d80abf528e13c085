//! Transforms of the backward pass: output gradients to transformed tiles, and transformed tiles to
//! input gradients.

use std::ops::Range;

use pulp::Simd;

use crate::channels::{load, store};
use crate::conv2d::winograd::geometry::{Geometry, clip};
use crate::conv2d::winograd::tiles::{TransformedTileMut, TransformedTiles};
use crate::conv2d::winograd::transforms::{
    InputGradientTransform, OutputGradientTransform, PATCH, ReadTile, TILE, WriteTile,
    new_intermediate, transform_2d,
};
use crate::fused_gradient::FusedGradient;

/// Transforms the output gradients of a block of tile rows and adds each channel's sum to
/// `bias_gradient`.
#[inline(always)]
pub(crate) fn transform_gradients<S: Simd>(
    simd: S,
    geometry: &Geometry,
    gradient: &FusedGradient<'_>,
    tile_rows: Range<usize>,
    transformed: &mut [f32],
    bias_gradient: &mut [f32],
) {
    let size = geometry.shape.output();
    let tiles = tile_rows.len() * geometry.tiles_per_row;
    let mut intermediate = new_intermediate::<S, TILE, PATCH>(simd);
    for (index, tile_row) in tile_rows.enumerate() {
        let (image, tile_y) = (
            tile_row / geometry.tile_rows_per_image,
            tile_row % geometry.tile_rows_per_image,
        );
        for start in (0..size.channels).step_by(S::F32_LANES) {
            let channels = start..(start + S::F32_LANES).min(size.channels);
            let gradient = gradient.channels(simd, &size, channels.clone());
            let mut total = simd.splat_f32s(0.0);
            for x in 0..geometry.tiles_per_row {
                let tile = index * geometry.tiles_per_row + x;
                let gradient_tile =
                    gradient.load_tile::<TILE>(simd, image, tile_y * TILE, x * TILE);
                for row in &gradient_tile {
                    for &value in row {
                        total = simd.add_f32s(total, value);
                    }
                }
                let mut to =
                    TransformedTileMut::new(&geometry.outputs, tiles, tile, start, transformed);
                let mut from = GradientTile::<S>(gradient_tile);
                transform_2d::<S, OutputGradientTransform, TILE, PATCH>(
                    simd,
                    &mut from,
                    &mut to,
                    &mut intermediate,
                );
            }
            let sums = &mut bias_gradient[channels];
            let sum = simd.add_f32s(load(simd, sums), total);
            simd.partial_store_f32s(sums, sum);
        }
    }
}

/// Reader of a tile of a gradient.
struct GradientTile<S: Simd>([[S::f32s; TILE]; TILE]);

impl<S: Simd> ReadTile<S> for GradientTile<S> {
    #[inline(always)]
    fn read(&mut self, _: S, i: usize, j: usize) -> S::f32s {
        self.0[i][j]
    }
}

/// Accumulates the input gradient of one tile row in its image. Patches overlap by two pixels:
/// pixels that no earlier tile has written are overwritten, not added to.
#[inline(always)]
pub(crate) fn accumulate_input_gradient<S: Simd>(
    simd: S,
    geometry: &Geometry,
    transformed: &TransformedTiles<'_>,
    first_tile: usize,
    tile_y: usize,
    image: &mut [f32],
) {
    let size = geometry.shape.input();
    let mut intermediate = new_intermediate::<S, PATCH, PATCH>(simd);
    for tile_x in 0..geometry.tiles_per_row {
        let tile = first_tile + tile_x;
        let (top, left) = geometry.patch_origin(tile_y, tile_x);
        let (rows, columns) = (clip(top, size.height), clip(left, size.width));
        for channel in (0..size.channels).step_by(S::F32_LANES) {
            let mut pixels = AddPixels {
                rows: rows.clone(),
                columns: columns.clone(),
                written: [
                    if tile_y > 0 { PATCH - TILE } else { 0 },
                    if tile_x > 0 { PATCH - TILE } else { 0 },
                ],
                top,
                left,
                row: size.row_len(),
                channels: size.channels,
                channel,
                image: &mut *image,
            };
            let mut transformed = transformed.tile(tile, channel);
            transform_2d::<S, InputGradientTransform, PATCH, PATCH>(
                simd,
                &mut transformed,
                &mut pixels,
                &mut intermediate,
            );
        }
    }
}

/// Writer that adds a patch to an image, clipped to the image.
struct AddPixels<'a> {
    rows: Range<usize>,
    columns: Range<usize>,
    /// Rows and columns of the patch that earlier tiles have written.
    written: [usize; 2],
    top: isize,
    left: isize,
    row: usize,
    channels: usize,
    channel: usize,
    image: &'a mut [f32],
}

impl<S: Simd> WriteTile<S> for AddPixels<'_> {
    #[inline(always)]
    fn write(&mut self, simd: S, i: usize, j: usize, vector: S::f32s) {
        if !self.rows.contains(&i) || !self.columns.contains(&j) {
            return;
        }
        let (y, x) = (self.top + i as isize, self.left + j as isize);
        let pixel = y as usize * self.row + x as usize * self.channels;
        let end = (self.channel + S::F32_LANES).min(self.channels);
        let values = &mut self.image[pixel + self.channel..pixel + end];
        let mut sum = vector;
        if i < self.written[0] || j < self.written[1] {
            sum = simd.add_f32s(load(simd, values), vector);
        }
        store(simd, values, sum);
    }
}
