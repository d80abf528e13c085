use modiste_core::Rng;
use modiste_model::{KernelOptions, Network};
use modiste_train::{gradient_norms, layer_activity};

use crate::networks::{data, small};

/// The range of a variable's numbers.
fn range(network: &Network, name: &str) -> std::ops::Range<usize> {
    let resolved = network.architecture.resolve().expect("a network");
    let found = resolved
        .variables
        .iter()
        .find(|variable| variable.name == name);
    found.expect("a variable of the network").range.clone()
}

#[test]
fn a_unit_that_never_speaks_is_found() {
    let mut network = small();
    // The second of six filters, and the last of 24 units, are pushed far below zero.
    let (filters, units) = (
        range(&network, "conv2d/bias"),
        range(&network, "dense/bias"),
    );
    network.parameters.trainable[filters.start + 1] = -1e3;
    network.parameters.trainable[units.end - 1] = -1e3;
    let images = data(1, 130).test;
    let layers = layer_activity(&network, &images, &KernelOptions::default()).expect("measured");
    let names: Vec<&str> = layers.iter().map(|layer| layer.layer.as_str()).collect();
    let expected = [
        "conv2d",
        "batch_normalization",
        "max_pooling2d",
        "conv2d_1",
        "max_pooling2d_1",
        "dense",
        "dense_1",
    ];
    assert_eq!(names, expected);
    assert_eq!((layers[0].units, &layers[0].dead), (6, &Some(vec![1])));
    assert!(layers[0].zeros >= 1.0 / 6.0 && layers[0].zeros < 1.0);
    let dense = &layers[5];
    assert!(
        dense.dead.as_ref().expect("it rectifies").contains(&23),
        "{dense:?}"
    );
    for silent in [1, 2, 4, 6] {
        assert_eq!(layers[silent].dead, None, "{}", layers[silent].layer);
    }
    assert!(
        layers
            .iter()
            .all(|layer| layer.rms > 0.0 && layer.rms.is_finite())
    );
}

#[test]
fn gradients_are_as_long_as_small_changes_say() {
    let network = small();
    let images = data(1, 20).test;
    let options = KernelOptions::default();
    let norms = gradient_norms(&network, &images, &options, 5).expect("measured");
    let bias = norms.iter().find(|norm| norm.variable == "dense_1/bias");
    let found = bias.expect("the last bias").gradient;
    // The same by finite differences of the training loss.
    let resolved = network.architecture.resolve().expect("a network");
    let values: Vec<f32> = images
        .to_contiguous()
        .iter()
        .map(|&pixel| f32::from(pixel) / 255.0)
        .collect();
    let loss = |index: usize, by: f32| {
        let mut parameters = network.parameters.clone();
        parameters.trainable[index] += by;
        let mut walk = modiste_model::Walk::new(resolved.clone(), 20, &options);
        let mut gradients = vec![0.0; resolved.trainable_len()];
        let mut rng = Rng::new(5);
        walk.gradients(
            &mut parameters,
            &values,
            images.labels(),
            &mut rng,
            &mut gradients,
        )
        .loss
    };
    let squares: f64 = range(&network, "dense_1/bias")
        .map(|index| ((loss(index, 1e-2) - loss(index, -1e-2)) / 2e-2).powi(2))
        .sum();
    assert!(
        (found - squares.sqrt()).abs() < 1e-3,
        "{found} {}",
        squares.sqrt()
    );
    let zero = norms
        .iter()
        .find(|norm| norm.variable == "dense/bias")
        .expect("a bias");
    assert!(zero.weights == 0.0 && zero.gradient > 0.0);
}
