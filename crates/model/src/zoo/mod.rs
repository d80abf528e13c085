//! Ready-made architectures.
//!
//! To add one, write a function here and add its name to [`names`] and [`build`].

mod any_size;

use modiste_core::ImageShape;

use crate::architecture::Architecture;
use crate::layer::{Layer, Padding};
pub use any_size::{mobile, resnet, resnet_1m};
use any_size::{mobile_layers, resnet_layers};

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
