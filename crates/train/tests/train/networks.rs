//! Fixtures: a small network and a few real images.

use modiste_dataset::{Dataset, fashion_mnist_mini};
use modiste_model::{Architecture, Layer, Metadata, Network, Padding};

/// The first images of the embedded dataset.
pub(crate) fn data(train: usize, test: usize) -> Dataset {
    let mut data = fashion_mnist_mini();
    data.train = data.train.first(train);
    data.test = data.test.first(test);
    data
}

/// A network with every kind of layer and few filters.
pub(crate) fn small() -> Network {
    let architecture = Architecture {
        name: "small".into(),
        input: [28, 28, 1],
        layers: vec![
            Layer::conv2d(6, Padding::Valid),
            Layer::batch_norm(),
            Layer::max_pool2d(2),
            Layer::conv2d(8, Padding::Same),
            Layer::max_pool2d(2),
            Layer::dropout(0.1),
            Layer::Flatten,
            Layer::dense(24),
            Layer::logits(10),
        ],
    };
    let metadata = Metadata {
        dataset: "fashion-mnist-mini".into(),
        classes: data(1, 1).classes,
        ..Metadata::default()
    };
    Network::initialize(architecture, metadata, 1).expect("valid network")
}
