//! Ready-made architectures.
//!
//! To add one, write a function here and add its name to [`names`] and [`find`].

use crate::architecture::{Architecture, Layer, Padding};

/// Names of all architectures of the zoo.
pub fn names() -> &'static [&'static str] {
    &["compact", "vgg", "bnvgg", "closet"]
}

/// Returns the architecture called `name` with its default input shape, or `None` if there is none.
pub fn find(name: &str) -> Option<Architecture> {
    match name {
        "compact" => Some(compact()),
        "vgg" => Some(vgg()),
        "bnvgg" => Some(bnvgg()),
        "closet" => Some(closet()),
        _ => None,
    }
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
