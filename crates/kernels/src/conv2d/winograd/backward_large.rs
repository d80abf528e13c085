//! Backward pass for a large weight: each step runs over all images before the next, so that each
//! of the 36 products reads the weight only once.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::conv2d::winograd::backward::{block, large_chunk, weight_gradient_len};
use crate::conv2d::winograd::backward_pass::{BackwardPass, ImageOutputs, weight_gradient_gemm};
use crate::conv2d::winograd::geometry::Geometry;
use crate::conv2d::winograd::tiles::TransformedTiles;
use crate::conv2d::winograd::transforms::POINTS;
use crate::parallel::{Partition, RowsMut, parallel_for};

impl BackwardPass<'_> {
    /// Runs transforms, products and inverse transforms one after the other, each in parallel.
    pub(super) fn run_large(&self, mut images: ImageOutputs<'_>, shared: &mut [f32]) {
        let geometry = self.geometry;
        let batch = geometry.shape.batch;
        let chunk = large_chunk(geometry);
        let (weight_gradient, shared) = shared.split_at_mut(weight_gradient_len(geometry));
        for start in (0..batch).step_by(chunk) {
            let end = (start + chunk).min(batch);
            let (first, rest) = images.split(end);
            images = rest;
            self.run_chunk(start..end, first, weight_gradient, shared);
        }
    }

    fn run_chunk(
        &self,
        images: Range<usize>,
        (image_parts, bias_gradients): ImageOutputs<'_>,
        weight_gradient: &mut [f32],
        shared: &mut [f32],
    ) {
        let geometry = self.geometry;
        let instructions = self.conv.instructions;
        let block = block(geometry).min(geometry.tile_rows()) / geometry.tile_rows_per_image;
        let tiles = geometry.tile_rows_per_image * geometry.tiles_per_row;
        let blocks = images.len().div_ceil(block);
        let len_of = |panels| Geometry::block_len(panels, block * tiles);
        let (inputs, rest) = shared.split_at_mut(blocks * len_of(&geometry.inputs));
        let (gradients, rest) = rest.split_at_mut(blocks * len_of(&geometry.outputs));
        let point_stride = Geometry::point_stride(&geometry.inputs, images.len() * tiles);
        let input_gradient = &mut rest[..POINTS * point_stride];
        let first = images.start;
        let input_blocks = RowsMut::with_grain(block, &mut *inputs, len_of(&geometry.inputs));
        let gradient_blocks =
            RowsMut::with_grain(block, &mut *gradients, len_of(&geometry.outputs));
        let transformed = (
            input_blocks.starting_at(first),
            gradient_blocks.starting_at(first),
        );
        parallel_for(
            images.clone(),
            block,
            (transformed, bias_gradients),
            &|images, parts| {
                let ((inputs, gradients), bias_gradients) = parts;
                instructions.run(BlockTransform {
                    pass: self,
                    images,
                    inputs: inputs.values,
                    gradients: gradients.values,
                    bias_gradients: bias_gradients.values,
                });
            },
        );
        let (inputs, gradients) = (&*inputs, &*gradients);
        let weight_gradient_stride = weight_gradient.len() / POINTS;
        let input_gradient_rows = image_parts
            .is_some()
            .then(|| RowsMut::new(&mut *input_gradient, point_stride));
        let parts = (
            RowsMut::new(weight_gradient, weight_gradient_stride),
            input_gradient_rows,
        );
        parallel_for(
            0..POINTS,
            1,
            parts,
            &|point, (weight_gradient, input_gradient)| {
                instructions.run(LargeGemms {
                    pass: self,
                    point: point.start,
                    tiles: images.len() * tiles,
                    block: block * tiles,
                    accumulate: first > 0,
                    inputs,
                    gradients,
                    weight_gradient: weight_gradient.values,
                    input_gradient: input_gradient.map(|input_gradient| input_gradient.values),
                });
            },
        );
        let input_gradient = &*input_gradient;
        let Some(parts) = image_parts else {
            return;
        };
        parallel_for(images.clone(), block, parts, &|images, (values, sums)| {
            instructions.run(BlockOutputs {
                pass: self,
                tile_rows: images.start * geometry.tile_rows_per_image
                    ..images.end * geometry.tile_rows_per_image,
                transformed: TransformedTiles {
                    values: &input_gradient
                        [(images.start - first) * tiles * geometry.inputs.padded_columns()..],
                    panels: geometry.inputs,
                    tiles: images.len() * tiles,
                    stride: point_stride,
                },
                values: values.values,
                sums: sums.map(|sums| sums.values),
            });
        });
    }
}

/// Transforms of a block's inputs and output gradients.
struct BlockTransform<'a> {
    pass: &'a BackwardPass<'a>,
    images: Range<usize>,
    inputs: &'a mut [f32],
    gradients: &'a mut [f32],
    bias_gradients: &'a mut [f32],
}

impl WithSimd for BlockTransform<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let geometry = self.pass.geometry;
        let rows = self.images.start * geometry.tile_rows_per_image
            ..self.images.end * geometry.tile_rows_per_image;
        let bias_gradients = &mut self.bias_gradients[..geometry.shape.out_channels];
        self.pass
            .transform(simd, rows, self.inputs, self.gradients, bias_gradients);
    }
}

/// Products at one point for all blocks of a chunk.
struct LargeGemms<'a> {
    pass: &'a BackwardPass<'a>,
    point: usize,
    /// Tiles of all blocks.
    tiles: usize,
    /// Tiles per block; the last block may have fewer.
    block: usize,
    accumulate: bool,
    inputs: &'a [f32],
    gradients: &'a [f32],
    weight_gradient: &'a mut [f32],
    input_gradient: Option<&'a mut [f32]>,
}

impl WithSimd for LargeGemms<'_> {
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
            let input = &input[self.point * Geometry::point_stride(inputs, tiles)..];
            let gradient = &gradient[self.point * Geometry::point_stride(outputs, tiles)..];
            let gradient = &gradient[..outputs.padded_columns() * tiles];
            let accumulate = self.accumulate || done > 0;
            weight_gradient_gemm(geometry, tiles, accumulate, input, gradient)
                .run(simd, self.weight_gradient);
            if let Some(input_gradient) = self.input_gradient.as_deref_mut() {
                let width = inputs.padded_columns();
                let input_gradient = &mut input_gradient[done * width..][..tiles * width];
                self.pass
                    .input_gradient_gemm(self.point, tiles, gradient)
                    .run(simd, input_gradient);
            }
            done += tiles;
        }
    }
}

/// Input gradients of a block.
struct BlockOutputs<'a> {
    pass: &'a BackwardPass<'a>,
    tile_rows: Range<usize>,
    transformed: TransformedTiles<'a>,
    values: &'a mut [f32],
    sums: Option<&'a mut [f32]>,
}

impl WithSimd for BlockOutputs<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.pass.write_images(
            simd,
            self.tile_rows,
            &self.transformed,
            self.values,
            self.sums,
        );
    }
}
