//! From images to points and back: the transforms over a block of tile rows.

use std::ops::Range;

use pulp::Simd;

use crate::conv2d::winograd::geometry::Geometry;
use crate::conv2d::winograd::transforms::{
    InputToPoints, OutputToPoints, PATCH, PointsToInput, Read, TILE, Write, both_ways,
};
use crate::source::{Affine, Input, RowSource, Size};
use crate::tile::{Panels, mul_add};

/// Transforms the inputs of a block of tile rows. `patch` is room for [`Geometry::patch_len`].
#[inline(always)]
pub(crate) fn transform_inputs<S: Simd>(
    simd: S,
    geometry: &Geometry,
    input: &Input<'_>,
    tile_rows: Range<usize>,
    patch: &mut [f32],
    points: &mut [f32],
) {
    let size = geometry.shape.input();
    let tiles = tile_rows.len() * geometry.across;
    let whole = size.channels.is_multiple_of(S::F32_LANES);
    for (index, tile_row) in tile_rows.enumerate() {
        let (image, down) = (tile_row / geometry.down, tile_row % geometry.down);
        for x in 0..geometry.across {
            let tile = index * geometry.across + x;
            let corner = geometry.corner(down, x);
            let inside = |start: isize, len: usize| start >= 0 && start as usize + PATCH <= len;
            if whole && inside(corner.0, size.height) && inside(corner.1, size.width) {
                // Read where it lies.
                let start = size.start(image, corner.0 as usize);
                let start = start + corner.1 as usize * size.channels;
                for channel in (0..size.channels).step_by(S::F32_LANES) {
                    let mut to = PointsMut::new(&geometry.inputs, tiles, tile, channel, points);
                    let from = Pixels {
                        values: &input.values[start + channel..],
                        row: size.row(),
                        pixel: size.channels,
                    };
                    match input.affine {
                        None => {
                            both_ways::<S, InputToPoints, PATCH, PATCH>(simd, &from, &mut to);
                        }
                        Some(Affine { scale, shift }) => {
                            let from = AffinePixels::<S> {
                                pixels: from,
                                scale: vector::<S>(&scale[channel..]),
                                shift: vector::<S>(&shift[channel..]),
                            };
                            both_ways::<S, InputToPoints, PATCH, PATCH>(simd, &from, &mut to);
                        }
                    }
                }
            } else {
                let padded = size.channels.next_multiple_of(S::F32_LANES);
                copy_patch(&size, input, image, corner, padded, patch);
                for channel in (0..size.channels).step_by(S::F32_LANES) {
                    let from = Pixels {
                        values: &patch[channel..],
                        row: PATCH * padded,
                        pixel: padded,
                    };
                    let mut to = PointsMut::new(&geometry.inputs, tiles, tile, channel, points);
                    both_ways::<S, InputToPoints, PATCH, PATCH>(simd, &from, &mut to);
                }
            }
        }
    }
}

/// Copies a patch that reaches past the image, or whose channels fill no whole vectors: what is not
/// there is zero.
#[inline(always)]
fn copy_patch(
    size: &Size,
    input: &Input<'_>,
    image: usize,
    (top, left): (isize, isize),
    padded: usize,
    patch: &mut [f32],
) {
    let patch = &mut patch[..PATCH * PATCH * padded];
    patch.fill(0.0);
    let rows = clip(top, size.height);
    let columns = clip(left, size.width);
    if columns.is_empty() {
        return;
    }
    for i in rows {
        let y = (top + i as isize) as usize;
        let x = (left + columns.start as isize) as usize;
        let start = size.start(image, y) + x * size.channels;
        let row = &mut patch[(i * PATCH + columns.start) * padded..][..columns.len() * padded];
        if padded == size.channels {
            input.pixels(size, start, row);
        } else {
            for (j, pixel) in row.chunks_exact_mut(padded).enumerate() {
                let pixel = &mut pixel[..size.channels];
                input.pixels(size, start + j * size.channels, pixel);
            }
        }
    }
}

/// Offsets into a patch from `start` on that lie in an image of `len`.
#[inline(always)]
fn clip(start: isize, len: usize) -> Range<usize> {
    let first = (-start).max(0);
    let end = (len as isize - start).clamp(first, PATCH as isize);
    first.min(end) as usize..end as usize
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
        layout.copy(source, &size, image, down * TILE, band);
        for x in 0..geometry.across {
            let tile = index * geometry.across + x;
            for channel in (0..geometry.shape.out_channels).step_by(S::F32_LANES) {
                let patch = Pixels {
                    values: &band[x * TILE * layout.channels + channel..],
                    row: layout.row(),
                    pixel: layout.channels,
                };
                let mut points = PointsMut::new(&geometry.outputs, tiles, tile, channel, points);
                both_ways::<S, OutputToPoints, TILE, PATCH>(simd, &patch, &mut points);
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
    let size = geometry.shape.input();
    if down == 0 {
        image.fill(0.0);
    }
    for across in 0..geometry.across {
        let tile = first_tile + across;
        let (first, left) = geometry.corner(down, across);
        let (rows, columns) = (clip(first, size.height), clip(left, size.width));
        for channel in (0..size.channels).step_by(S::F32_LANES) {
            let mut pixels = AddPixels {
                rows: rows.clone(),
                columns: columns.clone(),
                first,
                left,
                row: size.row(),
                channels: size.channels,
                channel,
                image: &mut *image,
            };
            let points = points.tile(tile, channel);
            both_ways::<S, PointsToInput, PATCH, PATCH>(simd, &points, &mut pixels);
        }
    }
}

/// Adds a patch to an image, where it lies inside.
struct AddPixels<'a> {
    rows: Range<usize>,
    columns: Range<usize>,
    first: isize,
    left: isize,
    row: usize,
    channels: usize,
    channel: usize,
    image: &'a mut [f32],
}

impl<S: Simd> Write<S> for AddPixels<'_> {
    #[inline(always)]
    fn write(&mut self, simd: S, i: usize, j: usize, vector: S::f32s) {
        if !self.rows.contains(&i) || !self.columns.contains(&j) {
            return;
        }
        let (y, x) = (self.first + i as isize, self.left + j as isize);
        let pixel = y as usize * self.row + x as usize * self.channels;
        let end = (self.channel + S::F32_LANES).min(self.channels);
        let values = &mut self.image[pixel + self.channel..pixel + end];
        if let ([value], []) = S::as_mut_simd_f32s(values) {
            *value = simd.add_f32s(*value, vector);
        } else {
            let sum = simd.add_f32s(simd.partial_load_f32s(values), vector);
            simd.partial_store_f32s(values, sum);
        }
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

impl<'a> Points<'a> {
    /// One tile's points for a vector of channels.
    #[inline(always)]
    pub(crate) fn tile(&self, tile: usize, channel: usize) -> PointsOfTile<'a> {
        PointsOfTile {
            values: &self.values[start(&self.panels, self.tiles, tile, channel)..],
            stride: self.stride,
        }
    }
}

/// Where a tile's numbers start in the first point's panels.
#[inline(always)]
fn start(panels: &Panels, tiles: usize, tile: usize, channel: usize) -> usize {
    let (panel, within) = (channel / panels.width, channel % panels.width);
    (panel * tiles + tile) * panels.width + within
}

/// One tile's points.
pub(crate) struct PointsOfTile<'a> {
    values: &'a [f32],
    stride: usize,
}

impl<S: Simd> Read<S> for PointsOfTile<'_> {
    #[inline(always)]
    fn read(&self, _: S, i: usize, j: usize) -> S::f32s {
        vector::<S>(&self.values[(i * PATCH + j) * self.stride..])
    }
}

/// One tile's points, to be written.
struct PointsMut<'a> {
    values: &'a mut [f32],
    stride: usize,
}

impl<'a> PointsMut<'a> {
    #[inline(always)]
    fn new(
        panels: &Panels,
        tiles: usize,
        tile: usize,
        channel: usize,
        points: &'a mut [f32],
    ) -> Self {
        Self {
            values: &mut points[start(panels, tiles, tile, channel)..],
            stride: panels.padded() * tiles,
        }
    }
}

impl<S: Simd> Write<S> for PointsMut<'_> {
    #[inline(always)]
    fn write(&mut self, _: S, i: usize, j: usize, vector: S::f32s) {
        let values = &mut self.values[(i * PATCH + j) * self.stride..][..S::F32_LANES];
        S::as_mut_simd_f32s(values).0[0] = vector;
    }
}

/// Pixels for a vector of channels.
struct Pixels<'a> {
    values: &'a [f32],
    /// From one row to the next, and from one pixel to the next.
    row: usize,
    pixel: usize,
}

impl<S: Simd> Read<S> for Pixels<'_> {
    #[inline(always)]
    fn read(&self, _: S, i: usize, j: usize) -> S::f32s {
        vector::<S>(&self.values[i * self.row + j * self.pixel..])
    }
}

/// Pixels that are normalised as they are read.
struct AffinePixels<'a, S: Simd> {
    pixels: Pixels<'a>,
    scale: S::f32s,
    shift: S::f32s,
}

impl<S: Simd> Read<S> for AffinePixels<'_, S> {
    #[inline(always)]
    fn read(&self, simd: S, i: usize, j: usize) -> S::f32s {
        mul_add(simd, self.pixels.read(simd, i, j), self.scale, self.shift)
    }
}

/// The first vector of some numbers.
#[inline(always)]
pub(crate) fn vector<S: Simd>(values: &[f32]) -> S::f32s {
    S::as_simd_f32s(&values[..S::F32_LANES]).0[0]
}
