//! From images to points and back: the transforms over a block of tile rows.

use std::ops::Range;

use pulp::Simd;

use crate::conv2d::winograd::geometry::{Band, Geometry};
use crate::conv2d::winograd::transforms::{
    InputToPoints, OutputToPoints, PATCH, PointsToInput, TILE, both_ways,
};
use crate::source::RowSource;
use crate::tile::Panels;

/// Transforms the inputs of a block of tile rows.
#[inline(always)]
pub(crate) fn transform_inputs<S: Simd>(
    simd: S,
    geometry: &Geometry,
    source: &impl RowSource,
    tile_rows: Range<usize>,
    band: &mut [f32],
    points: &mut [f32],
) {
    let layout = geometry.input_band();
    let size = geometry.shape.input();
    let tiles = tile_rows.len() * geometry.across;
    layout.clear(band);
    for (index, tile_row) in tile_rows.enumerate() {
        let (image, down) = (tile_row / geometry.down, tile_row % geometry.down);
        let top = (down * TILE) as isize - geometry.shape.rows.padding_before as isize;
        layout.copy(source, &size, image, top, band);
        for x in 0..geometry.across {
            let tile = index * geometry.across + x;
            for channel in (0..geometry.shape.in_channels).step_by(S::F32_LANES) {
                let patch = load::<S, PATCH>(simd, &layout, band, x * TILE, channel);
                let patch = both_ways::<S, InputToPoints, 6, 6>(simd, patch);
                store_points::<S>(&geometry.inputs, tiles, tile, channel, &patch, points);
            }
        }
    }
}

/// Transforms the output's gradient of a block of tile rows, and adds each channel's sum to
/// `bias_gradient`.
#[inline(always)]
pub(crate) fn transform_gradients<S: Simd>(
    simd: S,
    geometry: &Geometry,
    source: &impl RowSource,
    tile_rows: Range<usize>,
    band: &mut [f32],
    points: &mut [f32],
    bias_gradient: &mut [f32],
) {
    let layout = geometry.output_band();
    let size = geometry.shape.output();
    let tiles = tile_rows.len() * geometry.across;
    layout.clear(band);
    for (index, tile_row) in tile_rows.enumerate() {
        let (image, down) = (tile_row / geometry.down, tile_row % geometry.down);
        let top = (down * TILE) as isize;
        layout.copy(source, &size, image, top, band);
        for x in 0..geometry.across {
            let tile = index * geometry.across + x;
            for channel in (0..geometry.shape.out_channels).step_by(S::F32_LANES) {
                let patch = load::<S, TILE>(simd, &layout, band, x * TILE, channel);
                let patch = both_ways::<S, OutputToPoints, 4, 6>(simd, patch);
                store_points::<S>(&geometry.outputs, tiles, tile, channel, &patch, points);
            }
        }
        let pixels = &band[..layout.rows * layout.row()];
        for (channels, sums) in bias_gradient.chunks_mut(S::F32_LANES).enumerate() {
            let mut total = simd.splat_f32s(0.0);
            for pixel in pixels.chunks_exact(layout.channels) {
                let pixel = &pixel[channels * S::F32_LANES..][..S::F32_LANES];
                total = simd.add_f32s(total, S::as_simd_f32s(pixel).0[0]);
            }
            let sum = simd.add_f32s(simd.partial_load_f32s(sums), total);
            simd.partial_store_f32s(sums, sum);
        }
    }
}

/// Adds the gradient at the points of one tile row up to the one at its image's pixels. An image's
/// first tile row starts from zeros.
#[inline(always)]
pub(crate) fn add_up_inputs<S: Simd>(
    simd: S,
    geometry: &Geometry,
    points: &Points<'_>,
    first_tile: usize,
    down: usize,
    image: &mut [f32],
) {
    let shape = &geometry.shape;
    let size = shape.input();
    if down == 0 {
        image.fill(0.0);
    }
    let rows = clip(down * TILE, shape.rows.padding_before, size.height);
    for across in 0..geometry.across {
        let tile = first_tile + across;
        let columns = clip(across * TILE, shape.columns.padding_before, size.width);
        for channel in (0..size.channels).step_by(S::F32_LANES) {
            let patch = points.load::<S>(simd, tile, channel);
            let patch = both_ways::<S, PointsToInput, 6, 6>(simd, patch);
            for i in rows.clone() {
                let y = down * TILE + i - shape.rows.padding_before;
                for j in columns.clone() {
                    let x = across * TILE + j - shape.columns.padding_before;
                    let pixel = size.start(0, y) + x * size.channels;
                    let end = (channel + S::F32_LANES).min(size.channels);
                    add(simd, &mut image[pixel + channel..pixel + end], patch[i][j]);
                }
            }
        }
    }
}

/// Offsets `0..PATCH` from `start` that lie in an image of `len` after `padding`.
fn clip(start: usize, padding: usize, len: usize) -> Range<usize> {
    padding.saturating_sub(start)..PATCH.min((len + padding).saturating_sub(start))
}

#[inline(always)]
fn add<S: Simd>(simd: S, values: &mut [f32], vector: S::f32s) {
    if let ([value], []) = S::as_mut_simd_f32s(values) {
        *value = simd.add_f32s(*value, vector);
    } else {
        let sum = simd.add_f32s(simd.partial_load_f32s(values), vector);
        simd.partial_store_f32s(values, sum);
    }
}

/// The points of some tiles, read where they lie.
pub(crate) struct Points<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) panels: Panels,
    /// Tiles side by side in a panel.
    pub(crate) tiles: usize,
    /// From one point to the next.
    pub(crate) stride: usize,
}

impl Points<'_> {
    /// One tile's points for a vector of channels.
    #[inline(always)]
    pub(crate) fn load<S: Simd>(
        &self,
        simd: S,
        tile: usize,
        channel: usize,
    ) -> [[S::f32s; PATCH]; PATCH] {
        let (panel, within) = (channel / self.panels.width, channel % self.panels.width);
        let start = (panel * self.tiles + tile) * self.panels.width + within;
        let mut patch = [[simd.splat_f32s(0.0); PATCH]; PATCH];
        for i in 0..PATCH {
            for j in 0..PATCH {
                let values = &self.values[start + (i * PATCH + j) * self.stride..][..S::F32_LANES];
                patch[i][j] = S::as_simd_f32s(values).0[0];
            }
        }
        patch
    }
}

#[inline(always)]
fn load<S: Simd, const N: usize>(
    simd: S,
    layout: &Band,
    band: &[f32],
    column: usize,
    channel: usize,
) -> [[S::f32s; N]; N] {
    let mut patch = [[simd.splat_f32s(0.0); N]; N];
    for i in 0..N {
        let start = i * layout.row() + column * layout.channels + channel;
        for j in 0..N {
            let values = &band[start + j * layout.channels..][..S::F32_LANES];
            patch[i][j] = S::as_simd_f32s(values).0[0];
        }
    }
    patch
}

#[inline(always)]
fn store_points<S: Simd>(
    panels: &Panels,
    tiles: usize,
    tile: usize,
    channel: usize,
    patch: &[[S::f32s; PATCH]; PATCH],
    points: &mut [f32],
) {
    let (panel, within) = (channel / panels.width, channel % panels.width);
    let stride = panels.padded() * tiles;
    let start = (panel * tiles + tile) * panels.width + within;
    for i in 0..PATCH {
        for j in 0..PATCH {
            let values = &mut points[start + (i * PATCH + j) * stride..][..S::F32_LANES];
            S::as_mut_simd_f32s(values).0[0] = patch[i][j];
        }
    }
}
