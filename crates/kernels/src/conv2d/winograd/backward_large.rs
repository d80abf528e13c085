//! Backwards with a large kernel: everything to points, each of the 36 products for all images, then
//! back.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::conv2d::winograd::backward::{
    Images, Pass, block, kernel_points, kernel_product, large_chunk,
};
use crate::conv2d::winograd::blocks::Points;
use crate::conv2d::winograd::geometry::Geometry;
use crate::conv2d::winograd::transforms::POINTS;
use crate::parallel::{Piece, RowsMut, for_each_piece};

impl Pass<'_> {
    /// Everything to points, each product for all images, then back.
    pub(super) fn large(&self, mut images: Images<'_>, shared: &mut [f32]) {
        let geometry = self.geometry;
        let batch = geometry.shape.batch;
        let chunk = large_chunk(geometry);
        let (kernel, shared) = shared.split_at_mut(kernel_points(geometry));
        for start in (0..batch).step_by(chunk) {
            let end = (start + chunk).min(batch);
            let (here, rest) = images.split(end);
            images = rest;
            self.chunk(start..end, here, kernel, shared);
        }
    }

    fn chunk(
        &self,
        images: Range<usize>,
        (image_pieces, biases): Images<'_>,
        kernel: &mut [f32],
        shared: &mut [f32],
    ) {
        let geometry = self.geometry;
        let run = self.conv.instructions;
        let block = block(geometry).min(geometry.tile_rows()) / geometry.down;
        let tiles = geometry.down * geometry.across;
        let blocks = images.len().div_ceil(block);
        let len_of = |panels| Geometry::block_len(panels, block * tiles);
        let (inputs, rest) = shared.split_at_mut(blocks * len_of(&geometry.inputs));
        let (gradients, rest) = rest.split_at_mut(blocks * len_of(&geometry.outputs));
        let back_len = Geometry::point_len(&geometry.inputs, images.len() * tiles);
        let back = &mut rest[..POINTS * back_len];
        let first = images.start;
        let inputs_of = RowsMut::every(block, &mut *inputs, len_of(&geometry.inputs));
        let gradients_of = RowsMut::every(block, &mut *gradients, len_of(&geometry.outputs));
        let points = (
            inputs_of.starting_at(first),
            gradients_of.starting_at(first),
        );
        for_each_piece(
            images.clone(),
            block,
            (points, biases),
            &|images, pieces| {
                let ((inputs, gradients), biases) = pieces;
                run.run(BlockPoints {
                    pass: self,
                    images,
                    inputs: inputs.values,
                    gradients: gradients.values,
                    biases: biases.values,
                });
            },
        );
        let (inputs, gradients) = (&*inputs, &*gradients);
        let kernel_len = kernel.len() / POINTS;
        let back_rows = image_pieces
            .is_some()
            .then(|| RowsMut::new(&mut *back, back_len));
        let pieces = (RowsMut::new(kernel, kernel_len), back_rows);
        for_each_piece(0..POINTS, 1, pieces, &|point, (kernel, back)| {
            run.run(LargeProducts {
                pass: self,
                point: point.start,
                tiles: images.len() * tiles,
                block: block * tiles,
                accumulate: first > 0,
                inputs,
                gradients,
                kernel: kernel.values,
                back: back.map(|back| back.values),
            });
        });
        let back = &*back;
        let Some(pieces) = image_pieces else {
            return;
        };
        for_each_piece(images.clone(), block, pieces, &|images, (values, sums)| {
            run.run(BlockImages {
                pass: self,
                tile_rows: images.start * geometry.down..images.end * geometry.down,
                points: Points {
                    values: &back[(images.start - first) * tiles * geometry.inputs.padded()..],
                    panels: geometry.inputs,
                    tiles: images.len() * tiles,
                    stride: back_len,
                },
                values: values.values,
                sums: sums.map(|sums| sums.values),
            });
        });
    }
}

/// A block's inputs and gradients to points.
struct BlockPoints<'a> {
    pass: &'a Pass<'a>,
    images: Range<usize>,
    inputs: &'a mut [f32],
    gradients: &'a mut [f32],
    biases: &'a mut [f32],
}

impl WithSimd for BlockPoints<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let geometry = self.pass.geometry;
        let rows = self.images.start * geometry.down..self.images.end * geometry.down;
        let biases = &mut self.biases[..geometry.shape.out_channels];
        self.pass
            .transform(simd, rows, self.inputs, self.gradients, biases);
    }
}

/// One point's products for all blocks of a chunk.
struct LargeProducts<'a> {
    pass: &'a Pass<'a>,
    point: usize,
    /// Of all blocks.
    tiles: usize,
    /// Of one block; the last may have fewer.
    block: usize,
    accumulate: bool,
    inputs: &'a [f32],
    gradients: &'a [f32],
    kernel: &'a mut [f32],
    back: Option<&'a mut [f32]>,
}

impl WithSimd for LargeProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let geometry = self.pass.geometry;
        let (inputs, outputs) = (&geometry.inputs, &geometry.outputs);
        let input_blocks = self.inputs.chunks(Geometry::block_len(inputs, self.block));
        let gradient_blocks = self
            .gradients
            .chunks(Geometry::block_len(outputs, self.block));
        let mut done = 0;
        for (input, gradient) in input_blocks.zip(gradient_blocks) {
            let tiles = (self.tiles - done).min(self.block);
            let input = &input[self.point * Geometry::point_len(inputs, tiles)..];
            let gradient = &gradient[self.point * Geometry::point_len(outputs, tiles)..];
            let gradient = &gradient[..outputs.padded() * tiles];
            let accumulate = self.accumulate || done > 0;
            kernel_product(geometry, tiles, accumulate, input, gradient).run(simd, self.kernel);
            if let Some(back) = self.back.as_deref_mut() {
                let width = inputs.padded();
                let back = &mut back[done * width..][..tiles * width];
                self.pass
                    .input_product(self.point, tiles, gradient)
                    .run(simd, back);
            }
            done += tiles;
        }
    }
}

/// A block's points back to images.
struct BlockImages<'a> {
    pass: &'a Pass<'a>,
    tile_rows: Range<usize>,
    points: Points<'a>,
    values: &'a mut [f32],
    sums: Option<&'a mut [f32]>,
}

impl WithSimd for BlockImages<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.pass
            .write_images(simd, self.tile_rows, &self.points, self.values, self.sums);
    }
}
