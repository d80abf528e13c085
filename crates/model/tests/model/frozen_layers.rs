//! Frozen layers run in inference mode and get no gradient, on both engines.

use candle_core::Device;
use modiste_core::Rng;
use modiste_model::{
    CandleNetwork, KernelNetwork, KernelOptions, Layer, NetworkPlan, Padding, zoo,
};

use crate::engines::{Fixture, deviation};

/// `compact` with fewer filters and random running statistics.
fn fixture() -> Fixture {
    let mut architecture = zoo::compact();
    for layer in &mut architecture.layers {
        match layer {
            Layer::Conv2d { filters, .. } => *filters = 5,
            Layer::Dense { units, .. } if *units > 10 => *units = 12,
            _ => {}
        }
    }
    let shortcut = vec![Layer::conv2d(5, Padding::Same)];
    let layers = vec![Layer::conv2d(5, Padding::Same), Layer::batch_norm()];
    architecture
        .layers
        .insert(4, Layer::Residual { layers, shortcut });
    let mut fixture = Fixture::new(&architecture, 4);
    let mut rng = Rng::new(8);
    let stats = &mut fixture.parameters.running_stats;
    stats
        .iter_mut()
        .for_each(|value| *value = 0.5 + rng.uniform() as f32);
    fixture
}

/// Loss, gradients and running statistics of one step of the kernel engine.
fn kernel_step(fixture: &Fixture, plan: &NetworkPlan, exact: bool) -> (f64, Vec<f32>, Vec<f32>) {
    let options = KernelOptions {
        exact,
        ..KernelOptions::default()
    };
    let mut network = KernelNetwork::new(plan.clone(), 6, &options);
    let mut parameters = fixture.parameters.clone();
    let mut gradients = vec![f32::NAN; plan.trainable_len()];
    let metrics = network.gradients(
        &mut parameters,
        &fixture.images,
        &fixture.labels,
        &mut Rng::new(1),
        &mut gradients,
    );
    (metrics.loss, gradients, parameters.running_stats)
}

#[test]
fn engines_agree_for_any_number_of_frozen_layers() {
    let mut fixture = fixture();
    let plan = fixture.plan.clone();
    for frozen in 0..=plan.layers.len() {
        fixture.plan = plan.clone().with_frozen_layers(frozen);
        let end = fixture.plan.frozen_range().end;
        assert_eq!(end, plan.trainable_before(frozen).end);
        let (loss, gradients, stats) = kernel_step(&fixture, &fixture.plan, true);
        assert!(gradients[..end].iter().all(|&gradient| gradient == 0.0));
        let candle = CandleNetwork::new(&fixture.plan, &fixture.parameters, &Device::Cpu);
        let candle = candle.expect("candle");
        let logits = candle
            .forward_train(&fixture.tensor(), &mut Rng::new(1))
            .expect("logits");
        if frozen == plan.layers.len() {
            assert_eq!(stats, fixture.parameters.running_stats);
            continue;
        }
        let labels: Vec<u32> = fixture.labels.iter().map(|&label| label.into()).collect();
        let labels = candle_core::Tensor::new(labels, &Device::Cpu).expect("labels");
        let candle_loss = candle_nn::loss::cross_entropy(&logits, &labels).expect("loss");
        let store = candle_loss.backward().expect("gradients");
        let candle_loss = candle_loss.to_scalar::<f32>().expect("a number");
        assert!((loss as f32 - candle_loss).abs() < 1e-5 * candle_loss);
        for (variable, var) in candle.trainable() {
            let found = &gradients[variable.range.clone()];
            match store.get(var) {
                None => assert!(variable.range.end <= end, "{}", variable.name),
                Some(gradient) => {
                    let expected = gradient.flatten_all().and_then(|g| g.to_vec1::<f32>());
                    let off = deviation(found, &expected.expect("values"));
                    assert!(off < 1e-4, "{frozen} frozen, {}: {off:.1e}", variable.name);
                }
            }
        }
        let candle_stats = candle.parameters().expect("parameters").running_stats;
        assert!(deviation(&stats, &candle_stats) < 1e-5);
        let (fast_loss, fast_gradients, _) = kernel_step(&fixture, &fixture.plan, false);
        assert!((loss - fast_loss).abs() < 1e-4 * loss);
        assert!(deviation(&fast_gradients, &gradients) < 1e-2);
    }
}

#[test]
fn running_statistics_of_frozen_layers_stay() {
    let fixture = fixture();
    let plan = &fixture.plan;
    let second = plan.layer_index("batch_normalization_1").expect("a layer");
    let (_, _, stats) = kernel_step(&fixture, &plan.clone().with_frozen_layers(second), false);
    // Mean and variance of the first batch norm, then of the second.
    assert_eq!(stats[..10], fixture.parameters.running_stats[..10]);
    assert!(stats[10..20] != fixture.parameters.running_stats[10..20]);
}

#[test]
fn layer_index_finds_inner_layers() {
    let plan = fixture().plan;
    for (name, index) in [
        ("conv2d", Some(0)),
        ("residual", Some(4)),
        ("conv2d_3", Some(4)),
        ("dense_1", Some(9)),
        ("dense_2", None),
    ] {
        assert_eq!(plan.layer_index(name), index, "{name}");
    }
}
