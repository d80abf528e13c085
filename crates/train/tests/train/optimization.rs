//! Optimizers, soft targets, clipping, averaged weights, early stopping and frozen layers.

use candle_core::Device;
use modiste_core::Rng;
use modiste_dataset::{Batches, Dataset};
use modiste_kernels::global_norm;
use modiste_metrics::{EpochMetrics, best_epoch};
use modiste_model::{Network, Targets};
use modiste_train::{
    Checkpoint, ClassWeights, Compute, EngineKind, Event, FitResult, Next, Optimizer,
    OptimizerStep, ParameterGroup, TrainConfig, TrainData, engine, evaluate, fit, resume,
};

use crate::networks::{data, small};

fn engines() -> [EngineKind; 2] {
    [EngineKind::Kernels, EngineKind::Candle(Device::Cpu)]
}

fn train_data(data: &Dataset) -> TrainData<'_> {
    TrainData {
        train: &data.train,
        validation: &data.test,
        cutouts: None,
        pictures: None,
    }
}

fn train(
    network: &mut Network,
    data: &Dataset,
    config: &TrainConfig,
    kind: &EngineKind,
    on_event: &mut dyn FnMut(&Event<'_>) -> Next,
) -> FitResult {
    let compute = Compute::default().with(kind.clone());
    fit(network, train_data(data), config, &compute, on_event).expect("trained")
}

/// Every setting that changes the loss or the update.
fn everything() -> TrainConfig {
    TrainConfig {
        epochs: 3,
        batch_size: 16,
        learning_rate: 0.004,
        optimizer: Optimizer::adamw(0.05),
        label_smoothing: 0.1,
        class_weights: ClassWeights::Balanced,
        clip_norm: Some(1.0),
        ema_decay: Some(0.9),
        patience: Some(2),
        frozen_layers: 1,
        pretrained_layers: 2,
        pretrained_rate: 0.5,
        horizontal_flip: true,
        ..TrainConfig::default()
    }
}

#[test]
fn engines_learn_alike_with_every_setting() {
    let data = data(64, 32);
    let history = engines().map(|kind| {
        train(&mut small(), &data, &everything(), &kind, &mut |_| {
            Next::Continue
        })
        .history
    });
    assert_eq!(history[0].len(), 3);
    for (kernels, candle) in history[0].iter().zip(&history[1]) {
        assert!(
            (kernels.loss - candle.loss).abs() < 5e-3,
            "{kernels:?} {candle:?}"
        );
        assert!(
            (kernels.val_loss - candle.val_loss).abs() < 2e-2,
            "{kernels:?} {candle:?}"
        );
    }
}

#[test]
fn soft_targets_have_alike_gradients_on_both_engines() {
    let images = data(6, 1).train;
    let network = small();
    let plan = network.architecture.plan().expect("valid");
    let mut rng = Rng::new(3);
    let offsets: Vec<f32> = (0..60).map(|_| rng.uniform() as f32).collect();
    let soft: Vec<f32> = (0..60).map(|_| rng.uniform() as f32).collect();
    let mut batches = Batches::in_order(&images, 6);
    let batch = batches
        .next_batch()
        .expect("in memory")
        .expect("six images");
    let targets = Targets {
        labels: batch.labels,
        soft: Some(&soft),
        offsets: Some(&offsets),
    };
    let results = engines().map(|kind| {
        let compute = Compute::default().with(kind);
        let mut engine = engine(&compute, &plan, &network.parameters, 6).expect("an engine");
        let metrics = engine.gradients_of(batch.images, targets, &mut Rng::new(1));
        let loss = metrics.expect("computed").loss;
        (loss, engine.gradient_buffer().expect("gradients").to_vec())
    });
    let [(loss, gradients), (other_loss, others)] = results;
    assert!(
        (loss - other_loss).abs() < 1e-4 * loss,
        "{loss} {other_loss}"
    );
    let differences: Vec<f32> = gradients.iter().zip(&others).map(|(a, b)| a - b).collect();
    assert!(global_norm(&differences) < 1e-3 * global_norm(&gradients));
    // The mean weight of the rows is 5.
    assert!(loss > 5.0, "{loss}");
}

/// All checkpoints of a run, those at the ends of epochs included, and its end.
fn checkpoints(
    data: &Dataset,
    config: &TrainConfig,
    kind: &EngineKind,
) -> (Vec<Checkpoint>, FitResult, Network) {
    let mut network = small();
    let mut checkpoints = Vec::new();
    let result = train(&mut network, data, config, kind, &mut |event| {
        if let Event::Checkpoint(checkpoint) | Event::Epoch(_, checkpoint) = event {
            checkpoints.push((*checkpoint).clone());
        }
        Next::Checkpoint
    });
    (checkpoints, result, network)
}

fn without_seconds(history: &[EpochMetrics]) -> Vec<EpochMetrics> {
    let reset = |epoch: &EpochMetrics| EpochMetrics {
        seconds: 0.0,
        ..*epoch
    };
    history.iter().map(reset).collect()
}

#[test]
fn resume_with_every_setting_is_bit_identical() {
    let data = data(40, 10);
    // Candle takes longer and shares all of this but the engine.
    for (kind, stride) in engines().into_iter().zip([1, 5]) {
        let (all, end, expected) = checkpoints(&data, &everything(), &kind);
        // Three steps per epoch, and its end.
        assert_eq!(all.len(), 4 * end.history.len());
        for checkpoint in all.into_iter().step_by(stride) {
            let position = checkpoint.position;
            let checkpoint = Checkpoint::from_bytes(&checkpoint.to_bytes()).expect("its bytes");
            let mut network = small();
            let compute = Compute::default().with(kind.clone());
            let result = resume(
                &mut network,
                checkpoint,
                train_data(&data),
                &compute,
                &mut |_| Next::Continue,
            )
            .expect("resumed");
            assert_eq!(
                without_seconds(&result.history),
                without_seconds(&end.history),
                "{position:?}"
            );
            assert_eq!(result.restored_epoch, end.restored_epoch);
            assert!(
                network == expected,
                "{kind:?}: other weights from {position:?}"
            );
        }
    }
}

#[test]
fn averaged_weights_are_validated_and_returned() {
    let data = data(64, 40);
    let config = TrainConfig {
        epochs: 2,
        batch_size: 8,
        ema_decay: Some(0.8),
        ..TrainConfig::default()
    };
    for kind in engines() {
        let (all, end, network) = checkpoints(&data, &config, &kind);
        let last = all.last().expect("the end");
        assert_ne!(last.averages.as_ref(), Some(&last.parameters));
        assert_eq!(last.averages.as_ref(), Some(&network.parameters));
        let compute = Compute::default().with(kind.clone());
        let evaluation = evaluate(&network, &data.test, false, &compute).expect("evaluated");
        assert_eq!(end.history[1].val_loss, evaluation.loss, "{kind:?}");
        // The averages do not influence the training.
        let plain = TrainConfig {
            ema_decay: None,
            ..config.clone()
        };
        let (others, ..) = checkpoints(&data, &plain, &kind);
        assert_eq!(
            others.last().expect("the end").parameters,
            last.parameters,
            "{kind:?}"
        );
        // The first averages, with a decay of 2 / 11.
        let [before, after] = [&small().parameters, &all[0].parameters];
        let average = &all[0].averages.as_ref().expect("averages").trainable;
        let values = before.trainable.iter().zip(&after.trainable);
        for ((before, after), average) in values.zip(average) {
            let expected = before + (after - before) * (9.0 / 11.0);
            assert!((average - expected).abs() <= 1e-6 * expected.abs().max(0.1));
        }
    }
}

#[test]
fn early_stopping_restores_the_best_epoch() {
    let data = data(40, 20);
    let config = TrainConfig {
        epochs: 40,
        batch_size: 10,
        learning_rate: 0.05,
        patience: Some(3),
        ..TrainConfig::default()
    };
    let mut parameters = Vec::new();
    let mut network = small();
    let result = train(
        &mut network,
        &data,
        &config,
        &EngineKind::Kernels,
        &mut |event| {
            if let Event::Epoch(_, checkpoint) = event {
                parameters.push(checkpoint.parameters.clone());
            }
            Next::Continue
        },
    );
    let best = best_epoch(&result.history).expect("epochs").epoch;
    assert_eq!(result.history.len(), best + 3, "{:?}", result.history);
    assert!(!result.stopped && result.restored_epoch == Some(best));
    assert_eq!(network.parameters, parameters[best - 1]);
    // Patience does not influence the epochs before.
    let plain = TrainConfig {
        epochs: result.history.len(),
        patience: None,
        ..config.clone()
    };
    let mut other = small();
    let plain = train(&mut other, &data, &plain, &EngineKind::Kernels, &mut |_| {
        Next::Continue
    });
    assert_eq!(
        without_seconds(&plain.history),
        without_seconds(&result.history)
    );
    assert!(other.parameters == parameters[best + 2] && plain.restored_epoch.is_none());
    // A callback that stops the run leaves the weights of the last step.
    let stopped = train(
        &mut other,
        &data,
        &config,
        &EngineKind::Kernels,
        &mut |event| match event {
            Event::Epoch(..) => Next::Stop,
            _ => Next::Continue,
        },
    );
    assert!(stopped.stopped && stopped.restored_epoch.is_none());
}

#[test]
fn frozen_layers_keep_their_weights() {
    let data = data(30, 10);
    let config = TrainConfig {
        epochs: 1,
        batch_size: 10,
        frozen_layers: 4,
        optimizer: Optimizer::adamw(0.1),
        ..TrainConfig::default()
    };
    for kind in engines() {
        let mut network = small();
        let before = network.parameters.clone();
        let end = network.architecture.plan().expect("valid");
        let end = end.trainable_before(4).end;
        train(&mut network, &data, &config, &kind, &mut |_| Next::Continue);
        let after = &network.parameters;
        assert_eq!(before.trainable[..end], after.trainable[..end], "{kind:?}");
        // The only batch norm is frozen.
        assert_eq!(before.running_stats, after.running_stats, "{kind:?}");
        let changed = before.trainable[end..].iter().zip(&after.trainable[end..]);
        let changed = changed.filter(|(before, after)| before != after).count();
        assert!(changed > (before.trainable.len() - end) / 2, "{kind:?}");
    }
}

#[test]
fn rejects_frozen_network_and_wrong_number_of_class_weights() {
    let data = data(10, 10);
    let message = |config: TrainConfig| {
        let compute = Compute::default();
        let result = fit(
            &mut small(),
            train_data(&data),
            &config,
            &compute,
            &mut |_| Next::Continue,
        );
        result.expect_err("rejected").to_string()
    };
    let frozen = |frozen_layers| TrainConfig {
        frozen_layers,
        ..TrainConfig::default()
    };
    assert_eq!(
        message(frozen(9)),
        "9 layers are frozen, but the network has only 9"
    );
    let weights = TrainConfig {
        class_weights: ClassWeights::List(vec![1.0; 3]),
        ..TrainConfig::default()
    };
    assert_eq!(
        message(weights),
        "there are 3 class weights, but the network has 10 classes"
    );
}

#[test]
fn groups_scale_the_learning_rate() {
    let network = small();
    let plan = network.architecture.plan().expect("valid");
    let images = data(8, 1).train;
    let (split, len) = (plan.trainable_before(4).end, plan.trainable_len());
    let group = |range, rate_factor| ParameterGroup { range, rate_factor };
    for optimizer in [Optimizer::default(), Optimizer::adamw(0.01)] {
        for kind in engines() {
            let after = |groups: &[ParameterGroup], learning_rate| {
                let compute = Compute::default().with(kind.clone());
                let mut engine =
                    engine(&compute, &plan, &network.parameters, 8).expect("an engine");
                let mut batches = Batches::in_order(&images, 8);
                let batch = batches
                    .next_batch()
                    .expect("in memory")
                    .expect("eight images");
                engine
                    .gradients(&batch, &mut Rng::new(1))
                    .expect("computed");
                let step = OptimizerStep {
                    optimizer,
                    learning_rate,
                };
                engine.update_groups(&step, groups).expect("updated");
                engine.parameters().expect("parameters").trainable
            };
            let both = after(&[group(0..split, 0.5), group(split..len, 1.0)], 0.02);
            let half = after(&[group(0..len, 1.0)], 0.01);
            let whole = after(&[group(0..len, 1.0)], 0.02);
            assert_eq!(both[..split], half[..split]);
            assert_eq!(both[split..], whole[split..]);
            assert_ne!(half[..split], whole[..split]);
        }
    }
}
