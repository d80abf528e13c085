//! Input transform of a block of tile rows.

use std::ops::Range;

use pulp::Simd;

use crate::channels::load;
use crate::conv2d::winograd::geometry::{Geometry, clip};
use crate::conv2d::winograd::tiles::{TransformedTileMut, load_vector};
use crate::conv2d::winograd::transforms::{
    InputTransform, PATCH, ReadTile, new_intermediate, transform_2d,
};
use crate::microkernel::mul_add;
use crate::operand::{Affine, ConvInput, ImageSize, InputMap};

/// Transforms the inputs of a block of tile rows.
#[inline(always)]
pub(crate) fn transform_inputs<S: Simd>(
    simd: S,
    geometry: &Geometry,
    input: &ConvInput<'_>,
    tile_rows: Range<usize>,
    transformed: &mut [f32],
) {
    let size = geometry.shape.input();
    let tiles = tile_rows.len() * geometry.tiles_per_row;
    let whole = size.channels.is_multiple_of(S::F32_LANES);
    let mut intermediate = new_intermediate::<S, PATCH, PATCH>(simd);
    for (index, tile_row) in tile_rows.enumerate() {
        let (image, tile_y) = (
            tile_row / geometry.tile_rows_per_image,
            tile_row % geometry.tile_rows_per_image,
        );
        for x in 0..geometry.tiles_per_row {
            let tile = index * geometry.tiles_per_row + x;
            let patch_origin = geometry.patch_origin(tile_y, x);
            let inside = |start: isize, len: usize| start >= 0 && start as usize + PATCH <= len;
            if whole && inside(patch_origin.0, size.height) && inside(patch_origin.1, size.width) {
                // Inside the image, patches are read in place.
                let start = size.row_offset(image, patch_origin.0 as usize);
                let start = start + patch_origin.1 as usize * size.channels;
                for channel in (0..size.channels).step_by(S::F32_LANES) {
                    let mut to = TransformedTileMut::new(
                        &geometry.inputs,
                        tiles,
                        tile,
                        channel,
                        transformed,
                    );
                    let mut from = Pixels {
                        values: &input.values[start + channel..],
                        row: size.row_len(),
                        pixel: size.channels,
                    };
                    let range = channel..channel + S::F32_LANES;
                    if input.relu {
                        let mut from = ReluPixels(from, input.map(simd, range));
                        transform_2d::<S, InputTransform, PATCH, PATCH>(
                            simd,
                            &mut from,
                            &mut to,
                            &mut intermediate,
                        );
                        continue;
                    }
                    match input.affine {
                        None => {
                            transform_2d::<S, InputTransform, PATCH, PATCH>(
                                simd,
                                &mut from,
                                &mut to,
                                &mut intermediate,
                            );
                        }
                        Some(Affine { scale, shift }) => {
                            let mut from = AffinePixels::<S> {
                                pixels: from,
                                scale: load_vector::<S>(&scale[channel..]),
                                shift: load_vector::<S>(&shift[channel..]),
                            };
                            transform_2d::<S, InputTransform, PATCH, PATCH>(
                                simd,
                                &mut from,
                                &mut to,
                                &mut intermediate,
                            );
                        }
                    }
                }
            } else {
                for start in (0..size.channels).step_by(S::F32_LANES) {
                    let channels = start..(start + S::F32_LANES).min(size.channels);
                    let mut from = EdgePixels::<S> {
                        values: &input.values[size.row_offset(image, 0)..][..size.image_len()],
                        size,
                        rows: clip(patch_origin.0, size.height),
                        columns: clip(patch_origin.1, size.width),
                        patch_origin,
                        map: input.map(simd, channels.clone()),
                        channels,
                    };
                    let mut to =
                        TransformedTileMut::new(&geometry.inputs, tiles, tile, start, transformed);
                    transform_2d::<S, InputTransform, PATCH, PATCH>(
                        simd,
                        &mut from,
                        &mut to,
                        &mut intermediate,
                    );
                }
            }
        }
    }
}

/// Reader of pixels for one vector of channels.
struct Pixels<'a> {
    values: &'a [f32],
    /// Distance between consecutive rows and between consecutive pixels.
    row: usize,
    pixel: usize,
}

impl<S: Simd> ReadTile<S> for Pixels<'_> {
    #[inline(always)]
    fn read(&mut self, _: S, i: usize, j: usize) -> S::f32s {
        load_vector::<S>(&self.values[i * self.row + j * self.pixel..])
    }
}

/// Reader that applies an affine map.
struct AffinePixels<'a, S: Simd> {
    pixels: Pixels<'a>,
    scale: S::f32s,
    shift: S::f32s,
}

impl<S: Simd> ReadTile<S> for AffinePixels<'_, S> {
    #[inline(always)]
    fn read(&mut self, simd: S, i: usize, j: usize) -> S::f32s {
        mul_add(simd, self.pixels.read(simd, i, j), self.scale, self.shift)
    }
}

/// Reader that applies an affine map and ReLU.
struct ReluPixels<'a, S: Simd>(Pixels<'a>, InputMap<S::f32s>);

impl<S: Simd> ReadTile<S> for ReluPixels<'_, S> {
    #[inline(always)]
    fn read(&mut self, simd: S, i: usize, j: usize) -> S::f32s {
        self.1.apply(simd, self.0.read(simd, i, j))
    }
}

/// Reader of a patch that crosses the image border or whose channels do not fill a vector. Elements
/// outside are zero.
struct EdgePixels<'a, S: Simd> {
    /// One image.
    values: &'a [f32],
    size: ImageSize,
    /// Part of the patch that lies inside the image.
    rows: Range<usize>,
    columns: Range<usize>,
    patch_origin: (isize, isize),
    channels: Range<usize>,
    map: InputMap<S::f32s>,
}

impl<S: Simd> ReadTile<S> for EdgePixels<'_, S> {
    #[inline(always)]
    fn read(&mut self, simd: S, i: usize, j: usize) -> S::f32s {
        if !self.rows.contains(&i) || !self.columns.contains(&j) {
            return simd.splat_f32s(0.0);
        }
        let (y, x) = (
            self.patch_origin.0 + i as isize,
            self.patch_origin.1 + j as isize,
        );
        let pixel = self.size.row_offset(0, y as usize) + x as usize * self.size.channels;
        let value = load(
            simd,
            &self.values[pixel + self.channels.start..pixel + self.channels.end],
        );
        self.map.apply(simd, value)
    }
}
