//! Backward pass: transposed patches times output gradient, and output gradient times transposed
//! weight, both while the gradient is in the cache.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::buffer::Workspace;
use crate::channels::{load, store};
use crate::conv2d::direct::backward::add_partials;
use crate::conv2d::direct::{GROUPS, panels, partial_len};
use crate::conv2d::patches::gather::{gather, scatter_add};
use crate::conv2d::patches::{is_pointwise, patch_stride, pixels_per_step, transposed_panels};
use crate::conv2d::{Conv2d, Conv2dGradients};
use crate::fused_gradient::FusedGradient;
use crate::input_gradient::InputGradientEpilogue;
use crate::microkernel::{
    LhsColumns, LhsRows, MicroKernel, accumulate, for_each_tile, load_tile, store_tile, zero_tile,
};
use crate::operand::{ConvInput, ImageSize};
use crate::panels::Panels;
use crate::parallel::{RowsMut, parallel_for};

pub(crate) fn backward(
    conv: &Conv2d,
    input: &ConvInput<'_>,
    weight: &[f32],
    gradient: &FusedGradient<'_>,
    gradients: Conv2dGradients<'_>,
    workspace: &mut Workspace,
) {
    let shape = &conv.shape;
    let Workspace { threads, shared } = workspace;
    let size = shape.batch.div_ceil(GROUPS).max(1);
    let groups = shape.batch.div_ceil(size);
    let (partials, rest) = shared.split_at_mut(groups * partial_len(conv));
    let (transposed, packed) = rest.split_at_mut(shape.weight_len().next_multiple_of(16));
    let columns = transposed_panels(conv);
    let packed = &mut packed[..shape.out_channels * columns.padded_columns()];
    if gradients.input.is_some() {
        let transposed = &mut transposed[..shape.weight_len()];
        transpose(weight, shape.out_channels, transposed);
        columns.pack_all(transposed, packed);
    }
    let pass = BackwardPass {
        conv,
        input,
        gradient,
        transposed: packed,
        epilogue: gradients.epilogue(input, shape.in_channels),
    };
    let images = gradients.input.map(|gradient| {
        let values = RowsMut::new(gradient.values, shape.input().image_len());
        let sums = gradient.batch_norm_sums;
        let sums = sums.map(|sums| RowsMut::new(sums.sums, 2 * shape.in_channels));
        (values, sums)
    });
    let parts = RowsMut::with_grain(size, &mut *partials, partial_len(conv));
    parallel_for(0..shape.batch, size, (parts, images), &|images, parts| {
        threads.with(|scratch| {
            conv.instructions.run(Group {
                pass: &pass,
                images,
                partial: parts.0.values,
                gradients: parts
                    .1
                    .map(|(values, sums)| (values.values, sums.map(|sums| sums.values))),
                scratch,
            });
        });
    });
    add_partials(conv, partials, gradients.weight, gradients.bias);
}

/// Writes the transpose of `[rows, columns]`.
fn transpose(matrix: &[f32], columns: usize, transposed: &mut [f32]) {
    let rows = matrix.len() / columns;
    for (column, output) in transposed.chunks_exact_mut(rows).enumerate() {
        for (output, row) in output.iter_mut().zip(matrix.chunks_exact(columns)) {
            *output = row[column];
        }
    }
}

/// State that all tasks of one call share.
struct BackwardPass<'a> {
    conv: &'a Conv2d,
    input: &'a ConvInput<'a>,
    gradient: &'a FusedGradient<'a>,
    /// Transposed weight, `[panel of taps][out][width]`.
    transposed: &'a [f32],
    epilogue: InputGradientEpilogue<'a>,
}

/// Backward pass of one group of images.
struct Group<'a> {
    pass: &'a BackwardPass<'a>,
    images: Range<usize>,
    /// Partial sums of the weight and bias gradients, `[panel][tap][width]`. The bias is an additional
    /// tap whose input is 1.
    partial: &'a mut [f32],
    /// Input gradients of the images and their batch norm sums.
    gradients: Option<(&'a mut [f32], Option<&'a mut [f32]>)>,
    scratch: &'a mut [f32],
}

impl WithSimd for Group<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            pass,
            images,
            partial,
            gradients,
            scratch,
        } = self;
        let (mut values, mut sums) = gradients.unzip();
        let shape = &pass.conv.shape;
        let (step, stride) = (pixels_per_step(shape), patch_stride(shape));
        let in_place = is_pointwise(shape);
        let panels = panels(pass.conv);
        let padded = panels.padded_columns();
        let (patches, gradient) = scratch.split_at_mut(step * stride);
        let gradient = &mut gradient[..step * padded];
        // The padding stays zero.
        gradient.fill(0.0);
        partial.fill(0.0);
        let pixels_per_image = shape.rows.output * shape.columns.output;
        let (image_len, sums_len) = (shape.input().image_len(), 2 * shape.in_channels);
        for (index, image) in images.enumerate() {
            let mut target = values
                .as_mut()
                .map(|values| &mut values[index * image_len..][..image_len]);
            if let (Some(target), false) = (&mut target, in_place) {
                target.fill(0.0);
            }
            for start in (0..pixels_per_image).step_by(step) {
                let pixels = start..(start + step).min(pixels_per_image);
                let first = image * pixels_per_image;
                let of_batch = first + pixels.start..first + pixels.end;
                let patches = &mut patches[..pixels.len() * stride];
                load_gradient(simd, pass, of_batch.clone(), padded, gradient);
                gather(simd, shape, pass.input, of_batch, stride, patches);
                add_weight_gradient(
                    simd,
                    &panels,
                    shape.taps(),
                    patches,
                    stride,
                    gradient,
                    partial,
                );
                let Some(target) = &mut target else {
                    continue;
                };
                let mut product = InputGradient {
                    pass,
                    gradient: &*gradient,
                    padded,
                    output: &mut *patches,
                    stride,
                };
                if in_place {
                    product.output = &mut target[pixels.start * shape.in_channels..];
                    product.stride = shape.in_channels;
                    product.run(simd, pixels.len());
                } else {
                    product.run(simd, pixels.len());
                    scatter_add(simd, shape, pixels, stride, patches, target);
                }
            }
            if let Some(target) = target {
                let sums = sums.as_mut().and_then(Option::as_mut);
                let sums = sums.map(|sums| &mut sums[index * sums_len..][..sums_len]);
                pass.epilogue.apply(simd, image * image_len, target, sums);
            }
        }
    }
}

/// Writes the gradient at some output pixels of the batch, `padded` elements apart.
#[inline(always)]
fn load_gradient<S: Simd>(
    simd: S,
    pass: &BackwardPass<'_>,
    pixels: Range<usize>,
    padded: usize,
    gradient: &mut [f32],
) {
    let channels = pass.conv.shape.out_channels;
    // All pixels of the batch as one row.
    let size = ImageSize {
        height: 1,
        width: pass.gradient.values.len() / channels,
        channels,
    };
    for start in (0..channels).step_by(S::F32_LANES) {
        let range = start..(start + S::F32_LANES).min(channels);
        let reader = pass.gradient.channels(simd, &size, range.clone());
        for (row, pixel) in gradient.chunks_exact_mut(padded).zip(pixels.clone()) {
            let value = reader.load_pixel(simd, 0, 0, pixel);
            store(simd, &mut row[range.clone()], value);
        }
    }
}

/// Adds the products of some pixels to the partial sums.
#[inline(always)]
fn add_weight_gradient<S: Simd>(
    simd: S,
    panels: &Panels,
    taps: usize,
    patches: &[f32],
    stride: usize,
    gradient: &[f32],
    partial: &mut [f32],
) {
    let pixels = patches.len() / stride;
    let padded = panels.padded_columns();
    for panel in 0..panels.count {
        let column = panel * panels.width;
        let partial = &mut partial[column * (taps + 1)..][..(taps + 1) * panels.width];
        let (weight, bias) = partial.split_at_mut(taps * panels.width);
        let mut tiles = WeightGradientTiles {
            patches,
            stride,
            pixels,
            gradient: &gradient[column..],
            padded,
            partial: weight,
        };
        for_each_tile(simd, panels.width, taps, &mut tiles);
        for (lane, bias) in bias.chunks_exact_mut(S::F32_LANES).enumerate() {
            let first = column + lane * S::F32_LANES;
            let mut sum = load(simd, bias);
            for row in gradient.chunks_exact(padded).take(pixels) {
                sum = simd.add_f32s(sum, load(simd, &row[first..first + S::F32_LANES]));
            }
            store(simd, bias, sum);
        }
    }
}

/// Micro-kernel over neighboring taps, summed over the gathered pixels.
struct WeightGradientTiles<'a> {
    patches: &'a [f32],
    stride: usize,
    pixels: usize,
    gradient: &'a [f32],
    padded: usize,
    partial: &'a mut [f32],
}

impl<S: Simd> MicroKernel<S> for WeightGradientTiles<'_> {
    #[inline(always)]
    fn tile<const ROWS: usize, const VECTORS: usize>(&mut self, simd: S, first: usize) {
        let width = VECTORS * S::F32_LANES;
        let partial = &mut self.partial[first * width..][..ROWS * width];
        let mut tile = load_tile::<S, ROWS, VECTORS>(simd, partial);
        let columns = LhsColumns {
            values: &self.patches[first..],
            stride: self.stride,
        };
        accumulate(
            simd,
            &mut tile,
            columns,
            self.pixels,
            self.gradient,
            self.padded,
        );
        store_tile(simd, &tile, partial, width, width);
    }
}

/// Gradient at some patches: the output gradient times the transposed weight.
struct InputGradient<'a> {
    pass: &'a BackwardPass<'a>,
    gradient: &'a [f32],
    padded: usize,
    output: &'a mut [f32],
    stride: usize,
}

impl InputGradient<'_> {
    #[inline(always)]
    fn run<S: Simd>(&mut self, simd: S, pixels: usize) {
        let channels = self.pass.conv.shape.out_channels;
        let panels = transposed_panels(self.pass.conv);
        let panel_weights = self.pass.transposed.chunks_exact(channels * panels.width);
        for (panel, weight) in panel_weights.enumerate() {
            let mut tiles = InputGradientTiles {
                gradient: self.gradient,
                padded: self.padded,
                depth: channels,
                weight,
                first_column: panel * panels.width,
                columns: panels.columns_of(panel),
                output: &mut *self.output,
                stride: self.stride,
            };
            for_each_tile(simd, panels.width, pixels, &mut tiles);
        }
    }
}

struct InputGradientTiles<'a> {
    gradient: &'a [f32],
    padded: usize,
    depth: usize,
    weight: &'a [f32],
    first_column: usize,
    columns: usize,
    output: &'a mut [f32],
    stride: usize,
}

impl<S: Simd> MicroKernel<S> for InputGradientTiles<'_> {
    #[inline(always)]
    fn tile<const ROWS: usize, const VECTORS: usize>(&mut self, simd: S, first: usize) {
        let width = VECTORS * S::F32_LANES;
        let mut tile = zero_tile::<S, ROWS, VECTORS>(simd);
        let rows =
            LhsRows::<ROWS>::new(self.gradient, first * self.padded, self.padded, self.depth);
        accumulate(simd, &mut tile, rows, self.depth, self.weight, width);
        let output = &mut self.output[first * self.stride + self.first_column..];
        store_tile(simd, &tile, output, self.stride, self.columns);
    }
}
