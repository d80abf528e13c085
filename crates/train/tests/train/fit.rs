use candle_core::Device;
use modiste_core::ImageShape;
use modiste_dataset::{Dataset, Images};
use modiste_model::{Layer, Network};
use modiste_train::{
    Augmentation, Checkpoint, Compute, EngineKind, Event, FitResult, Next, Optimizer, TrainConfig,
    TrainData, TrainError, Validation, evaluate, fit, resume,
};

use crate::networks::{data, small};

fn train(
    network: &mut Network,
    data: &Dataset,
    config: &TrainConfig,
    engine: EngineKind,
    on_event: &mut dyn FnMut(&Event<'_>) -> Next,
) -> Result<FitResult, TrainError> {
    let (train, validation) = Validation::Test.split(data, 1)?;
    fit(
        network,
        TrainData {
            train: &train,
            validation: &validation,
            pictures: None,
        },
        config,
        &Compute::default().with(engine.clone()),
        on_event,
    )
}

fn go_on(_: &Event<'_>) -> Next {
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
            // Long enough for batch norm's moving statistics, which keep 0.99 a step.
            epochs: 400,
            batch_size: 8,
            learning_rate: 0.02,
            ..TrainConfig::default()
        };
        let outcome =
            train(&mut network, &data, &config, engine.clone(), &mut go_on).expect("trained");
        let losses: Vec<f64> = outcome.history.iter().map(|epoch| epoch.loss).collect();
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
fn the_same_seed_gives_the_same_bytes_with_any_number_of_threads() {
    let data = data(70, 20);
    let bytes = |threads: usize, seed: u64, augmentation: Option<Augmentation>| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads start").install(|| {
            let mut network = small();
            let config = TrainConfig {
                epochs: 2,
                batch_size: 16,
                seed,
                mirror: true,
                augmentation,
                ..TrainConfig::default()
            };
            train(
                &mut network,
                &data,
                &config,
                EngineKind::Kernels,
                &mut go_on,
            )
            .expect("trained");
            network.to_bytes().expect("bytes")
        })
    };
    let plain = bytes(1, 1, None);
    let photos = || Some(Augmentation::photos());
    assert!(plain != bytes(1, 1, photos()), "nothing was varied");
    for augmentation in [None, photos()] {
        let bytes = |threads, seed| bytes(threads, seed, augmentation.clone());
        let once = bytes(1, 1);
        assert!(once == bytes(1, 1), "the same run gave other bytes");
        assert!(once == bytes(2, 1), "2 threads gave other bytes");
        assert!(once == bytes(3, 1), "3 threads gave other bytes");
        assert!(once != bytes(1, 2), "another seed gave the same bytes");
    }
}

#[test]
fn colours_cannot_be_varied() {
    let (gray, colours) = (data(8, 8), ImageShape::new(4, 4, 3));
    let colours = Images::new(colours, vec![1; 48], vec![0]).expect("one image");
    let config = TrainConfig {
        augmentation: Some(Augmentation::photos()),
        ..TrainConfig::default()
    };
    let data = TrainData {
        train: &gray.train,
        validation: &gray.test,
        pictures: Some(&colours),
    };
    let refused = fit(&mut small(), data, &config, &Compute::default(), &mut go_on);
    let message = refused.expect_err("colours").to_string();
    assert!(
        message.contains("the pictures have 3 channels"),
        "{message}"
    );
}

#[test]
fn both_engines_learn_the_same() {
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
        let outcome =
            train(&mut small(), &data, &config, engine.clone(), &mut go_on).expect("trained");
        outcome.history
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
fn events_come_in_order_and_may_stop_the_run() {
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
    let outcome = train(
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
    assert!(outcome.stopped && outcome.history.len() == 1);
    assert_ne!(
        network.parameters, before,
        "the weights of the last step are kept"
    );
}

/// Every checkpoint of a training, those of the epochs' ends included, and its final bytes.
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
fn a_training_goes_on_from_every_checkpoint_as_if_nothing_had_happened() {
    let data = data(70, 20);
    for (engine, augmentation) in [
        (EngineKind::Kernels, Some(Augmentation::photos())),
        (EngineKind::Candle(Device::Cpu), None),
    ] {
        let config = TrainConfig {
            epochs: 2,
            batch_size: 16,
            mirror: true,
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
        let seconds_aside = |history: &[modiste_metrics::EpochMetrics]| -> Vec<_> {
            let aside = |epoch: &modiste_metrics::EpochMetrics| modiste_metrics::EpochMetrics {
                seconds: 0.0,
                ..*epoch
            };
            history.iter().map(aside).collect()
        };
        let history = seconds_aside(&all.last().expect("the end").history);
        // Five steps and an end, twice.
        assert_eq!(all.len(), 12);
        for checkpoint in all {
            let mut network = small();
            let position = checkpoint.position;
            let checkpoint = Checkpoint::from_bytes(&checkpoint.to_bytes()).expect("its bytes");
            let data = TrainData {
                train: &data.train,
                validation: &data.test,
                pictures: None,
            };
            let compute = Compute::default().with(engine.clone());
            let outcome = resume(&mut network, checkpoint, data, &compute, &mut go_on);
            let outcome = outcome.expect("resumed");
            assert_eq!(seconds_aside(&outcome.history), history, "{position:?}");
            let bytes = network.to_bytes().expect("bytes");
            assert!(
                bytes == expected,
                "{engine:?}: other bytes from {position:?}"
            );
        }
    }
}

#[test]
fn a_checkpoint_of_something_else_is_refused() {
    let images = data(70, 20);
    let config = TrainConfig {
        epochs: 1,
        batch_size: 40,
        ..TrainConfig::default()
    };
    let (all, _) = checkpoints(&images, &config, EngineKind::Kernels);
    let refused = |network: &mut Network, data: &Dataset, checkpoint: &Checkpoint| {
        let data = TrainData {
            train: &data.train,
            validation: &data.test,
            pictures: None,
        };
        let compute = Compute::default();
        let refused = resume(network, checkpoint.clone(), data, &compute, &mut go_on);
        refused.expect_err("refused").to_string()
    };
    let message = refused(&mut small(), &data(60, 20), &all[0]);
    assert!(
        message.contains("a training on 70 images, and there are 60"),
        "{message}"
    );
    let mut other = small();
    other.architecture.layers.remove(1);
    let message = refused(&mut other, &images, &all[0]);
    assert!(
        message.contains("and 12 statistics, and this one has"),
        "{message}"
    );
    let mut odd = all[0].clone();
    odd.position.epochs_done = 1;
    let message = refused(&mut small(), &images, &odd);
    assert!(
        message.contains("a history of 0 epochs, 1 behind it"),
        "{message}"
    );
}

#[test]
fn a_diverging_run_stops_and_keeps_the_last_good_weights() {
    for engine in [EngineKind::Kernels, EngineKind::Candle(Device::Cpu)] {
        let mut network = small();
        let config = TrainConfig {
            epochs: 5,
            batch_size: 10,
            learning_rate: 1e8,
            ..TrainConfig::default()
        };
        let before = network.parameters.clone();
        let refused = train(
            &mut network,
            &data(40, 10),
            &config,
            engine.clone(),
            &mut go_on,
        );
        let error = refused.expect_err("diverged");
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
            "no epoch ended, and no weights changed"
        );
    }
}

#[test]
fn a_run_that_diverges_later_keeps_the_last_whole_epoch() {
    let mut network = small();
    let config = TrainConfig {
        epochs: 5,
        batch_size: 10,
        learning_rate: 1e5,
        // The second epoch begins with the fifth step.
        schedule: "piecewise:0=0.0000001,4=1000".parse().expect("a schedule"),
        ..TrainConfig::default()
    };
    let mut good = None;
    let refused = train(
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
    let error = refused.expect_err("diverged");
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
fn validation_and_evaluation_report_the_same_loss() {
    // 230 images: two whole batches and a part of one.
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
            let outcome = train(&mut network, &images, &config, engine.clone(), &mut go_on);
            let epoch = outcome.expect("trained").history[0];
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
fn data_of_another_shape_is_refused() {
    #[track_caller]
    fn check(network: &mut Network, data: &Dataset, expected: &str) {
        let refused = train(
            network,
            data,
            &TrainConfig::default(),
            EngineKind::Kernels,
            &mut go_on,
        );
        let message = refused.expect_err("refused").to_string();
        assert!(message.contains(expected), "{message}");
    }
    let colour = ImageShape::new(32, 32, 3);
    let mut other = data(2, 2);
    other.train = Images::new(colour, vec![0; 2 * colour.size()], vec![0, 1]).expect("two images");
    check(&mut small(), &other, "the network takes 28x28x1 images");
    let mut network = small();
    network.metadata.classes.pop();
    check(
        &mut network,
        &data(2, 2),
        "tells 10 classes apart, but the data has images of 9 classes",
    );
    check(&mut small(), &data(0, 2), "there is no image");
    let mut network = small();
    network.architecture.layers.push(Layer::max_pool2d(2));
    check(&mut network, &data(2, 2), "layer 10 `max_pooling2d_2`");
}
