//! Ready-made architectures.
//!
//! To add one, write a function here and add its name to [`names`] and [`build`].

use modiste_core::ImageShape;

use crate::architecture::Architecture;
use crate::layer::{Activation, Initializer, Layer, Padding};

/// Names of all architectures of the zoo.
pub fn names() -> &'static [&'static str] {
    &[
        "compact",
        "vgg",
        "bnvgg",
        "closet",
        "resnet",
        "resnet-1m",
        "mobile",
    ]
}

/// Returns the architecture called `name` with its default input shape and number of classes, or `None`
/// if there is none.
pub fn find(name: &str) -> Option<Architecture> {
    match name {
        "compact" => Some(compact()),
        "vgg" => Some(vgg()),
        "bnvgg" => Some(bnvgg()),
        "closet" => Some(closet()),
        "resnet" => Some(resnet()),
        "resnet-1m" => Some(resnet_1m()),
        "mobile" => Some(mobile()),
        _ => None,
    }
}

/// Returns the architecture called `name` for images of shape `input` and `classes` classes, or `None`
/// if there is none. Some architectures have more layers or larger strides for larger images.
///
/// ```
/// use modiste_core::ImageShape;
/// use modiste_model::zoo;
///
/// let network = zoo::build("mobile", ImageShape::new(96, 64, 1), 3).expect("a name of the zoo");
/// assert_eq!(network.plan()?.classes(), 3);
/// # Ok::<(), modiste_model::ArchitectureError>(())
/// ```
pub fn build(name: &str, input: ImageShape, classes: usize) -> Option<Architecture> {
    let layers = match name {
        "resnet" => resnet_layers(input, 1),
        "resnet-1m" => resnet_layers(input, 2),
        "mobile" => mobile_layers(input),
        _ => find(name)?.layers,
    };
    let mut architecture = Architecture {
        name: name.into(),
        input: [input.height, input.width, input.channels],
        layers,
    };
    if let Some(Layer::Dense { units, .. }) = architecture.layers.last_mut() {
        *units = classes;
    }
    Some(architecture)
}

/// Two convolutions with batch norm, one max pooling and two dense layers; 28x28 gray images, 10
/// classes. The example network of the lecture.
///
/// ```
/// let plan = modiste_model::zoo::compact().plan()?;
/// assert_eq!(plan.trainable_len() + plan.running_stats_len(), 2_374_762);
/// # Ok::<(), modiste_model::ArchitectureError>(())
/// ```
pub fn compact() -> Architecture {
    Architecture {
        name: "compact".into(),
        input: [28, 28, 1],
        layers: vec![
            Layer::conv2d(32, Padding::Valid).with_he_uniform(),
            Layer::batch_norm(),
            Layer::conv2d(32, Padding::Valid).with_he_uniform(),
            Layer::batch_norm(),
            Layer::max_pool2d(2),
            Layer::dropout(0.25),
            Layer::Flatten,
            Layer::dense(512).with_he_uniform(),
            Layer::logits(10),
        ],
    }
}

/// Four convolutions and three dense layers, in the style of VGG (not VGG16); 28x28 gray images, 10 classes. The
/// large network of the lecture.
///
/// ```
/// let plan = modiste_model::zoo::vgg().plan()?;
/// assert_eq!(plan.trainable_len(), 5_259_594);
/// # Ok::<(), modiste_model::ArchitectureError>(())
/// ```
pub fn vgg() -> Architecture {
    Architecture {
        name: "vgg".into(),
        input: [28, 28, 1],
        layers: vec![
            Layer::conv2d(64, Padding::Same),
            Layer::conv2d(64, Padding::Same),
            Layer::max_pool2d(2),
            Layer::conv2d(128, Padding::Same),
            Layer::conv2d(256, Padding::Valid),
            Layer::max_pool2d(2),
            Layer::Flatten,
            Layer::dense(512),
            Layer::dropout(0.5),
            Layer::dense(256),
            Layer::dropout(0.5),
            Layer::logits(10),
        ],
    }
}

/// Two blocks of two convolutions with batch norm, max pooling and dropout; 32x32 color images, 100
/// classes. The 100-class network of the lecture.
///
/// ```
/// let plan = modiste_model::zoo::bnvgg().plan()?;
/// assert_eq!((plan.trainable_len(), plan.running_stats_len()), (936_964, 384));
/// # Ok::<(), modiste_model::ArchitectureError>(())
/// ```
pub fn bnvgg() -> Architecture {
    let block = |filters| {
        [
            Layer::conv2d(filters, Padding::Valid),
            Layer::batch_norm(),
            Layer::conv2d(filters, Padding::Valid),
            Layer::batch_norm(),
            Layer::max_pool2d(2),
            Layer::dropout(0.25),
        ]
    };
    let mut layers = Vec::from(block(32));
    layers.extend(block(64));
    layers.extend([
        Layer::Flatten,
        Layer::dense(512),
        Layer::dropout(0.5),
        Layer::logits(100),
    ]);
    Architecture {
        name: "bnvgg".into(),
        input: [32, 32, 3],
        layers,
    }
}

/// Three blocks of two convolutions with batch norm and max pooling, as in VGG (Simonyan, Zisserman
/// 2014), then two dense layers; 28x28 gray images, 10 classes. The architecture of the built-in model
/// for photos.
///
/// ```
/// let plan = modiste_model::zoo::closet().plan()?;
/// assert_eq!((plan.trainable_len(), plan.running_stats_len()), (585_066, 896));
/// # Ok::<(), modiste_model::ArchitectureError>(())
/// ```
pub fn closet() -> Architecture {
    let block = |filters| {
        [
            Layer::conv2d(filters, Padding::Same).with_he_uniform(),
            Layer::batch_norm(),
            Layer::conv2d(filters, Padding::Same).with_he_uniform(),
            Layer::batch_norm(),
            Layer::max_pool2d(2),
            Layer::dropout(0.1),
        ]
    };
    let mut layers = Vec::from([32, 64, 128].map(block).as_flattened());
    layers.extend([
        Layer::Flatten,
        Layer::dense(256).with_he_uniform(),
        Layer::dropout(0.3),
        Layer::logits(10),
    ]);
    Architecture {
        name: "closet".into(),
        input: [28, 28, 1],
        layers,
    }
}

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

fn resnet_layers(input: ImageShape, blocks: usize) -> Vec<Layer> {
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

fn mobile_layers(input: ImageShape) -> Vec<Layer> {
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
