use candle_core::Device;
use modiste_core::ImageShape;
use modiste_dataset::{Dataset, Images};
use modiste_model::{Layer, Network};
use modiste_train::{
    Augmentation, Checkpoint, Compute, EngineKind, Event, FitResult, Next, Optimizer, TrainConfig,
    TrainData, TrainError, evaluate, fit, resume,
};

use crate::networks::{data, small};

fn train(
    network: &mut Network,
    data: &Dataset,
    config: &TrainConfig,
    engine: EngineKind,
    on_event: &mut dyn FnMut(&Event<'_>) -> Next,
) -> Result<FitResult, TrainError> {
    fit(
        network,
        TrainData {
            train: &data.train,
            validation: &data.test,
            cutouts: None,
            pictures: None,
        },
        config,
        &Compute::default().with(engine.clone()),
        on_event,
    )
}

fn ignore_event(_: &Event<'_>) -> Next {
    Next::Continue
}

#[test]
#[ignore = "slow; cargo xtask test --all runs it"]
fn overfits_eight_images() {
    for engine in [EngineKind::Kernels, EngineKind::Candle(Device::Cpu)] {
        let mut data = data(8, 8);
        data.test = data.train.clone();
        let mut network = small();
        let config = TrainConfig {
            // Enough steps for the running statistics, whose momentum is 0.99.
            epochs: 400,
            batch_size: 8,
            learning_rate: 0.02,
            ..TrainConfig::default()
        };
        let result = train(
            &mut network,
            &data,
            &config,
            engine.clone(),
            &mut ignore_event,
        )
        .expect("trained");
        let losses: Vec<f64> = result.history.iter().map(|epoch| epoch.loss).collect();
        assert!(losses[399] < 0.1 * losses[0], "{engine:?}: {losses:?}");
        let result = evaluate(
            &network,
            &data.train,
            false,
            &Compute::default().with(engine.clone()),
        )
        .expect("evaluated");
        assert_eq!(result.accuracy, 1.0, "{engine:?}");
    }
}

#[test]
fn same_seed_gives_same_bytes() {
    let data = data(70, 20);
    let bytes = |threads: usize, seed: u64, augmentation: Option<Augmentation>| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads start").install(|| {
            let mut network = small();
            let config = TrainConfig {
                epochs: 2,
                batch_size: 16,
                seed,
                horizontal_flip: true,
                augmentation,
                ..TrainConfig::default()
            };
            train(
                &mut network,
                &data,
                &config,
                EngineKind::Kernels,
                &mut ignore_event,
            )
            .expect("trained");
            network.to_bytes().expect("bytes")
        })
    };
    let plain = bytes(1, 1, None);
    let photos = || Some(Augmentation::clothes());
    assert!(
        plain != bytes(1, 1, photos()),
        "augmentation changed nothing"
    );
    let strong = Some(Augmentation::strong(data.train.shape()));
    for augmentation in [None, photos(), strong] {
        let bytes = |threads, seed| bytes(threads, seed, augmentation.clone());
        let once = bytes(1, 1);
        assert!(once == bytes(1, 1), "the same run gave other bytes");
        assert!(once == bytes(2, 1), "2 threads gave other bytes");
        assert!(once == bytes(3, 1), "3 threads gave other bytes");
        assert!(once != bytes(1, 2), "another seed gave the same bytes");
    }
}

#[test]
fn augmentation_rejects_color_images() {
    let (gray, color) = (data(8, 8), ImageShape::new(4, 4, 3));
    let color = Images::new(color, vec![1; 48], vec![0]).expect("one image");
    let config = TrainConfig {
        augmentation: Some(Augmentation::clothes()),
        ..TrainConfig::default()
    };
    let data = TrainData {
        train: &gray.train,
        validation: &gray.test,
        cutouts: None,
        pictures: Some(&color),
    };
    let result = fit(
        &mut small(),
        data,
        &config,
        &Compute::default(),
        &mut ignore_event,
    );
    let message = result.expect_err("color images").to_string();
    assert!(
        message.contains("the pictures have 3 channels"),
        "{message}"
    );
}

#[test]
fn engines_learn_alike() {
    let data = data(64, 32);
    let history = |engine: EngineKind| {
        let config = TrainConfig {
            epochs: 2,
            batch_size: 16,
            optimizer: Optimizer::Sgd {
                momentum: 0.9,
                nesterov: true,
                weight_decay: 0.01,
            },
            schedule: "one-cycle".parse().expect("a schedule"),
            ..TrainConfig::default()
        };
        let result = train(
            &mut small(),
            &data,
            &config,
            engine.clone(),
            &mut ignore_event,
        )
        .expect("trained");
        result.history
    };
    let (kernels, candle) = (
        history(EngineKind::Kernels),
        history(EngineKind::Candle(Device::Cpu)),
    );
    assert_eq!(kernels.len(), 2);
    for (kernels, candle) in kernels.iter().zip(candle) {
        assert!(
            (kernels.loss - candle.loss).abs() < 2e-3,
            "{kernels:?} {candle:?}"
        );
        assert!(
            (kernels.val_loss - candle.val_loss).abs() < 2e-2,
            "{kernels:?} {candle:?}"
        );
    }
}

#[test]
fn events_are_ordered_and_can_stop() {
    let data = data(50, 20);
    let config = TrainConfig {
        epochs: 3,
        batch_size: 20,
        ..TrainConfig::default()
    };
    let mut seen = Vec::new();
    let mut network = small();
    let before = network.parameters.clone();
    let mut stop_in_second_epoch = |event: &Event<'_>| {
        let (text, stop) = match event {
            Event::Started {
                engine,
                steps,
                images,
                ..
            } => (format!("{engine} {steps} {images}"), false),
            Event::Step {
                epoch,
                step,
                images,
                ..
            } => (
                format!("{epoch}.{step} {images}"),
                (*epoch, *step) == (2, 2),
            ),
            Event::Checkpoint(checkpoint) => (
                format!("checkpoint {}", checkpoint.position.steps_done),
                false,
            ),
            Event::Epoch(summary, _) => (format!("epoch {}", summary.epoch), false),
            _ => (String::new(), false),
        };
        seen.push(text);
        if stop { Next::Stop } else { Next::Continue }
    };
    let result = train(
        &mut network,
        &data,
        &config,
        EngineKind::Kernels,
        &mut stop_in_second_epoch,
    )
    .expect("stopped");
    assert_eq!(
        seen,
        [
            "kernels 3 50",
            "1.1 20",
            "1.2 40",
            "1.3 50",
            "epoch 1",
            "2.1 20",
            "2.2 40",
            "checkpoint 2"
        ]
    );
    assert!(result.stopped && result.history.len() == 1);
    assert_ne!(
        network.parameters, before,
        "the network has the weights of the last step"
    );
}

/// All checkpoints of a run, including those at the ends of epochs, and the bytes of the final network.
fn checkpoints(
    data: &Dataset,
    config: &TrainConfig,
    engine: EngineKind,
) -> (Vec<Checkpoint>, Vec<u8>) {
    let mut network = small();
    let mut checkpoints = Vec::new();
    train(&mut network, data, config, engine, &mut |event| {
        match event {
            Event::Checkpoint(checkpoint) | Event::Epoch(_, checkpoint) => {
                checkpoints.push((*checkpoint).clone());
            }
            _ => {}
        }
        Next::Checkpoint
    })
    .expect("trained");
    (checkpoints, network.to_bytes().expect("bytes"))
}

#[test]
fn resume_is_bit_identical() {
    let data = data(70, 20);
    for (engine, augmentation) in [
        (EngineKind::Kernels, Some(Augmentation::clothes())),
        (
            EngineKind::Kernels,
            Some(Augmentation::strong(data.train.shape())),
        ),
        (EngineKind::Candle(Device::Cpu), None),
    ] {
        let config = TrainConfig {
            epochs: 2,
            batch_size: 16,
            horizontal_flip: true,
            augmentation,
            schedule: "one-cycle".parse().expect("a schedule"),
            optimizer: Optimizer::Sgd {
                momentum: 0.9,
                nesterov: true,
                weight_decay: 1e-3,
            },
            ..TrainConfig::default()
        };
        let (all, expected) = checkpoints(&data, &config, engine.clone());
        let without_seconds = |history: &[modiste_metrics::EpochMetrics]| -> Vec<_> {
            let reset = |epoch: &modiste_metrics::EpochMetrics| modiste_metrics::EpochMetrics {
                seconds: 0.0,
                ..*epoch
            };
            history.iter().map(reset).collect()
        };
        let history = without_seconds(&all.last().expect("the end").history);
        // Two epochs of five steps and an end.
        assert_eq!(all.len(), 12);
        for checkpoint in all {
            let mut network = small();
            let position = checkpoint.position;
            let checkpoint = Checkpoint::from_bytes(&checkpoint.to_bytes()).expect("its bytes");
            let data = TrainData {
                train: &data.train,
                validation: &data.test,
                cutouts: None,
                pictures: None,
            };
            let compute = Compute::default().with(engine.clone());
            let result = resume(&mut network, checkpoint, data, &compute, &mut ignore_event);
            let result = result.expect("resumed");
            assert_eq!(without_seconds(&result.history), history, "{position:?}");
            let bytes = network.to_bytes().expect("bytes");
            assert!(
                bytes == expected,
                "{engine:?}: other bytes from {position:?}"
            );
        }
    }
}

#[test]
fn rejects_foreign_checkpoint() {
    let images = data(70, 20);
    let config = TrainConfig {
        epochs: 1,
        batch_size: 40,
        ..TrainConfig::default()
    };
    let (all, _) = checkpoints(&images, &config, EngineKind::Kernels);
    let resume_error = |network: &mut Network, data: &Dataset, checkpoint: &Checkpoint| {
        let data = TrainData {
            train: &data.train,
            validation: &data.test,
            cutouts: None,
            pictures: None,
        };
        let compute = Compute::default();
        let result = resume(
            network,
            checkpoint.clone(),
            data,
            &compute,
            &mut ignore_event,
        );
        result.expect_err("rejected").to_string()
    };
    let message = resume_error(&mut small(), &data(60, 20), &all[0]);
    assert!(
        message.contains("a run on 70 training images, but there are 60"),
        "{message}"
    );
    let mut other = small();
    other.architecture.layers.remove(1);
    let message = resume_error(&mut other, &images, &all[0]);
    assert!(
        message.contains("and 12 running statistics, but the network has"),
        "{message}"
    );
    let mut odd = all[0].clone();
    odd.position.epochs_done = 1;
    let message = resume_error(&mut small(), &images, &odd);
    assert!(
        message.contains("its history has 0 epochs, but 1 of 1 are done"),
        "{message}"
    );
}

#[test]
fn divergence_keeps_initial_weights() {
    for engine in [EngineKind::Kernels, EngineKind::Candle(Device::Cpu)] {
        let mut network = small();
        let config = TrainConfig {
            epochs: 5,
            batch_size: 10,
            learning_rate: 1e8,
            ..TrainConfig::default()
        };
        let before = network.parameters.clone();
        let result = train(
            &mut network,
            &data(40, 10),
            &config,
            engine.clone(),
            &mut ignore_event,
        );
        let error = result.expect_err("diverged");
        let message = error.to_string();
        for expected in [
            "training diverged: ",
            " in epoch 1 at step ",
            "of 4, with learning rate 100000000 and momentum 0.9",
        ] {
            assert!(message.contains(expected), "{message}");
        }
        assert!(
            matches!(error, TrainError::Diverged { epochs_done: 0, .. }),
            "{error:?}"
        );
        assert!(
            network.parameters == before,
            "the weights must not change without a complete epoch"
        );
    }
}

#[test]
fn divergence_keeps_last_complete_epoch() {
    let mut network = small();
    let config = TrainConfig {
        epochs: 5,
        batch_size: 10,
        learning_rate: 1e5,
        // The second epoch starts at the fifth step.
        schedule: "piecewise:0=0.0000001,4=1000".parse().expect("a schedule"),
        ..TrainConfig::default()
    };
    let mut good = None;
    let result = train(
        &mut network,
        &data(40, 10),
        &config,
        EngineKind::Kernels,
        &mut |event| {
            if let Event::Epoch(_, checkpoint) = event {
                good = Some(checkpoint.parameters.clone());
            }
            Next::Continue
        },
    );
    let error = result.expect_err("diverged");
    assert!(
        matches!(
            error,
            TrainError::Diverged {
                epoch: 2,
                epochs_done: 1,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(Some(network.parameters), good);
}

#[test]
fn validation_matches_evaluation() {
    // 230 images are two full inference batches and a partial one.
    let images = data(64, 230);
    for engine in [EngineKind::Kernels, EngineKind::Candle(Device::Cpu)] {
        for (batch_size, learning_rate) in [(7, 0.01), (64, 1.0)] {
            let mut network = small();
            let config = TrainConfig {
                epochs: 1,
                batch_size,
                learning_rate,
                ..TrainConfig::default()
            };
            let result = train(
                &mut network,
                &images,
                &config,
                engine.clone(),
                &mut ignore_event,
            );
            let epoch = result.expect("trained").history[0];
            let compute = Compute::default().with(engine.clone());
            let result = evaluate(&network, &images.test, false, &compute).expect("evaluated");
            assert_eq!(
                (epoch.val_loss, epoch.val_accuracy),
                (result.loss, result.accuracy),
                "{engine:?}, {batch_size} images a step"
            );
        }
    }
}

#[test]
fn rejects_mismatched_data() {
    #[track_caller]
    fn check(network: &mut Network, data: &Dataset, expected: &str) {
        let result = train(
            network,
            data,
            &TrainConfig::default(),
            EngineKind::Kernels,
            &mut ignore_event,
        );
        let message = result.expect_err("rejected").to_string();
        assert!(message.contains(expected), "{message}");
    }
    let color = ImageShape::new(32, 32, 3);
    let mut other = data(2, 2);
    other.train = Images::new(color, vec![0; 2 * color.size()], vec![0, 1]).expect("two images");
    check(&mut small(), &other, "the network takes 28x28x1 images");
    let mut network = small();
    network.metadata.classes.pop();
    check(
        &mut network,
        &data(2, 2),
        "the network has 10 classes, but the data has 9",
    );
    check(&mut small(), &data(0, 2), "there are no images");
    let mut network = small();
    network.architecture.layers.push(Layer::max_pool2d(2));
    check(&mut network, &data(2, 2), "layer 10 `max_pooling2d_2`");
}
