//! The matrix products between the transforms: one for each of the 36 points and each block of
//! tiles.

use pulp::Simd;

use crate::microkernel::{
    LhsColumns, LhsRows, MicroKernel, accumulate, for_each_tile, load_tile, store_tile, zero_tile,
};
use crate::panels::Panels;

/// `output[tile, n] = sum over k of lhs[tile, k] * weight[k, n]`: inputs and weight in the forward
/// pass, output gradients and transposed weight in the backward pass.
#[derive(Clone, Copy)]
pub(crate) struct TileGemm<'a> {
    pub(crate) tiles: usize,
    /// `[panel][tile][width]`.
    pub(crate) lhs: &'a [f32],
    pub(crate) lhs_panels: Panels,
    /// The weight from the first panel's `[k][width]` on.
    pub(crate) weight: &'a [f32],
    /// Distance between consecutive panels of the weight.
    pub(crate) weight_stride: usize,
    pub(crate) output_panels: Panels,
}

impl TileGemm<'_> {
    /// Writes `output`, `[panel][tile][width]`.
    #[inline(always)]
    pub(crate) fn run<S: Simd>(self, simd: S, output: &mut [f32]) {
        let width = self.output_panels.width;
        let panels = output.chunks_exact_mut(self.tiles * width);
        for (panel, output) in panels.enumerate() {
            let weight = &self.weight[panel * self.weight_stride..];
            let weight = &weight[..self.lhs_panels.columns * width];
            let mut tile = TileGemmKernel {
                gemm: self,
                weight,
                output,
            };
            for_each_tile(simd, width, self.tiles, &mut tile);
        }
    }
}

struct TileGemmKernel<'a> {
    gemm: TileGemm<'a>,
    weight: &'a [f32],
    output: &'a mut [f32],
}

impl<S: Simd> MicroKernel<S> for TileGemmKernel<'_> {
    #[inline(always)]
    fn tile<const ROWS: usize, const VECTORS: usize>(&mut self, simd: S, first: usize) {
        let TileGemm {
            tiles,
            lhs,
            lhs_panels,
            ..
        } = self.gemm;
        let width = VECTORS * S::F32_LANES;
        let mut tile = zero_tile::<S, ROWS, VECTORS>(simd);
        for panel in 0..lhs_panels.count {
            let depth = lhs_panels.columns_of(panel);
            let start = (panel * tiles + first) * lhs_panels.width;
            let rows = LhsRows::<ROWS>::new(lhs, start, lhs_panels.width, depth);
            let weight = &self.weight[panel * lhs_panels.width * width..];
            accumulate(simd, &mut tile, rows, depth, weight, width);
        }
        store_tile(simd, &tile, &mut self.output[first * width..], width, width);
    }
}

/// Contribution of one block to the weight gradient at one point: `output[c, n] += sum over tiles
/// of inputs[tile, c] * gradients[tile, n]`.
#[derive(Clone, Copy)]
pub(crate) struct WeightGradientGemm<'a> {
    pub(crate) tiles: usize,
    /// `[panel][tile][width]`.
    pub(crate) inputs: &'a [f32],
    pub(crate) input_panels: Panels,
    /// `[panel][tile][width]`.
    pub(crate) gradients: &'a [f32],
    pub(crate) gradient_panels: Panels,
    /// If true, the product is added to `output`; otherwise it overwrites `output`.
    pub(crate) accumulate: bool,
}

impl WeightGradientGemm<'_> {
    /// Updates `output`, `[panel][c][width]`.
    #[inline(always)]
    pub(crate) fn run<S: Simd>(self, simd: S, output: &mut [f32]) {
        let width = self.gradient_panels.width;
        let panels = output.chunks_exact_mut(self.input_panels.columns * width);
        let gradients = self.gradients.chunks_exact(self.tiles * width);
        for (output, gradients) in panels.zip(gradients) {
            for panel in 0..self.input_panels.count {
                let rows = self.input_panels.columns_of(panel);
                let start = panel * self.input_panels.width;
                let inputs = &self.inputs[start * self.tiles..];
                let output = &mut output[start * width..][..rows * width];
                let mut tile = WeightGradientTile {
                    gemm: self,
                    inputs,
                    gradients,
                    output,
                };
                for_each_tile(simd, width, rows, &mut tile);
            }
        }
    }
}

struct WeightGradientTile<'a> {
    gemm: WeightGradientGemm<'a>,
    inputs: &'a [f32],
    gradients: &'a [f32],
    output: &'a mut [f32],
}

impl<S: Simd> MicroKernel<S> for WeightGradientTile<'_> {
    #[inline(always)]
    fn tile<const ROWS: usize, const VECTORS: usize>(&mut self, simd: S, first: usize) {
        let width = VECTORS * S::F32_LANES;
        let output = &mut self.output[first * width..][..ROWS * width];
        let mut tile = if self.gemm.accumulate {
            load_tile(simd, output)
        } else {
            zero_tile::<S, ROWS, VECTORS>(simd)
        };
        let columns = LhsColumns {
            values: &self.inputs[first..],
            stride: self.gemm.input_panels.width,
        };
        let tiles = self.gemm.tiles;
        accumulate(simd, &mut tile, columns, tiles, self.gradients, width);
        store_tile(simd, &tile, output, width, width);
    }
}
