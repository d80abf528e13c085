//! From images to points and back: the transforms over a block of tile rows.

use std::ops::Range;

use pulp::Simd;

use crate::channels::{load, store};
use crate::conv2d::winograd::geometry::Geometry;
use crate::conv2d::winograd::transforms::{
    InputToPoints, OutputToPoints, PATCH, PointsToInput, Read, TILE, Write, both_ways, new_between,
};
use crate::source::{Affine, Gradient, Input, Size};
use crate::tile::{Panels, mul_add};

/// Transforms the inputs of a block of tile rows.
#[inline(always)]
pub(crate) fn transform_inputs<S: Simd>(
    simd: S,
    geometry: &Geometry,
    input: &Input<'_>,
    tile_rows: Range<usize>,
    points: &mut [f32],
) {
    let size = geometry.shape.input();
    let tiles = tile_rows.len() * geometry.across;
    let whole = size.channels.is_multiple_of(S::F32_LANES);
    let mut between = new_between::<S, PATCH, PATCH>(simd);
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
                    let mut from = Pixels {
                        values: &input.values[start + channel..],
                        row: size.row(),
                        pixel: size.channels,
                    };
                    match input.affine {
                        None => {
                            both_ways::<S, InputToPoints, PATCH, PATCH>(
                                simd,
                                &mut from,
                                &mut to,
                                &mut between,
                            );
                        }
                        Some(Affine { scale, shift }) => {
                            let mut from = AffinePixels::<S> {
                                pixels: from,
                                scale: vector::<S>(&scale[channel..]),
                                shift: vector::<S>(&shift[channel..]),
                            };
                            both_ways::<S, InputToPoints, PATCH, PATCH>(
                                simd,
                                &mut from,
                                &mut to,
                                &mut between,
                            );
                        }
                    }
                }
            } else {
                for start in (0..size.channels).step_by(S::F32_LANES) {
                    let channels = start..(start + S::F32_LANES).min(size.channels);
                    let mut from = EdgePixels::<S> {
                        values: &input.values[size.start(image, 0)..][..size.image()],
                        size,
                        rows: clip(corner.0, size.height),
                        columns: clip(corner.1, size.width),
                        corner,
                        affine: match &input.affine {
                            None => None,
                            Some(Affine { scale, shift }) => Some((
                                load(simd, &scale[channels.clone()]),
                                load(simd, &shift[channels.clone()]),
                            )),
                        },
                        channels,
                    };
                    let mut to = PointsMut::new(&geometry.inputs, tiles, tile, start, points);
                    both_ways::<S, InputToPoints, PATCH, PATCH>(
                        simd,
                        &mut from,
                        &mut to,
                        &mut between,
                    );
                }
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
    gradient: &Gradient<'_>,
    tile_rows: Range<usize>,
    points: &mut [f32],
    bias_gradient: &mut [f32],
) {
    let size = geometry.shape.output();
    let tiles = tile_rows.len() * geometry.across;
    let mut between = new_between::<S, TILE, PATCH>(simd);
    for (index, tile_row) in tile_rows.enumerate() {
        let (image, down) = (tile_row / geometry.down, tile_row % geometry.down);
        for start in (0..size.channels).step_by(S::F32_LANES) {
            let channels = start..(start + S::F32_LANES).min(size.channels);
            let source = gradient.channels(simd, &size, channels.clone());
            let mut total = simd.splat_f32s(0.0);
            for x in 0..geometry.across {
                let tile = index * geometry.across + x;
                let square = source.square::<TILE>(simd, image, down * TILE, x * TILE);
                for row in &square {
                    for &value in row {
                        total = simd.add_f32s(total, value);
                    }
                }
                let mut to = PointsMut::new(&geometry.outputs, tiles, tile, start, points);
                let mut from = Square::<S>(square);
                both_ways::<S, OutputToPoints, TILE, PATCH>(simd, &mut from, &mut to, &mut between);
            }
            let sums = &mut bias_gradient[channels];
            let sum = simd.add_f32s(load(simd, sums), total);
            simd.partial_store_f32s(sums, sum);
        }
    }
}

/// A tile of a gradient.
struct Square<S: Simd>([[S::f32s; TILE]; TILE]);

impl<S: Simd> Read<S> for Square<S> {
    #[inline(always)]
    fn read(&mut self, _: S, i: usize, j: usize) -> S::f32s {
        self.0[i][j]
    }
}

/// Adds the gradient at the points of one tile row up to the one at its image's pixels. Patches
/// overlap by two pixels: what no tile before has touched is written, not added to.
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
    let mut between = new_between::<S, PATCH, PATCH>(simd);
    for across in 0..geometry.across {
        let tile = first_tile + across;
        let (first, left) = geometry.corner(down, across);
        let (rows, columns) = (clip(first, size.height), clip(left, size.width));
        for channel in (0..size.channels).step_by(S::F32_LANES) {
            let mut pixels = AddPixels {
                rows: rows.clone(),
                columns: columns.clone(),
                touched: [
                    if down > 0 { PATCH - TILE } else { 0 },
                    if across > 0 { PATCH - TILE } else { 0 },
                ],
                first,
                left,
                row: size.row(),
                channels: size.channels,
                channel,
                image: &mut *image,
            };
            let mut points = points.tile(tile, channel);
            both_ways::<S, PointsToInput, PATCH, PATCH>(
                simd,
                &mut points,
                &mut pixels,
                &mut between,
            );
        }
    }
}

/// Adds a patch to an image, where it lies inside.
struct AddPixels<'a> {
    rows: Range<usize>,
    columns: Range<usize>,
    /// Rows and columns of the patch that tiles before have written.
    touched: [usize; 2],
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
        let mut sum = vector;
        if i < self.touched[0] || j < self.touched[1] {
            sum = simd.add_f32s(load(simd, values), vector);
        }
        store(simd, values, sum);
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
    fn read(&mut self, _: S, i: usize, j: usize) -> S::f32s {
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
            stride: Geometry::point_len(panels, tiles),
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
    fn read(&mut self, _: S, i: usize, j: usize) -> S::f32s {
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
    fn read(&mut self, simd: S, i: usize, j: usize) -> S::f32s {
        mul_add(simd, self.pixels.read(simd, i, j), self.scale, self.shift)
    }
}

/// Pixels of a patch that reaches past the image, or whose channels fill no whole vector: what is
/// not there is zero.
struct EdgePixels<'a, S: Simd> {
    /// One image.
    values: &'a [f32],
    size: Size,
    /// The part of the patch that is there.
    rows: Range<usize>,
    columns: Range<usize>,
    corner: (isize, isize),
    channels: Range<usize>,
    affine: Option<(S::f32s, S::f32s)>,
}

impl<S: Simd> Read<S> for EdgePixels<'_, S> {
    #[inline(always)]
    fn read(&mut self, simd: S, i: usize, j: usize) -> S::f32s {
        if !self.rows.contains(&i) || !self.columns.contains(&j) {
            return simd.splat_f32s(0.0);
        }
        let (y, x) = (self.corner.0 + i as isize, self.corner.1 + j as isize);
        let pixel = self.size.start(0, y as usize) + x as usize * self.size.channels;
        let value = load(
            simd,
            &self.values[pixel + self.channels.start..pixel + self.channels.end],
        );
        match self.affine {
            Some((scale, shift)) => mul_add(simd, value, scale, shift),
            None => value,
        }
    }
}

/// The first vector of some numbers.
#[inline(always)]
pub(crate) fn vector<S: Simd>(values: &[f32]) -> S::f32s {
    S::as_simd_f32s(&values[..S::F32_LANES]).0[0]
}
