//! The lecture's three networks, and one for photos.
//!
//! To add one: a function here, a line in [`names`] and in [`find`].

use crate::architecture::{Architecture, Layer, Padding};

/// The names that [`find`] knows.
pub fn names() -> &'static [&'static str] {
    &["compact", "vgg", "bnvgg", "closet"]
}

/// The network of this name, with its usual input.
pub fn find(name: &str) -> Option<Architecture> {
    match name {
        "compact" => Some(compact()),
        "vgg" => Some(vgg()),
        "bnvgg" => Some(bnvgg()),
        "closet" => Some(closet()),
        _ => None,
    }
}

/// The lecture's example: two convolutions with batch norm, one pool; 28x28 gray, 10 classes.
///
/// ```
/// let resolved = modiste_model::zoo::compact().resolve()?;
/// assert_eq!(resolved.trainable_len() + resolved.statistics_len(), 2_374_762);
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

/// The lecture's big network, the one of 930 s an epoch; 28x28 gray, 10 classes.
///
/// ```
/// let resolved = modiste_model::zoo::vgg().resolve()?;
/// assert_eq!(resolved.trainable_len(), 5_259_594);
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

/// The network of the lecture's 100-class summary; 32x32 colour.
///
/// ```
/// let resolved = modiste_model::zoo::bnvgg().resolve()?;
/// assert_eq!((resolved.trainable_len(), resolved.statistics_len()), (936_964, 384));
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

/// The network for photos that ships: three blocks of two convolutions with batch norm and a pool, as
/// in VGG (Simonyan, Zisserman 2014), then one dense layer; 28x28 gray, 10 classes.
///
/// ```
/// let resolved = modiste_model::zoo::closet().resolve()?;
/// assert_eq!((resolved.trainable_len(), resolved.statistics_len()), (585_066, 896));
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
