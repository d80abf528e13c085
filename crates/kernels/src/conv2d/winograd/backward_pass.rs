//! Steps of a backward pass that all blocks share: transforms, matrix products and input gradients.

use std::ops::Range;

use pulp::Simd;

use crate::conv2d::Conv2d;
use crate::conv2d::winograd::gemm::{TileGemm, WeightGradientGemm};
use crate::conv2d::winograd::geometry::Geometry;
use crate::conv2d::winograd::gradient_transform::{accumulate_input_gradient, transform_gradients};
use crate::conv2d::winograd::input_transform::transform_inputs;
use crate::conv2d::winograd::tiles::TransformedTiles;
use crate::conv2d::winograd::transforms::POINTS;
use crate::fused_gradient::FusedGradient;
use crate::input_gradient::InputGradientEpilogue;
use crate::operand::ConvInput;
use crate::parallel::RowsMut;

/// Outputs of each image: the input gradient and its batch norm sums, if they are needed, and the
/// bias gradient.
pub(super) type ImageOutputs<'a> = (
    Option<(RowsMut<'a, f32>, Option<RowsMut<'a, f32>>)>,
    RowsMut<'a, f32>,
);

/// State that all tasks of one call share.
#[derive(Clone, Copy)]
pub(super) struct BackwardPass<'a> {
    pub(super) conv: &'a Conv2d,
    pub(super) geometry: &'a Geometry,
    pub(super) input: &'a ConvInput<'a>,
    pub(super) gradient: &'a FusedGradient<'a>,
    pub(super) transposed: &'a [f32],
    pub(super) epilogue: InputGradientEpilogue<'a>,
}

impl<'a> BackwardPass<'a> {
    /// Product of a block's transformed output gradients with the transposed weight at one point.
    #[inline(always)]
    pub(super) fn input_gradient_gemm(
        &self,
        point: usize,
        tiles: usize,
        lhs: &'a [f32],
    ) -> TileGemm<'a> {
        let panel = self.geometry.shape.out_channels * self.geometry.inputs.width;
        TileGemm {
            tiles,
            lhs,
            lhs_panels: self.geometry.outputs,
            weight: &self.transposed[point * panel..],
            weight_stride: POINTS * panel,
            output_panels: self.geometry.inputs,
        }
    }

    /// Transforms the inputs and the output gradients of a block.
    #[inline(always)]
    pub(super) fn transform<S: Simd>(
        &self,
        simd: S,
        tile_rows: Range<usize>,
        inputs: &mut [f32],
        gradients: &mut [f32],
        bias_gradients: &mut [f32],
    ) {
        let rows = tile_rows.clone();
        transform_inputs(simd, self.geometry, self.input, rows, inputs);
        let (geometry, gradient) = (self.geometry, self.gradient);
        transform_gradients(
            simd,
            geometry,
            gradient,
            tile_rows,
            gradients,
            bias_gradients,
        );
    }

    /// Computes the input gradient of some tile rows from the transformed tiles, and the batch norm
    /// sums of each image that is complete. `values` and `sums` begin with the first tile row's
    /// image.
    #[inline(always)]
    pub(super) fn write_images<S: Simd>(
        &self,
        simd: S,
        tile_rows: Range<usize>,
        transformed: &TransformedTiles<'_>,
        values: &mut [f32],
        mut sums: Option<&mut [f32]>,
    ) {
        let geometry = self.geometry;
        let size = geometry.shape.input();
        let first_image = tile_rows.start / geometry.tile_rows_per_image;
        for (index, row) in tile_rows.enumerate() {
            let (image, tile_y) = (
                row / geometry.tile_rows_per_image,
                row % geometry.tile_rows_per_image,
            );
            let index_in_part = image - first_image;
            let values = &mut values[index_in_part * size.image_len()..][..size.image_len()];
            accumulate_input_gradient(
                simd,
                geometry,
                transformed,
                index * geometry.tiles_per_row,
                tile_y,
                values,
            );
            if tile_y + 1 == geometry.tile_rows_per_image {
                let sums = sums.as_deref_mut().map(|sums| {
                    &mut sums[index_in_part * 2 * size.channels..][..2 * size.channels]
                });
                self.epilogue
                    .apply(simd, image * size.image_len(), values, sums);
            }
        }
    }
}

#[inline(always)]
pub(super) fn weight_gradient_gemm<'a>(
    geometry: &Geometry,
    tiles: usize,
    accumulate: bool,
    inputs: &'a [f32],
    gradients: &'a [f32],
) -> WeightGradientGemm<'a> {
    WeightGradientGemm {
        tiles,
        inputs,
        input_panels: geometry.inputs,
        gradients,
        gradient_panels: geometry.outputs,
        accumulate,
    }
}
