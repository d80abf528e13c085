//! Backward pass by the transposed transforms: transforms of inputs and output gradients, 36 matrix
//! products each for the weight gradient and the input gradient, inverse transforms.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::buffer::{Workspace, WorkspaceLen};
use crate::conv2d::winograd::backward_pass::{BackwardPass, ImageOutputs, weight_gradient_gemm};
use crate::conv2d::winograd::geometry::Geometry;
use crate::conv2d::winograd::tiles::TransformedTiles;
use crate::conv2d::winograd::transforms::POINTS;
use crate::conv2d::winograd::weight_transform::{transform_weight, write_weight_gradient};
use crate::conv2d::{Conv2d, Conv2dGradients};
use crate::fused_gradient::FusedGradient;
use crate::operand::ConvInput;
use crate::parallel::{RowsMut, parallel_for};

/// Maximum number of groups of images with partial sums of the weight gradient.
const GROUPS: usize = 8;

/// Elements of a block of transformed tiles, small enough to stay in a core's cache together with
/// the weight and its gradient.
const BLOCK: usize = 300 * 1024;

/// For transformed weights above this length, the weight is not read once per block and the groups
/// have no partial sums: each product runs over all images at once.
const LARGE_WEIGHT: usize = 400 * 1024;

/// Maximum length of the transformed tiles that are in memory at once if the weight is large.
const LARGE_BATCH: usize = 6 * 1024 * 1024;

fn is_large(geometry: &Geometry) -> bool {
    geometry.packed_weight_len() > LARGE_WEIGHT
}

/// Images per group.
fn group_size(geometry: &Geometry) -> usize {
    geometry.shape.batch.div_ceil(GROUPS).max(1)
}

/// Length of the transformed tiles of one tile row: inputs and output gradients, and the input
/// gradients if they do not overwrite the inputs.
fn transformed_row_len(geometry: &Geometry) -> usize {
    let inputs = if is_large(geometry) { 2 } else { 1 } * geometry.inputs.padded_columns();
    POINTS * (inputs + geometry.outputs.padded_columns()) * geometry.tiles_per_row
}

/// Tile rows per block; whole images if the weight is large.
pub(super) fn block(geometry: &Geometry) -> usize {
    if is_large(geometry) {
        geometry.large_block()
    } else {
        (BLOCK / transformed_row_len(geometry)).max(1)
    }
}

/// Images whose transformed tiles are in memory at once if the weight is large: whole blocks.
pub(super) fn large_chunk(geometry: &Geometry) -> usize {
    let by_memory = LARGE_BATCH / transformed_row_len(geometry);
    let block = block(geometry);
    (by_memory / block).max(1) * block / geometry.tile_rows_per_image
}

/// Length of the transformed weight gradient.
pub(super) fn weight_gradient_len(geometry: &Geometry) -> usize {
    POINTS * geometry.shape.in_channels * geometry.outputs.padded_columns()
}

pub(crate) fn workspace_len(geometry: &Geometry) -> WorkspaceLen {
    let batch = geometry.shape.batch;
    let weight_gradients =
        geometry.packed_transposed_len().next_multiple_of(16) + bias_gradients_len(geometry);
    let rows = block(geometry).min(geometry.tile_rows());
    let inputs = Geometry::block_len(&geometry.inputs, rows * geometry.tiles_per_row);
    let outputs = Geometry::block_len(&geometry.outputs, rows * geometry.tiles_per_row);
    if is_large(geometry) {
        let images = large_chunk(geometry).min(batch);
        let blocks = (images * geometry.tile_rows_per_image).div_ceil(rows);
        let tiles = images * geometry.tile_rows_per_image * geometry.tiles_per_row;
        WorkspaceLen {
            thread: 0,
            shared: weight_gradients
                + weight_gradient_len(geometry)
                + blocks * (inputs + outputs)
                + Geometry::block_len(&geometry.inputs, tiles),
        }
    } else {
        WorkspaceLen {
            thread: inputs + outputs,
            shared: weight_gradients + GROUPS.min(batch) * weight_gradient_len(geometry),
        }
    }
}

fn bias_gradients_len(geometry: &Geometry) -> usize {
    (geometry.shape.batch * geometry.shape.out_channels).next_multiple_of(16)
}

pub(crate) fn backward(
    conv: &Conv2d,
    input: &ConvInput<'_>,
    weight: &[f32],
    gradient: &FusedGradient<'_>,
    gradients: Conv2dGradients<'_>,
    workspace: &mut Workspace,
) {
    let geometry = super::geometry(conv);
    let shape = &conv.shape;
    let Workspace { threads, shared } = workspace;
    let (transposed, shared) =
        shared.split_at_mut(geometry.packed_transposed_len().next_multiple_of(16));
    let transposed = &mut transposed[..geometry.packed_transposed_len()];
    if gradients.input.is_some() {
        transform_weight(&geometry, conv.instructions, weight, true, transposed);
    }
    let (bias_gradients, shared) = shared.split_at_mut(bias_gradients_len(&geometry));
    let bias_gradients = &mut bias_gradients[..shape.batch * shape.out_channels];
    bias_gradients.fill(0.0);
    let pass = BackwardPass {
        conv,
        geometry: &geometry,
        input,
        gradient,
        transposed,
        epilogue: gradients.epilogue(input, shape.in_channels),
    };
    let images = gradients.input.map(|gradient| {
        let values = RowsMut::new(gradient.values, shape.input().image_len());
        let sums = gradient
            .batch_norm_sums
            .map(|sums| RowsMut::new(sums.sums, 2 * shape.in_channels));
        (values, sums)
    });
    let bias_gradient_rows = RowsMut::new(&mut *bias_gradients, shape.out_channels);
    let len = weight_gradient_len(&geometry);
    let weight_gradients = if is_large(&geometry) {
        pass.run_large((images, bias_gradient_rows), shared);
        &shared[..len]
    } else {
        let size = group_size(&geometry);
        let groups = shape.batch.div_ceil(size);
        let weight_gradients = &mut shared[..groups * len];
        let parts = (
            (images, bias_gradient_rows),
            RowsMut::with_grain(size, weight_gradients, len),
        );
        parallel_for(0..shape.batch, size, parts, &|images, parts| {
            threads.with(|scratch| {
                conv.instructions.run(Group {
                    pass: &pass,
                    images,
                    parts: parts.0,
                    weight_gradient: parts.1.values,
                    scratch,
                });
            });
        });
        &shared[..groups * len]
    };
    write_weight_gradient(
        &geometry,
        conv.instructions,
        weight_gradients,
        len,
        gradients.weight,
    );
    gradients.bias.fill(0.0);
    for image in bias_gradients.chunks_exact(shape.out_channels) {
        for (sum, value) in gradients.bias.iter_mut().zip(image) {
            *sum += value;
        }
    }
}

/// Backward pass of one group of images, block by block.
struct Group<'a> {
    pass: &'a BackwardPass<'a>,
    images: Range<usize>,
    parts: ImageOutputs<'a>,
    weight_gradient: &'a mut [f32],
    scratch: &'a mut [f32],
}

impl WithSimd for Group<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let geometry = self.pass.geometry;
        let (mut images, bias_gradients) = self.parts;
        let (size, channels) = (geometry.shape.input(), geometry.shape.out_channels);
        let weight_gradient_len = self.weight_gradient.len() / POINTS;
        let all = self.images.start * geometry.tile_rows_per_image
            ..self.images.end * geometry.tile_rows_per_image;
        for start in all.clone().step_by(block(geometry)) {
            let rows = start..(start + block(geometry)).min(all.end);
            let tiles = rows.len() * geometry.tiles_per_row;
            let image = start / geometry.tile_rows_per_image - self.images.start;
            let (inputs, scratch) = self
                .scratch
                .split_at_mut(Geometry::block_len(&geometry.inputs, tiles));
            let (gradients, _) =
                scratch.split_at_mut(Geometry::block_len(&geometry.outputs, tiles));
            self.pass.transform(
                simd,
                rows.clone(),
                inputs,
                gradients,
                &mut bias_gradients.values[image * channels..][..channels],
            );
            let input_len = Geometry::point_stride(&geometry.inputs, tiles);
            let gradient_len = Geometry::point_stride(&geometry.outputs, tiles);
            for point in 0..POINTS {
                let inputs =
                    &mut inputs[point * input_len..][..geometry.inputs.padded_columns() * tiles];
                let gradients =
                    &gradients[point * gradient_len..][..geometry.outputs.padded_columns() * tiles];
                let weight_gradient =
                    &mut self.weight_gradient[point * weight_gradient_len..][..weight_gradient_len];
                let accumulate = start > all.start;
                weight_gradient_gemm(geometry, tiles, accumulate, inputs, gradients)
                    .run(simd, weight_gradient);
                // The inputs are not read again: the input gradient overwrites them.
                if images.is_some() {
                    self.pass
                        .input_gradient_gemm(point, tiles, gradients)
                        .run(simd, inputs);
                }
            }
            if let Some((values, sums)) = &mut images {
                let transformed = TransformedTiles {
                    values: inputs,
                    panels: geometry.inputs,
                    tiles,
                    stride: input_len,
                };
                let values = &mut values.values[image * size.image_len()..];
                let sums = sums
                    .as_mut()
                    .map(|sums| &mut sums.values[image * 2 * size.channels..]);
                self.pass
                    .write_images(simd, rows, &transformed, values, sums);
            }
        }
    }
}
