//! Backward pass: all gradients of an image while its values are in the cache.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::buffer::Workspace;
use crate::conv2d::Conv2dGradients;
use crate::depthwise::input_gradient::write_input_gradient;
use crate::depthwise::weight_gradient::add_weight_gradient;
use crate::depthwise::{DepthwiseConv2d, DepthwiseConv2dShape, GROUPS};
use crate::fused_gradient::FusedGradient;
use crate::input_gradient::InputGradientEpilogue;
use crate::operand::ConvInput;
use crate::parallel::{RowsMut, parallel_for};

/// Computes all gradients. The partial sums of groups of images are added in order.
pub(super) fn backward(
    conv: &DepthwiseConv2d,
    input: &ConvInput<'_>,
    weight: &[f32],
    gradient: &FusedGradient<'_>,
    gradients: Conv2dGradients<'_>,
    workspace: &mut Workspace,
) {
    let shape = &conv.shape;
    let Workspace { threads, shared } = workspace;
    let size = shape.batch.div_ceil(GROUPS).max(1);
    let len = shape.partial_len();
    let partials = &mut shared[..shape.batch.div_ceil(size) * len];
    let epilogue = gradients.epilogue(input, shape.channels);
    let (values, sums) = gradients
        .input
        .map(|gradient| (gradient.values, gradient.batch_norm_sums))
        .unzip();
    let values = values.map(|values| RowsMut::new(values, shape.input().image_len()));
    let sums = sums
        .flatten()
        .map(|target| RowsMut::new(target.sums, 2 * shape.channels));
    let parts = (
        RowsMut::with_grain(size, &mut *partials, len),
        (values, sums),
    );
    parallel_for(0..shape.batch, size, parts, &|images, parts| {
        let (partial, (values, sums)) = parts;
        threads.with(|scratch| {
            conv.instructions.run(Group {
                shape,
                input,
                weight,
                gradient,
                epilogue,
                images,
                partial: partial.values,
                values: values.map(|values| values.values),
                sums: sums.map(|sums| sums.values),
                scratch,
            });
        });
    });
    gradients.weight.fill(0.0);
    gradients.bias.fill(0.0);
    for partial in partials.chunks_exact(len) {
        let (weight, bias) = partial.split_at(gradients.weight.len());
        for (sum, value) in gradients.weight.iter_mut().zip(weight) {
            *sum += value;
        }
        for (sum, value) in gradients.bias.iter_mut().zip(bias) {
            *sum += value;
        }
    }
}

/// Gradients of one group of images.
struct Group<'a> {
    shape: &'a DepthwiseConv2dShape,
    input: &'a ConvInput<'a>,
    weight: &'a [f32],
    gradient: &'a FusedGradient<'a>,
    epilogue: InputGradientEpilogue<'a>,
    images: Range<usize>,
    /// Partial sums of the weight and bias gradients.
    partial: &'a mut [f32],
    /// Input gradients of the images and their batch norm sums.
    values: Option<&'a mut [f32]>,
    sums: Option<&'a mut [f32]>,
    scratch: &'a mut [f32],
}

impl WithSimd for Group<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let shape = self.shape;
        let (image_len, sums_len) = (shape.input().image_len(), 2 * shape.channels);
        self.partial.fill(0.0);
        for (index, image) in self.images.enumerate() {
            let (partial, scratch) = (&mut *self.partial, &mut *self.scratch);
            add_weight_gradient(
                simd,
                shape,
                self.input,
                self.gradient,
                image,
                partial,
                scratch,
            );
            let Some(values) = &mut self.values else {
                continue;
            };
            let values = &mut values[index * image_len..][..image_len];
            let (weight, gradient) = (self.weight, self.gradient);
            write_input_gradient(simd, shape, weight, gradient, image, values, scratch);
            let sums = self.sums.as_mut();
            let sums = sums.map(|sums| &mut sums[index * sums_len..][..sums_len]);
            self.epilogue.apply(simd, image * image_len, values, sums);
        }
    }
}
