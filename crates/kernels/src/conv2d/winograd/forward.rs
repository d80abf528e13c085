//! Forwards: inputs to points, 36 products, points to outputs.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::buffer::{Workspace, WorkspaceLen};
use crate::channels::store;
use crate::conv2d::finish::{Bands, BandsMut, Finish, FinishVector, largest};
use crate::conv2d::winograd::blocks::{Points, transform_inputs};
use crate::conv2d::winograd::geometry::Geometry;
use crate::conv2d::winograd::products::PointProduct;
use crate::conv2d::winograd::transforms::{
    Aligned, PATCH, POINTS, PointsToOutput, TILE, Write, both_ways,
};
use crate::conv2d::{Conv2d, Conv2dOutput};
use crate::parallel::for_each_piece;
use crate::source::Input;

/// Numbers of a block's points that a task works on: with the kernel they stay in a core's cache.
const BLOCK: usize = 160 * 1024;

/// A kernel of more numbers is not read again for each block: each of the 36 products is done for
/// all blocks at once.
const LARGE_KERNEL: usize = 400 * 1024;

/// Numbers of all points that lie in memory at once when the kernel is large.
const LARGE_BATCH: usize = 16 * 1024 * 1024;

/// Tasks that even one image is dealt into, where it has so many tile rows.
const FEWEST_TASKS: usize = 4;

fn points_of_tile(geometry: &Geometry) -> usize {
    POINTS * (geometry.inputs.padded() + geometry.outputs.padded())
}

fn is_large(geometry: &Geometry) -> bool {
    geometry.kernel_len() > LARGE_KERNEL
}

/// Tile rows of a task.
fn grain(geometry: &Geometry) -> usize {
    let rows = geometry.tile_rows();
    let most = if is_large(geometry) {
        geometry.large_block(1)
    } else {
        largest_block(geometry).min(rows.div_ceil(FEWEST_TASKS))
    };
    most.min(rows).max(1)
}

/// Tile rows of a block that fits into the cache.
fn largest_block(geometry: &Geometry) -> usize {
    (BLOCK / (points_of_tile(geometry) * geometry.across)).max(1)
}

/// Tile rows whose points lie in memory at once when the kernel is large: whole tasks.
pub(super) fn large_chunk(geometry: &Geometry) -> usize {
    let grain = grain(geometry);
    let most = LARGE_BATCH / (points_of_tile(geometry) * geometry.across);
    (most / grain).max(1) * grain
}

pub(crate) fn workspace_len(geometry: &Geometry) -> WorkspaceLen {
    let tiles = largest_block(geometry).min(geometry.tile_rows()) * geometry.across;
    let (thread, shared) = if is_large(geometry) {
        let rows = large_chunk(geometry).min(geometry.tile_rows());
        let grain = geometry.large_block(1).min(geometry.tile_rows());
        let inputs = Geometry::block_len(&geometry.inputs, grain * geometry.across);
        let outputs = Geometry::block_len(&geometry.outputs, rows * geometry.across);
        (0, rows.div_ceil(grain) * inputs + outputs)
    } else {
        let inputs = Geometry::block_len(&geometry.inputs, tiles);
        (inputs + Geometry::block_len(&geometry.outputs, tiles), 0)
    };
    WorkspaceLen { thread, shared }
}

pub(super) type Pieces<'a> = (BandsMut<'a, f32>, Option<BandsMut<'a, f32>>);

pub(crate) fn forward(
    conv: &Conv2d,
    input: &Input<'_>,
    kernel: &[f32],
    finish: &Finish<'_>,
    output: Conv2dOutput<'_>,
    workspace: &mut Workspace,
) {
    let geometry = super::geometry(conv);
    let bands = Bands::new(&conv.shape.output(), conv.pool);
    let grain = grain(&geometry);
    let winners = output.winners.map(|winners| BandsMut::new(bands, winners));
    let pieces = (BandsMut::new(bands, output.values), winners);
    let pass = Pass {
        conv,
        geometry: &geometry,
        input,
        kernel,
        finish,
    };
    let Workspace { threads, shared } = workspace;
    if is_large(&geometry) {
        pass.large(grain, pieces, shared);
        return;
    }
    for_each_piece(0..geometry.tile_rows(), grain, pieces, &|rows, pieces| {
        threads.with(|scratch| {
            conv.instructions.run(Block {
                pass: &pass,
                rows,
                scratch,
                pieces,
            });
        });
    });
}

/// What all tasks of one call share.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) conv: &'a Conv2d,
    pub(super) geometry: &'a Geometry,
    pub(super) input: &'a Input<'a>,
    pub(super) kernel: &'a [f32],
    finish: &'a Finish<'a>,
}

/// One block from inputs to outputs.
struct Block<'a> {
    pass: &'a Pass<'a>,
    rows: Range<usize>,
    scratch: &'a mut [f32],
    pieces: Pieces<'a>,
}

impl WithSimd for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Pass {
            geometry,
            input,
            kernel,
            ..
        } = *self.pass;
        let tiles = self.rows.len() * geometry.across;
        let (points, scratch) = self
            .scratch
            .split_at_mut(Geometry::block_len(&geometry.inputs, tiles));
        let (products, _) = scratch.split_at_mut(Geometry::block_len(&geometry.outputs, tiles));
        transform_inputs(simd, geometry, input, self.rows.clone(), points);
        let left_len = Geometry::point_len(&geometry.inputs, tiles);
        let product_len = Geometry::point_len(&geometry.outputs, tiles);
        for point in 0..POINTS {
            let output = &mut products[point * product_len..][..geometry.outputs.padded() * tiles];
            point_product(geometry, kernel, point, tiles, &points[point * left_len..])
                .run(simd, output);
        }
        let products = Points {
            values: products,
            panels: geometry.outputs,
            tiles,
            stride: product_len,
        };
        write_outputs(simd, self.pass, self.rows, &products, self.pieces);
    }
}

/// The product of one block at one point.
#[inline(always)]
pub(super) fn point_product<'a>(
    geometry: &Geometry,
    kernel: &'a [f32],
    point: usize,
    tiles: usize,
    left: &'a [f32],
) -> PointProduct<'a> {
    let panel = geometry.shape.in_channels * geometry.outputs.width;
    PointProduct {
        tiles,
        left,
        left_panels: geometry.inputs,
        kernel: &kernel[point * panel..],
        kernel_stride: POINTS * panel,
        output_panels: geometry.outputs,
    }
}

/// Points to outputs: finished, pooled, and their moments taken.
#[inline(always)]
pub(super) fn write_outputs<S: Simd>(
    simd: S,
    pass: &Pass<'_>,
    rows: Range<usize>,
    points: &Points<'_>,
    pieces: Pieces<'_>,
) {
    let geometry = pass.geometry;
    let (mut values, mut winners) = pieces;
    for (index, row) in rows.enumerate() {
        let first_tile = index * geometry.across;
        if pass.conv.pool {
            let winners = winners.as_mut().map(|winners| winners.band(row));
            write_pooled(simd, pass, points, first_tile, values.band(row), winners);
        } else {
            write_band(simd, pass, points, first_tile, values.band(row));
        }
    }
}

/// One tile row's outputs, finished but not pooled.
#[inline(always)]
fn write_band<S: Simd>(
    simd: S,
    pass: &Pass<'_>,
    points: &Points<'_>,
    first_tile: usize,
    output: &mut [f32],
) {
    let geometry = pass.geometry;
    let size = geometry.shape.output();
    for channel in (0..size.channels).step_by(S::F32_LANES) {
        let end = (channel + S::F32_LANES).min(size.channels);
        let finish = pass.finish.vector(simd, channel..end);
        for x in 0..geometry.across {
            let mut pixels = FinishPixels::<S> {
                finish,
                columns: (size.width - x * TILE).min(TILE),
                row: size.row(),
                channels: size.channels,
                first: x * TILE * size.channels + channel,
                count: end - channel,
                output: &mut *output,
            };
            let mut points = points.tile(first_tile + x, channel);
            both_ways::<S, PointsToOutput, PATCH, TILE>(simd, &mut points, &mut pixels);
        }
    }
}

/// One tile row's outputs, finished and pooled.
#[inline(always)]
fn write_pooled<S: Simd>(
    simd: S,
    pass: &Pass<'_>,
    points: &Points<'_>,
    first_tile: usize,
    output: &mut [f32],
    mut winners: Option<&mut [f32]>,
) {
    let geometry = pass.geometry;
    let size = geometry.shape.output();
    let (pooled, channels) = (size.pooled(), size.channels);
    let rows = output.len() / pooled.row();
    for start in (0..channels).step_by(S::F32_LANES) {
        let end = (start + S::F32_LANES).min(channels);
        let finish = pass.finish.vector(simd, start..end);
        for across in 0..geometry.across {
            let mut tile = FinishTile::<S> {
                finish,
                values: Aligned([[simd.splat_f32s(0.0); TILE]; TILE]),
            };
            let mut points = points.tile(first_tile + across, start);
            both_ways::<S, PointsToOutput, PATCH, TILE>(simd, &mut points, &mut tile);
            for y in 0..rows.min(TILE / 2) {
                for x in 0..(pooled.width - across * TILE / 2).min(TILE / 2) {
                    let [top, bottom] = [tile.values.0[2 * y], tile.values.0[2 * y + 1]];
                    let window = [top[2 * x], top[2 * x + 1], bottom[2 * x], bottom[2 * x + 1]];
                    let (best, winner) = largest(simd, window);
                    let pixel = y * pooled.row() + (across * TILE / 2 + x) * channels;
                    store(simd, &mut output[pixel + start..pixel + end], best);
                    if let Some(winners) = &mut winners {
                        store(simd, &mut winners[pixel + start..pixel + end], winner);
                    }
                }
            }
        }
    }
}

/// A tile's finished outputs, kept.
struct FinishTile<S: Simd> {
    finish: FinishVector<S::f32s>,
    values: Aligned<[[S::f32s; TILE]; TILE]>,
}

impl<S: Simd> Write<S> for FinishTile<S> {
    #[inline(always)]
    fn write(&mut self, simd: S, i: usize, j: usize, sum: S::f32s) {
        self.values.0[i][j] = self.finish.apply(simd, sum);
    }
}

/// Finishes a tile's outputs and writes those that are inside.
struct FinishPixels<'a, S: Simd> {
    finish: FinishVector<S::f32s>,
    columns: usize,
    row: usize,
    channels: usize,
    first: usize,
    count: usize,
    output: &'a mut [f32],
}

impl<S: Simd> Write<S> for FinishPixels<'_, S> {
    #[inline(always)]
    fn write(&mut self, simd: S, i: usize, j: usize, sum: S::f32s) {
        let start = i * self.row + j * self.channels + self.first;
        if j >= self.columns || i * self.row >= self.output.len() {
            return;
        }
        let value = self.finish.apply(simd, sum);
        store(simd, &mut self.output[start..start + self.count], value);
    }
}
