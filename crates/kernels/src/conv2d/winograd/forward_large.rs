//! Forwards with a large kernel: all inputs to points, each of the 36 products for all of them, all
//! points to outputs.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::conv2d::winograd::blocks::{Points, transform_inputs};
use crate::conv2d::winograd::forward::{Pass, Pieces, large_chunk, point_product, write_outputs};
use crate::conv2d::winograd::geometry::Geometry;
use crate::conv2d::winograd::transforms::POINTS;
use crate::parallel::{Piece, RowsMut, for_each_piece};

impl Pass<'_> {
    /// All blocks to points, each product for all blocks, all blocks to outputs: the kernel is
    /// read once, and each product finds its part of it in the cache.
    pub(super) fn large(&self, grain: usize, mut pieces: Pieces<'_>, shared: &mut [f32]) {
        let geometry = self.geometry;
        let rows = geometry.tile_rows();
        let chunk = large_chunk(geometry);
        for start in (0..rows).step_by(chunk) {
            let end = (start + chunk).min(rows);
            let (here, rest) = pieces.split(end);
            pieces = rest;
            self.chunk(grain, start..end, here, shared);
        }
    }

    fn chunk(&self, grain: usize, rows: Range<usize>, pieces: Pieces<'_>, shared: &mut [f32]) {
        let geometry = self.geometry;
        let instructions = self.conv.instructions;
        let tiles = rows.len() * geometry.across;
        let block_len = Geometry::block_len(&geometry.inputs, grain * geometry.across);
        let (points, rest) = shared.split_at_mut(rows.len().div_ceil(grain) * block_len);
        let products = &mut rest[..Geometry::block_len(&geometry.outputs, tiles)];
        let blocks = RowsMut::every(grain, &mut *points, block_len).starting_at(rows.start);
        for_each_piece(rows.clone(), grain, blocks, &|rows, points| {
            instructions.run(BlockInputs {
                pass: self,
                rows,
                points: points.values,
            });
        });
        let points = &*points;
        let product_len = Geometry::point_len(&geometry.outputs, tiles);
        let outputs = RowsMut::new(&mut *products, product_len);
        for_each_piece(0..POINTS, 1, outputs, &|point, output| {
            instructions.run(LargeProduct {
                pass: self,
                point: point.start,
                tiles,
                block: grain * geometry.across,
                points,
                output: output.values,
            });
        });
        let products = &*products;
        for_each_piece(rows.clone(), grain, pieces, &|block, pieces| {
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
                pieces,
            });
        });
    }
}

struct BlockInputs<'a> {
    pass: &'a Pass<'a>,
    rows: Range<usize>,
    points: &'a mut [f32],
}

impl WithSimd for BlockInputs<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Pass {
            geometry, input, ..
        } = *self.pass;
        transform_inputs(simd, geometry, input, self.rows, self.points);
    }
}

/// One point's product for all blocks.
struct LargeProduct<'a> {
    pass: &'a Pass<'a>,
    point: usize,
    /// Of all blocks.
    tiles: usize,
    /// Of one block; the last may have fewer.
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
        let width = geometry.outputs.padded();
        let blocks = self
            .points
            .chunks(Geometry::block_len(&geometry.inputs, self.block));
        let outputs = self.output[..self.tiles * width].chunks_mut(self.block * width);
        for (points, output) in blocks.zip(outputs) {
            let tiles = output.len() / width;
            let left = &points[self.point * Geometry::point_len(&geometry.inputs, tiles)..];
            point_product(geometry, kernel, self.point, tiles, left).run(simd, output);
        }
    }
}

struct BlockOutputs<'a> {
    pass: &'a Pass<'a>,
    rows: Range<usize>,
    points: Points<'a>,
    pieces: Pieces<'a>,
}

impl WithSimd for BlockOutputs<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        write_outputs(simd, self.pass, self.rows, &self.points, self.pieces);
    }
}
