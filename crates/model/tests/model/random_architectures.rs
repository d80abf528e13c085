//! Random architectures: planning never panics, and the engines agree on the logits.

use candle_core::Device;
use modiste_model::{
    Activation, Architecture, CandleNetwork, Inference, Initializer, KernelOptions, Layer, Padding,
};
use proptest::prelude::*;

use crate::engines::Fixture;

fn activation() -> impl Strategy<Value = Activation> {
    prop::sample::select(vec![
        Activation::Linear,
        Activation::Relu,
        Activation::Relu6,
        Activation::Silu,
        Activation::Gelu,
        Activation::HardSwish,
    ])
}

fn padding() -> impl Strategy<Value = Padding> {
    prop::sample::select(vec![Padding::Same, Padding::Valid])
}

fn initializer() -> impl Strategy<Value = Initializer> {
    prop::sample::select(vec![Initializer::GlorotUniform, Initializer::HeUniform])
}

fn pair(range: std::ops::Range<usize>) -> impl Strategy<Value = [usize; 2]> {
    prop::array::uniform2(range)
}

/// A layer other than a residual block, with sizes from `0` on if `valid` is false.
fn leaf(valid: bool) -> BoxedStrategy<Layer> {
    let low = usize::from(valid);
    let pool = || (pair(low..4), prop::option::of(pair(low..4)), padding());
    prop_oneof![
        3 => (low..6, pair(low..4), pair(low..3), padding(), any::<bool>(), activation(), initializer())
            .prop_map(|(filters, kernel_size, stride, padding, use_bias, activation, initializer)| {
                Layer::Conv2d { filters, kernel_size, stride, padding, use_bias, activation, initializer }
            }),
        2 => (pair(low..4), pair(low..3), padding(), any::<bool>(), activation(), initializer())
            .prop_map(|(kernel_size, stride, padding, use_bias, activation, initializer)| {
                Layer::DepthwiseConv2d { kernel_size, stride, padding, use_bias, activation, initializer }
            }),
        2 => (0.0_f32..=1.0, 1e-4_f32..1.0)
            .prop_map(|(momentum, epsilon)| Layer::BatchNorm { momentum, epsilon }),
        2 => activation().prop_map(Layer::activation),
        1 => pool().prop_map(|(pool_size, stride, padding)| {
            Layer::MaxPool2d { pool_size, stride, padding }
        }),
        1 => pool().prop_map(|(pool_size, stride, padding)| {
            Layer::AveragePool2d { pool_size, stride, padding }
        }),
        1 => prop::array::uniform2(pair(0..3)).prop_map(|padding| Layer::ZeroPadding2d { padding }),
        1 => (0.0_f32..0.9).prop_map(Layer::dropout),
    ]
    .boxed()
}

/// A layer of any kind, with residual blocks up to two deep.
pub(crate) fn layer(valid: bool) -> BoxedStrategy<Layer> {
    let other = prop_oneof![
        Just(Layer::Flatten),
        Just(Layer::GlobalAveragePool2d),
        (1_usize..9, activation(), initializer()).prop_map(|(units, activation, initializer)| {
            Layer::Dense {
                units,
                activation,
                initializer,
            }
        }),
    ];
    prop_oneof![6 => leaf(valid), 1 => other]
        .prop_recursive(2, 12, 3, |inner| {
            (
                prop::collection::vec(inner.clone(), 0..4),
                prop::collection::vec(inner, 0..3),
            )
                .prop_map(|(layers, shortcut)| Layer::Residual { layers, shortcut })
        })
        .boxed()
}

fn shape() -> impl Strategy<Value = [usize; 3]> {
    [1_usize..12, 1_usize..12, 1_usize..4]
}

/// Layers of an image that keep it an image, each with a chance of a residual block around it.
fn image_layers() -> impl Strategy<Value = Vec<Layer>> {
    let block = leaf(true).prop_map(|layer| match layer {
        Layer::Conv2d {
            kernel_size,
            stride,
            use_bias,
            initializer,
            filters,
            ..
        } => {
            let conv = |kernel_size, activation| Layer::Conv2d {
                filters,
                kernel_size,
                stride,
                padding: Padding::Same,
                use_bias,
                activation,
                initializer,
            };
            Layer::Residual {
                layers: vec![conv(kernel_size, Activation::Relu), Layer::batch_norm()],
                shortcut: vec![conv([1, 1], Activation::Linear)],
            }
        }
        Layer::Activation { .. } | Layer::BatchNorm { .. } | Layer::Dropout { .. } => {
            Layer::Residual {
                layers: vec![layer],
                shortcut: vec![],
            }
        }
        other => other,
    });
    prop::collection::vec(prop_oneof![3 => leaf(true), 1 => block], 0..7)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn planning_never_panics(
        input in [0_usize..20, 0_usize..20, 0_usize..4],
        layers in prop::collection::vec(layer(false), 0..8),
    ) {
        let architecture = Architecture { name: "random".into(), input, layers };
        if let Ok(plan) = architecture.plan() {
            prop_assert!(plan.classes() > 0);
        }
        prop_assert_eq!(
            architecture.summary().map(|summary| summary.trainable_parameters),
            architecture.plan().map(|plan| plan.trainable_len())
        );
    }

    #[test]
    fn model_metadata_round_trips(layers in prop::collection::vec(layer(true), 0..6)) {
        let architecture = Architecture { name: "random".into(), input: [8, 9, 2], layers };
        let text = serde_json::to_string(&architecture).expect("plain data becomes JSON");
        let read: Architecture = serde_json::from_str(&text).expect("its own format");
        prop_assert_eq!(read, architecture);
    }

    #[test]
    fn engines_agree_on_logits(
        input in shape(),
        mut layers in image_layers(),
        flatten in any::<bool>(),
        exact in any::<bool>(),
    ) {
        layers.push(if flatten { Layer::Flatten } else { Layer::GlobalAveragePool2d });
        layers.push(Layer::logits(3));
        let architecture = Architecture { name: "random".into(), input, layers };
        // A window that does not fit the image is not this test's concern.
        prop_assume!(architecture.plan().is_ok());
        let fixture = Fixture::new(&architecture, 2);
        let candle = CandleNetwork::new(&fixture.plan, &fixture.parameters, &Device::Cpu)
            .and_then(|network| network.forward(&fixture.tensor())?.flatten_all()?.to_vec1::<f32>())
            .expect("candle");
        let options = KernelOptions { exact, ..KernelOptions::default() };
        let mut inference = Inference::new(fixture.plan.clone(), 2, &options);
        inference.load(&fixture.parameters);
        let logits = inference.logits(&fixture.images);
        // candle's GELU of a negative number, the only layer whose relative error grows as its output
        // vanishes, has an absolute error of 1e-7.
        let largest = candle.iter().fold(1e-2_f32, |max, logit| max.max(logit.abs()));
        for (found, expected) in logits.iter().zip(&candle) {
            let off = (found - expected).abs();
            prop_assert!(off < 1e-4 * largest, "{logits:?} instead of {candle:?}");
        }
    }
}
