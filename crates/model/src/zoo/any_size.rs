//! Networks for images of any size.

use modiste_core::ImageShape;

use crate::architecture::Architecture;
use crate::layer::{Activation, Initializer, Layer, Padding};

/// Shape of the images that the networks for any size are shown with.
const SMALL_PHOTO: ImageShape = ImageShape {
    height: 32,
    width: 32,
    channels: 3,
};

fn small_photos(name: &str, layers: Vec<Layer>) -> Architecture {
    let ImageShape {
        height,
        width,
        channels,
    } = SMALL_PHOTO;
    Architecture {
        name: name.into(),
        input: [height, width, channels],
        layers,
    }
}

/// Residual network (He et al. 2015) of three basic blocks with 32, 64 and 128 channels, for images of
/// any size; 0.3 million parameters. Here for 32x32 color images and 10 classes;
/// [`Architecture::fitted`] adapts it.
///
/// The stem keeps the resolution of images of up to 32 pixels a side, halves that of larger ones, and
/// quarters that of images of more than 128.
///
/// ```
/// let plan = modiste_model::zoo::resnet().plan()?;
/// assert_eq!((plan.trainable_len(), plan.running_stats_len()), (308_650, 1_344));
/// # Ok::<(), modiste_model::ArchitectureError>(())
/// ```
pub fn resnet() -> Architecture {
    small_photos("resnet", resnet_layers(SMALL_PHOTO, 1))
}

/// [`resnet`] with two blocks for each number of channels; 0.7 million parameters.
///
/// ```
/// let plan = modiste_model::zoo::resnet_1m().plan()?;
/// assert_eq!((plan.trainable_len(), plan.running_stats_len()), (696_618, 2_240));
/// # Ok::<(), modiste_model::ArchitectureError>(())
/// ```
pub fn resnet_1m() -> Architecture {
    small_photos("resnet-1m", resnet_layers(SMALL_PHOTO, 2))
}

/// Depthwise separable convolutions in the style of MobileNet (Howard et al. 2017), for images of any
/// size; 0.2 million parameters. Here for 32x32 color images and 10 classes;
/// [`Architecture::fitted`] adapts it. The stem is that of [`resnet`].
///
/// ```
/// let plan = modiste_model::zoo::mobile().plan()?;
/// assert_eq!((plan.trainable_len(), plan.running_stats_len()), (205_642, 3_968));
/// # Ok::<(), modiste_model::ArchitectureError>(())
/// ```
pub fn mobile() -> Architecture {
    small_photos("mobile", mobile_layers(SMALL_PHOTO))
}

/// Layers of a residual network with this number of blocks for each number of channels.
pub(super) fn resnet_layers(input: ImageShape, blocks: usize) -> Vec<Layer> {
    let mut layers = stem(input);
    for (filters, first_stride) in [(32, 1), (64, 2), (128, 2)] {
        for block in 0..blocks {
            let stride = if block == 0 { first_stride } else { 1 };
            layers.push(basic_block(filters, stride));
            layers.push(Layer::activation(Activation::Relu));
        }
    }
    layers.extend([Layer::GlobalAveragePool2d, Layer::logits(10)]);
    layers
}

/// Layers of [`mobile`].
pub(super) fn mobile_layers(input: ImageShape) -> Vec<Layer> {
    let mut layers = stem(input);
    for (filters, stride) in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (256, 1)] {
        layers.push(Layer::DepthwiseConv2d {
            kernel_size: [3, 3],
            stride: [stride; 2],
            padding: Padding::Same,
            use_bias: false,
            activation: Activation::Linear,
            initializer: Initializer::HeUniform,
        });
        layers.extend(norm_relu());
        layers.push(plain_conv(filters, 1, 1));
        layers.extend(norm_relu());
    }
    layers.extend([Layer::GlobalAveragePool2d, Layer::logits(10)]);
    layers
}

/// First layers of a network for any size: they bring images to about 32 pixels a side.
fn stem(input: ImageShape) -> Vec<Layer> {
    let side = input.height.max(input.width);
    let mut layers = vec![plain_conv(32, 3, if side > 32 { 2 } else { 1 })];
    layers.extend(norm_relu());
    if side > 128 {
        layers.push(Layer::max_pool2d(2));
    }
    layers
}

/// Two 3x3 convolutions with batch norm; the first one has the stride. If it is not 1, the shortcut is a
/// 1x1 convolution with batch norm.
fn basic_block(filters: usize, stride: usize) -> Layer {
    let mut layers = vec![plain_conv(filters, 3, stride)];
    layers.extend(norm_relu());
    layers.extend([plain_conv(filters, 3, 1), batch_norm()]);
    let shortcut = match stride {
        1 => Vec::new(),
        _ => vec![plain_conv(filters, 1, stride), batch_norm()],
    };
    Layer::Residual { layers, shortcut }
}

/// A convolution without bias and activation, for batch norm to follow.
fn plain_conv(filters: usize, side: usize, stride: usize) -> Layer {
    Layer::Conv2d {
        filters,
        kernel_size: [side; 2],
        stride: [stride; 2],
        padding: Padding::Same,
        use_bias: false,
        activation: Activation::Linear,
        initializer: Initializer::HeUniform,
    }
}

/// Batch norm whose running statistics are right after a few dozen steps.
fn batch_norm() -> Layer {
    Layer::BatchNorm {
        momentum: 0.9,
        epsilon: 1e-3,
    }
}

fn norm_relu() -> [Layer; 2] {
    [batch_norm(), Layer::activation(Activation::Relu)]
}
