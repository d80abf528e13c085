//! Backwards by the transposed transforms: gradients and inputs to points, 36 products for the
//! kernel's gradient and 36 for the input's, then back.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::buffer::{Workspace, WorkspaceLen};
use crate::channels::write_gradient_sums;
use crate::conv2d::winograd::blocks::{
    Points, add_up_inputs, transform_gradients, transform_inputs,
};
use crate::conv2d::winograd::geometry::Geometry;
use crate::conv2d::winograd::kernel::{kernel_gradient, transform_kernel};
use crate::conv2d::winograd::products::{KernelProduct, PointProduct};
use crate::conv2d::winograd::transforms::POINTS;
use crate::conv2d::{Conv2d, Conv2dGradients};
use crate::parallel::{RowsMut, for_each_piece};
use crate::source::{Gradient, Input};

/// Images are dealt into at most so many groups, each with a share of the kernel's gradient.
const GROUPS: usize = 8;

/// Numbers of a block's points that a task works on: with the kernel and its gradient they stay in
/// a core's cache.
const BLOCK: usize = 300 * 1024;

/// A kernel of more numbers is not read again for each block, nor has each group a share of its
/// gradient: each product is done for all images at once.
const LARGE_KERNEL: usize = 400 * 1024;

/// Numbers of all points that lie in memory at once when the kernel is large.
const LARGE_BATCH: usize = 6 * 1024 * 1024;

fn is_large(geometry: &Geometry) -> bool {
    geometry.kernel_len() > LARGE_KERNEL
}

/// Images of a group.
fn group(geometry: &Geometry) -> usize {
    geometry.shape.batch.div_ceil(GROUPS).max(1)
}

/// Numbers of one tile row's points: what both transforms write, and the input's once more where
/// its gradient has a place of its own.
fn points_of_row(geometry: &Geometry) -> usize {
    let inputs = if is_large(geometry) { 2 } else { 1 } * geometry.inputs.padded();
    POINTS * (inputs + geometry.outputs.padded()) * geometry.across
}

/// Tile rows of a block: of whole images where the kernel is large.
pub(super) fn block(geometry: &Geometry) -> usize {
    if is_large(geometry) {
        geometry.large_block()
    } else {
        (BLOCK / points_of_row(geometry)).max(1)
    }
}

/// Images whose points lie in memory at once when the kernel is large: whole blocks.
pub(super) fn large_chunk(geometry: &Geometry) -> usize {
    let most = LARGE_BATCH / points_of_row(geometry);
    let block = block(geometry);
    (most / block).max(1) * block / geometry.down
}

/// Numbers of the kernel's gradient at all points.
pub(super) fn kernel_points(geometry: &Geometry) -> usize {
    POINTS * geometry.shape.in_channels * geometry.outputs.padded()
}

pub(crate) fn workspace_len(geometry: &Geometry) -> WorkspaceLen {
    let batch = geometry.shape.batch;
    let kernels = geometry.transposed_len().next_multiple_of(16) + biases_len(geometry);
    let rows = block(geometry).min(geometry.tile_rows());
    let inputs = Geometry::block_len(&geometry.inputs, rows * geometry.across);
    let outputs = Geometry::block_len(&geometry.outputs, rows * geometry.across);
    if is_large(geometry) {
        let images = large_chunk(geometry).min(batch);
        let blocks = (images * geometry.down).div_ceil(rows);
        let tiles = images * geometry.down * geometry.across;
        WorkspaceLen {
            thread: 0,
            shared: kernels
                + kernel_points(geometry)
                + blocks * (inputs + outputs)
                + Geometry::block_len(&geometry.inputs, tiles),
        }
    } else {
        WorkspaceLen {
            thread: inputs + outputs,
            shared: kernels + GROUPS.min(batch) * kernel_points(geometry),
        }
    }
}

fn biases_len(geometry: &Geometry) -> usize {
    (geometry.shape.batch * geometry.shape.out_channels).next_multiple_of(16)
}

pub(crate) fn backward(
    conv: &Conv2d,
    input: &Input<'_>,
    weight: &[f32],
    gradient: &Gradient<'_>,
    gradients: Conv2dGradients<'_>,
    workspace: &mut Workspace,
) {
    let geometry = super::geometry(conv);
    let shape = &conv.shape;
    let Workspace { threads, shared } = workspace;
    let (transposed, shared) = shared.split_at_mut(geometry.transposed_len().next_multiple_of(16));
    let transposed = &mut transposed[..geometry.transposed_len()];
    if gradients.input.is_some() {
        transform_kernel(&geometry, conv.instructions, weight, true, transposed);
    }
    let (biases, shared) = shared.split_at_mut(biases_len(&geometry));
    let biases = &mut biases[..shape.batch * shape.out_channels];
    biases.fill(0.0);
    let pass = Pass {
        conv,
        geometry: &geometry,
        input,
        gradient,
        transposed,
        sums: gradients
            .input
            .as_ref()
            .and_then(|gradient| gradient.sums.as_ref())
            .map(|sums| (sums.input, sums.mean)),
    };
    let images = gradients.input.map(|gradient| {
        let values = RowsMut::new(gradient.values, shape.input().image());
        let sums = gradient
            .sums
            .map(|sums| RowsMut::new(sums.sums, 2 * shape.in_channels));
        (values, sums)
    });
    let biases_of_images = RowsMut::new(&mut *biases, shape.out_channels);
    let len = kernel_points(&geometry);
    let kernels = if is_large(&geometry) {
        pass.large((images, biases_of_images), shared);
        &shared[..len]
    } else {
        let size = group(&geometry);
        let groups = shape.batch.div_ceil(size);
        let kernels = &mut shared[..groups * len];
        let pieces = (
            (images, biases_of_images),
            RowsMut::every(size, kernels, len),
        );
        for_each_piece(0..shape.batch, size, pieces, &|images, pieces| {
            threads.with(|scratch| {
                conv.instructions.run(Group {
                    pass: &pass,
                    images,
                    pieces: pieces.0,
                    kernel: pieces.1.values,
                    scratch,
                });
            });
        });
        &shared[..groups * len]
    };
    kernel_gradient(&geometry, conv.instructions, kernels, len, gradients.weight);
    gradients.bias.fill(0.0);
    for image in biases.chunks_exact(shape.out_channels) {
        for (sum, value) in gradients.bias.iter_mut().zip(image) {
            *sum += value;
        }
    }
}

/// The input's gradient and its sums, where they are asked for, and the biases' gradient: a row for
/// each image.
pub(super) type Images<'a> = (
    Option<(RowsMut<'a, f32>, Option<RowsMut<'a, f32>>)>,
    RowsMut<'a, f32>,
);

/// What all tasks of one call share.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) conv: &'a Conv2d,
    pub(super) geometry: &'a Geometry,
    input: &'a Input<'a>,
    gradient: &'a Gradient<'a>,
    transposed: &'a [f32],
    /// What batch normalisation read and its mean, where its sums are asked for.
    sums: Option<(&'a [f32], &'a [f32])>,
}

impl<'a> Pass<'a> {
    /// The product of a block's gradients with the transposed kernel at one point.
    #[inline(always)]
    pub(super) fn input_product(
        &self,
        point: usize,
        tiles: usize,
        left: &'a [f32],
    ) -> PointProduct<'a> {
        let panel = self.geometry.shape.out_channels * self.geometry.inputs.width;
        PointProduct {
            tiles,
            left,
            left_panels: self.geometry.outputs,
            kernel: &self.transposed[point * panel..],
            kernel_stride: POINTS * panel,
            output_panels: self.geometry.inputs,
        }
    }

    /// A block's inputs and gradients to points.
    #[inline(always)]
    pub(super) fn transform<S: Simd>(
        &self,
        simd: S,
        tile_rows: Range<usize>,
        inputs: &mut [f32],
        gradients: &mut [f32],
        biases: &mut [f32],
    ) {
        let rows = tile_rows.clone();
        transform_inputs(simd, self.geometry, self.input, rows, inputs);
        let (geometry, gradient) = (self.geometry, self.gradient);
        transform_gradients(simd, geometry, gradient, tile_rows, gradients, biases);
    }

    /// The points of some tile rows to the input's gradient, and its sums where an image is done.
    /// `values` starts with the first tile row's image, and `sums` too.
    #[inline(always)]
    pub(super) fn write_images<S: Simd>(
        &self,
        simd: S,
        tile_rows: Range<usize>,
        points: &Points<'_>,
        values: &mut [f32],
        mut sums: Option<&mut [f32]>,
    ) {
        let geometry = self.geometry;
        let size = geometry.shape.input();
        let first_image = tile_rows.start / geometry.down;
        for (index, row) in tile_rows.enumerate() {
            let (image, down) = (row / geometry.down, row % geometry.down);
            let here = image - first_image;
            let values = &mut values[here * size.image()..][..size.image()];
            add_up_inputs(
                simd,
                geometry,
                points,
                index * geometry.across,
                down,
                values,
            );
            if down + 1 == geometry.down
                && let (Some(sums), Some((input, mean))) = (sums.as_deref_mut(), self.sums)
            {
                let input = &input[image * size.image()..][..size.image()];
                let sums = &mut sums[here * 2 * size.channels..][..2 * size.channels];
                write_gradient_sums(simd, mean, values, input, sums);
            }
        }
    }
}

/// The blocks of one group of images, one after the other.
struct Group<'a> {
    pass: &'a Pass<'a>,
    images: Range<usize>,
    pieces: Images<'a>,
    kernel: &'a mut [f32],
    scratch: &'a mut [f32],
}

impl WithSimd for Group<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let geometry = self.pass.geometry;
        let (mut images, biases) = self.pieces;
        let (size, channels) = (geometry.shape.input(), geometry.shape.out_channels);
        let kernel_len = self.kernel.len() / POINTS;
        let all = self.images.start * geometry.down..self.images.end * geometry.down;
        for start in all.clone().step_by(block(geometry)) {
            let rows = start..(start + block(geometry)).min(all.end);
            let tiles = rows.len() * geometry.across;
            let image = start / geometry.down - self.images.start;
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
                &mut biases.values[image * channels..][..channels],
            );
            let input_len = Geometry::point_len(&geometry.inputs, tiles);
            let gradient_len = Geometry::point_len(&geometry.outputs, tiles);
            for point in 0..POINTS {
                let inputs = &mut inputs[point * input_len..][..geometry.inputs.padded() * tiles];
                let gradients =
                    &gradients[point * gradient_len..][..geometry.outputs.padded() * tiles];
                let kernel = &mut self.kernel[point * kernel_len..][..kernel_len];
                let accumulate = start > all.start;
                kernel_product(geometry, tiles, accumulate, inputs, gradients).run(simd, kernel);
                // The inputs have served: their place takes the gradient.
                if images.is_some() {
                    self.pass
                        .input_product(point, tiles, gradients)
                        .run(simd, inputs);
                }
            }
            if let Some((values, sums)) = &mut images {
                let points = Points {
                    values: inputs,
                    panels: geometry.inputs,
                    tiles,
                    stride: input_len,
                };
                let values = &mut values.values[image * size.image()..];
                let sums = sums
                    .as_mut()
                    .map(|sums| &mut sums.values[image * 2 * size.channels..]);
                self.pass.write_images(simd, rows, &points, values, sums);
            }
        }
    }
}

#[inline(always)]
pub(super) fn kernel_product<'a>(
    geometry: &Geometry,
    tiles: usize,
    accumulate: bool,
    inputs: &'a [f32],
    gradients: &'a [f32],
) -> KernelProduct<'a> {
    KernelProduct {
        tiles,
        inputs,
        input_panels: geometry.inputs,
        gradients,
        gradient_panels: geometry.outputs,
        accumulate,
    }
}
