//! Forwards: inputs to points, 36 products, points to outputs.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::buffer::{Threads, Workspace, WorkspaceLen};
use crate::conv2d::finish::{BAND, Bands, BandsMut, Finish, FinishVector, pool_band};
use crate::conv2d::winograd::blocks::{Points, transform_inputs};
use crate::conv2d::winograd::geometry::Geometry;
use crate::conv2d::winograd::products::PointProduct;
use crate::conv2d::winograd::transforms::{PATCH, POINTS, PointsToOutput, TILE, Write, both_ways};
use crate::conv2d::{Conv2d, Conv2dOutput};
use crate::moments::{moments_len, write_moments};
use crate::parallel::{Piece, RowsMut, for_each_piece};
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

pub(crate) fn tasks(conv: &Conv2d) -> usize {
    let geometry = super::geometry(conv);
    geometry.tile_rows().div_ceil(grain(&geometry))
}

/// Tile rows whose points lie in memory at once when the kernel is large: whole tasks.
fn large_chunk(geometry: &Geometry) -> usize {
    let grain = grain(geometry);
    let most = LARGE_BATCH / (points_of_tile(geometry) * geometry.across);
    (most / grain).max(1) * grain
}

pub(crate) fn workspace_len(geometry: &Geometry) -> WorkspaceLen {
    let tiles = largest_block(geometry).min(geometry.tile_rows()) * geometry.across;
    let band = geometry
        .patch_len()
        .max(BAND * geometry.shape.output().row());
    let (thread, shared) = if is_large(geometry) {
        let rows = large_chunk(geometry).min(geometry.tile_rows());
        (0, rows * geometry.across * points_of_tile(geometry))
    } else {
        (tiles * points_of_tile(geometry), 0)
    };
    WorkspaceLen {
        thread: band + thread,
        shared,
    }
}

type Pieces<'a> = (
    BandsMut<'a, f32>,
    (Option<BandsMut<'a, u8>>, Option<RowsMut<'a, f32>>),
);

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
    let moments = output
        .moments
        .map(|moments| RowsMut::every(grain, moments, moments_len(conv.shape.out_channels)));
    let winners = output.winners.map(|winners| BandsMut::new(bands, winners));
    let pieces = (BandsMut::new(bands, output.values), (winners, moments));
    let pass = Pass {
        conv,
        geometry: &geometry,
        input,
        kernel,
        finish,
    };
    let Workspace { threads, shared } = workspace;
    if is_large(&geometry) {
        pass.large(grain, pieces, threads, shared);
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
struct Pass<'a> {
    conv: &'a Conv2d,
    geometry: &'a Geometry,
    input: &'a Input<'a>,
    kernel: &'a [f32],
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
        let (products, band) = scratch.split_at_mut(Geometry::block_len(&geometry.outputs, tiles));
        transform_inputs(simd, geometry, input, self.rows.clone(), band, points);
        let left_len = geometry.inputs.padded() * tiles;
        let product_len = geometry.outputs.padded() * tiles;
        for point in 0..POINTS {
            point_product(geometry, kernel, point, tiles, &points[point * left_len..])
                .run(simd, &mut products[point * product_len..][..product_len]);
        }
        let products = Points {
            values: products,
            panels: geometry.outputs,
            tiles,
            stride: product_len,
        };
        write_outputs(simd, self.pass, self.rows, &products, band, self.pieces);
    }
}

/// The product of one block at one point.
#[inline(always)]
fn point_product<'a>(
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
fn write_outputs<S: Simd>(
    simd: S,
    pass: &Pass<'_>,
    rows: Range<usize>,
    points: &Points<'_>,
    band: &mut [f32],
    pieces: Pieces<'_>,
) {
    let geometry = pass.geometry;
    let size = geometry.shape.output();
    let (mut values, (mut winners, moments)) = pieces;
    for (index, row) in rows.enumerate() {
        let height = (size.height - row % geometry.down * TILE).min(TILE);
        let first_tile = index * geometry.across;
        if pass.conv.pool {
            let band = &mut band[..height * size.row()];
            write_band(simd, pass, points, first_tile, band);
            let winners = winners.as_mut().map(|winners| winners.band(row));
            pool_band(&size, band, values.band(row), winners);
        } else {
            write_band(simd, pass, points, first_tile, values.band(row));
        }
    }
    if let Some(moments) = moments {
        write_moments(simd, size.channels, values.all(), moments.values);
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
            let points = points.tile(first_tile + x, channel);
            both_ways::<S, PointsToOutput, PATCH, TILE>(simd, &points, &mut pixels);
        }
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
        let pixel = &mut self.output[start..start + self.count];
        if let ([pixel], []) = S::as_mut_simd_f32s(pixel) {
            *pixel = value;
        } else {
            simd.partial_store_f32s(pixel, value);
        }
    }
}

impl Pass<'_> {
    /// All blocks to points, each product for all blocks, all blocks to outputs: the kernel is
    /// read once, and each product finds its part of it in the cache.
    fn large(&self, grain: usize, mut pieces: Pieces<'_>, threads: &Threads, shared: &mut [f32]) {
        let geometry = self.geometry;
        let rows = geometry.tile_rows();
        let chunk = large_chunk(geometry);
        for start in (0..rows).step_by(chunk) {
            let end = (start + chunk).min(rows);
            let (here, rest) = pieces.split(end);
            pieces = rest;
            self.large_chunk(grain, start..end, here, threads, shared);
        }
    }

    fn large_chunk(
        &self,
        grain: usize,
        rows: Range<usize>,
        pieces: Pieces<'_>,
        threads: &Threads,
        shared: &mut [f32],
    ) {
        let geometry = self.geometry;
        let instructions = self.conv.instructions;
        let tiles = rows.len() * geometry.across;
        let (points, rest) = shared.split_at_mut(Geometry::block_len(&geometry.inputs, tiles));
        let products = &mut rest[..Geometry::block_len(&geometry.outputs, tiles)];
        let row_len = Geometry::block_len(&geometry.inputs, geometry.across);
        let blocks = RowsMut::new(&mut *points, row_len);
        for_each_piece(0..rows.len(), grain, blocks, &|block, points| {
            threads.with(|band| {
                instructions.run(BlockInputs {
                    pass: self,
                    rows: rows.start + block.start..rows.start + block.end,
                    band,
                    points: points.values,
                });
            });
        });
        let points = &*points;
        let product_len = geometry.outputs.padded() * tiles;
        let outputs = RowsMut::new(&mut *products, product_len);
        for_each_piece(0..POINTS, 1, outputs, &|point, output| {
            instructions.run(LargeProduct {
                pass: self,
                point: point.start,
                block: grain * geometry.across,
                points,
                output: output.values,
            });
        });
        let products = &*products;
        for_each_piece(rows.clone(), grain, pieces, &|block, pieces| {
            threads.with(|band| {
                let first = (block.start - rows.start) * geometry.across;
                let tiles = block.len() * geometry.across;
                instructions.run(BlockOutputs {
                    pass: self,
                    rows: block,
                    points: Points {
                        values: &products[first * geometry.outputs.padded()..],
                        panels: geometry.outputs,
                        tiles,
                        stride: product_len,
                    },
                    band,
                    pieces,
                });
            });
        });
    }
}

struct BlockInputs<'a> {
    pass: &'a Pass<'a>,
    rows: Range<usize>,
    band: &'a mut [f32],
    points: &'a mut [f32],
}

impl WithSimd for BlockInputs<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Pass {
            geometry, input, ..
        } = *self.pass;
        transform_inputs(simd, geometry, input, self.rows, self.band, self.points);
    }
}

/// One point's product for all blocks.
struct LargeProduct<'a> {
    pass: &'a Pass<'a>,
    point: usize,
    /// Tiles of a block.
    block: usize,
    points: &'a [f32],
    output: &'a mut [f32],
}

impl WithSimd for LargeProduct<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Pass {
            geometry, kernel, ..
        } = *self.pass;
        let width = geometry.inputs.padded();
        let blocks = self.points.chunks(self.block * width * POINTS);
        let outputs = self
            .output
            .chunks_mut(self.block * geometry.outputs.padded());
        for (points, output) in blocks.zip(outputs) {
            let tiles = points.len() / (width * POINTS);
            let left = &points[self.point * width * tiles..];
            point_product(geometry, kernel, self.point, tiles, left).run(simd, output);
        }
    }
}

struct BlockOutputs<'a> {
    pass: &'a Pass<'a>,
    rows: Range<usize>,
    points: Points<'a>,
    band: &'a mut [f32],
    pieces: Pieces<'a>,
}

impl WithSimd for BlockOutputs<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        write_outputs(
            simd,
            self.pass,
            self.rows,
            &self.points,
            self.band,
            self.pieces,
        );
    }
}
