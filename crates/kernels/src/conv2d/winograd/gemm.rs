//! The 36 products between the transforms, one call for each point and block of tiles.

use pulp::Simd;

use crate::microkernel::{
    LhsColumns, LhsRows, MicroKernel, accumulate, for_each_tile, load_tile, store_tile, zero_tile,
};
use crate::panels::Panels;

/// `output[tile, n] = sum over k of left[tile, k] * kernel[k, n]`: forwards with inputs and the
/// kernel, backwards with gradients and the transposed kernel.
#[derive(Clone, Copy)]
pub(crate) struct TileGemm<'a> {
    pub(crate) tiles: usize,
    /// `[panel][tile][width]`.
    pub(crate) lhs: &'a [f32],
    pub(crate) lhs_panels: Panels,
    /// From the first panel's `[k][width]` on.
    pub(crate) weight: &'a [f32],
    /// From one panel of the kernel to the next.
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
                product: self,
                weight,
                output,
            };
            for_each_tile(simd, width, self.tiles, &mut tile);
        }
    }
}

struct TileGemmKernel<'a> {
    product: TileGemm<'a>,
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
        } = self.product;
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

/// One block's share of the kernel's gradient at one point:
/// `output[c, n] += sum over tiles of inputs[tile, c] * gradients[tile, n]`.
#[derive(Clone, Copy)]
pub(crate) struct WeightGradientGemm<'a> {
    pub(crate) tiles: usize,
    /// `[panel][tile][width]`.
    pub(crate) inputs: &'a [f32],
    pub(crate) input_panels: Panels,
    /// `[panel][tile][width]`.
    pub(crate) gradients: &'a [f32],
    pub(crate) gradient_panels: Panels,
    /// Whether what `output` holds counts.
    pub(crate) accumulate: bool,
}

impl WeightGradientGemm<'_> {
    /// Changes `output`, `[panel][c][width]`.
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
                    product: self,
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
    product: WeightGradientGemm<'a>,
    inputs: &'a [f32],
    gradients: &'a [f32],
    output: &'a mut [f32],
}

impl<S: Simd> MicroKernel<S> for WeightGradientTile<'_> {
    #[inline(always)]
    fn tile<const ROWS: usize, const VECTORS: usize>(&mut self, simd: S, first: usize) {
        let width = VECTORS * S::F32_LANES;
        let output = &mut self.output[first * width..][..ROWS * width];
        let mut tile = if self.product.accumulate {
            load_tile(simd, output)
        } else {
            zero_tile::<S, ROWS, VECTORS>(simd)
        };
        let columns = LhsColumns {
            values: &self.inputs[first..],
            stride: self.product.input_panels.width,
        };
        let tiles = self.product.tiles;
        accumulate(simd, &mut tile, columns, tiles, self.gradients, width);
        store_tile(simd, &tile, output, width, width);
    }
}
