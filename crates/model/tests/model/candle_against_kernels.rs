//! The kernel engine and inference agree with the candle engine.

use candle_core::{Device, Tensor};
use modiste_core::Rng;
use modiste_model::{
    Activation, Architecture, CandleNetwork, Inference, Initializer, KernelNetwork, KernelOptions,
    Layer, Padding, Parameters, zoo,
};

use crate::engines::{Fixture, check};

fn with(input: [usize; 3], layers: Vec<Layer>) -> Architecture {
    Architecture {
        name: "test".into(),
        input,
        layers,
    }
}

fn conv(kernel_size: [usize; 2], stride: usize, padding: Padding, activation: Activation) -> Layer {
    Layer::Conv2d {
        filters: 5,
        kernel_size,
        stride: [stride; 2],
        padding,
        use_bias: true,
        activation,
        initializer: Initializer::HeUniform,
    }
}

fn residual(layers: Vec<Layer>) -> Layer {
    Layer::Residual {
        layers,
        shortcut: Vec::new(),
    }
}

/// An architecture with fewer filters, so that tests are fast.
fn narrow(mut architecture: Architecture) -> Architecture {
    for layer in &mut architecture.layers {
        match layer {
            Layer::Conv2d { filters, .. } => *filters /= 8,
            Layer::Dense { units, .. } if *units > 100 => *units /= 16,
            _ => {}
        }
    }
    architecture
}

#[test]
fn zoo_architectures() {
    check(&narrow(zoo::compact()), 3);
    check(&narrow(zoo::vgg()), 3);
    check(&narrow(zoo::bnvgg()), 2);
}

#[test]
fn strides_and_kernel_sizes() {
    check(
        &with(
            [9, 12, 2],
            vec![
                conv([3, 3], 2, Padding::Same, Activation::Relu),
                conv([1, 1], 1, Padding::Valid, Activation::Linear),
                conv([5, 2], 1, Padding::Same, Activation::Relu),
                conv([2, 3], 2, Padding::Valid, Activation::Linear),
                Layer::Flatten,
                Layer::logits(4),
            ],
        ),
        3,
    );
}

#[test]
fn uneven_pools_and_image_dropout() {
    check(
        &with(
            [11, 10, 1],
            vec![
                conv([3, 3], 1, Padding::Same, Activation::Relu),
                Layer::max_pool2d(3),
                Layer::dropout(0.4),
                Layer::batch_norm(),
                Layer::max_pool2d(2),
                Layer::Flatten,
                Layer::Flatten,
                Layer::dense(9),
                Layer::batch_norm(),
                Layer::logits(3),
            ],
        ),
        5,
    );
}

#[test]
fn nested_residual_blocks() {
    let inner = residual(vec![
        Layer::batch_norm(),
        conv([3, 3], 1, Padding::Same, Activation::Relu),
    ]);
    check(
        &with(
            [6, 5, 1],
            vec![
                conv([3, 3], 1, Padding::Same, Activation::Relu),
                residual(vec![
                    Layer::dropout(0.2),
                    inner,
                    conv([3, 3], 1, Padding::Same, Activation::Linear),
                ]),
                residual(vec![Layer::dropout(0.5)]),
                Layer::max_pool2d(2),
                Layer::Flatten,
                residual(vec![Layer::dense(30)]),
                Layer::logits(4),
            ],
        ),
        4,
    );
}

/// The last batch of an epoch can be shorter than the buffers.
#[test]
fn short_batch_matches_exact_size() {
    let fixture = Fixture::new(&narrow(zoo::bnvgg()), 3);
    let step = |batch_size| {
        let mut network =
            KernelNetwork::new(fixture.plan.clone(), batch_size, &KernelOptions::default());
        let mut parameters = fixture.parameters.clone();
        let mut gradients = vec![f32::NAN; fixture.plan.trainable_len()];
        let metrics = network.gradients(
            &mut parameters,
            &fixture.images,
            &fixture.labels,
            &mut Rng::new(1),
            &mut gradients,
        );
        (metrics, gradients, parameters)
    };
    assert!(step(3) == step(20));
}

#[test]
fn layer_by_layer_matches_candle() {
    for architecture in [zoo::compact(), zoo::closet()] {
        let plan = architecture.plan().expect("zoo architectures are valid");
        let parameters = Parameters::initialize(&plan, 3);
        let images: Vec<f32> = (0..2 * 28 * 28)
            .map(|i| (i * 7 % 11) as f32 / 11.0)
            .collect();
        let options = KernelOptions::default();
        let mut inference = Inference::layer_by_layer(plan.clone(), 4, &options);
        inference.load(&parameters);
        let logits = inference.logits(&images).to_vec();
        let names: Vec<&str> = inference.activations(2).map(|(name, _)| name).collect();
        let skipped = ["flatten", "dropout"];
        let expected: Vec<&str> = plan
            .layers
            .iter()
            .map(|layer| layer.name.as_str())
            .filter(|name| !skipped.iter().any(|skipped| name.starts_with(skipped)))
            .collect();
        assert_eq!(names, expected);
        let candle = CandleNetwork::new(&plan, &parameters, &Device::Cpu).expect("candle");
        let tensor = Tensor::from_slice(&images, (2, 28, 28, 1), &Device::Cpu).expect("images");
        let reference = candle
            .forward(&tensor)
            .expect("logits")
            .flatten_all()
            .expect("flat");
        let reference = reference.to_vec1::<f32>().expect("values");
        for (found, expected) in logits.iter().zip(&reference) {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
        let first = plan.layers[0].output.size();
        let (_, output) = inference.activations(2).next().expect("a layer");
        assert_eq!(output.len(), 2 * first);
        assert!(
            output.iter().all(|&value| value >= 0.0),
            "the output of ReLU is not negative"
        );
    }
}
