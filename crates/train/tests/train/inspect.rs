use modiste_core::Rng;
use modiste_model::{KernelNetwork, KernelOptions, Network};
use modiste_train::{gradient_norms, layer_activity};

use crate::networks::{data, small};

/// Range of a variable in the trainable parameters.
fn range(network: &Network, name: &str) -> std::ops::Range<usize> {
    let plan = network.architecture.plan().expect("valid network");
    let found = plan.variables.iter().find(|variable| variable.name == name);
    found.expect("existing variable").range.clone()
}

#[test]
fn finds_dead_units() {
    let mut network = small();
    // Large negative biases for the second of six filters and the last of 24 units.
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
        dense
            .dead
            .as_ref()
            .expect("the layer has ReLU")
            .contains(&23),
        "{dense:?}"
    );
    for without_relu in [1, 2, 4, 6] {
        assert_eq!(
            layers[without_relu].dead, None,
            "{}",
            layers[without_relu].layer
        );
    }
    assert!(
        layers
            .iter()
            .all(|layer| layer.rms > 0.0 && layer.rms.is_finite())
    );
}

#[test]
fn gradient_norms_match_finite_differences() {
    let network = small();
    let images = data(1, 20).test;
    let options = KernelOptions::default();
    let norms = gradient_norms(&network, &images, &options, 5).expect("measured");
    let bias = norms.iter().find(|norm| norm.variable == "dense_1/bias");
    let found = bias.expect("the last bias").gradient;
    // Finite differences of the training loss.
    let plan = network.architecture.plan().expect("valid network");
    let values: Vec<f32> = images
        .to_contiguous()
        .expect("in memory")
        .iter()
        .map(|&pixel| f32::from(pixel) / 255.0)
        .collect();
    let loss = |index: usize, by: f32| {
        let mut parameters = network.parameters.clone();
        parameters.trainable[index] += by;
        let mut kernels = KernelNetwork::new(plan.clone(), 20, &options);
        let mut gradients = vec![0.0; plan.trainable_len()];
        let mut rng = Rng::new(5);
        kernels
            .gradients(
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
