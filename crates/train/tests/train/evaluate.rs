use candle_core::Device;
use modiste_dataset::Images;
use modiste_metrics::count_correct;
use modiste_model::Network;
use modiste_train::{Compute, EngineKind, evaluate, fit_temperature};

use crate::networks::{data, small};

#[test]
fn counts_every_image_once_and_both_engines_agree() {
    let images = data(1, 230).test;
    let result = |engine| {
        evaluate(&small(), &images, false, &Compute::default().with(engine)).expect("evaluated")
    };
    let (kernels, candle) = (
        result(EngineKind::Kernels),
        result(EngineKind::Candle(Device::Cpu)),
    );
    assert_eq!(kernels.images, 230);
    assert_eq!(kernels.probabilities.len(), 230 * 10);
    for row in kernels.probabilities.chunks(10) {
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{row:?}");
    }
    assert_eq!(
        kernels.correct,
        count_correct(&kernels.probabilities, images.labels(), 10)
    );
    assert!((kernels.accuracy - kernels.correct as f64 / 230.0).abs() < 1e-12);
    assert!((kernels.loss - candle.loss).abs() < 1e-4);
    assert_eq!(kernels.correct, candle.correct);
}

#[test]
fn with_flips_an_image_and_its_mirror_image_get_one_answer() {
    let images = data(1, 50).test;
    let result = |images: &Images, flips| {
        evaluate(&small(), images, flips, &Compute::default()).expect("evaluated")
    };
    let (once, mirrored) = (
        result(&images, false),
        result(&images.flipped_horizontally(), false),
    );
    assert_ne!(once.loss, mirrored.loss);
    let both = result(&images, true);
    // The sum of two numbers does not hang on their order.
    assert_eq!(both, result(&images.flipped_horizontally(), true));
    // The logarithm is concave: a mean of two answers loses less than the answers do in the mean.
    assert!(both.loss <= f64::midpoint(once.loss, mirrored.loss) + 1e-9);
}

#[test]
fn a_fitted_temperature_is_the_best_and_changes_no_answer() {
    let images = data(1, 300).test;
    let loss = |temperature: f32| {
        let mut network = small();
        network.metadata.temperature = temperature;
        evaluate(&network, &images, false, &Compute::default()).expect("evaluated")
    };
    let best = fit_temperature(&small(), &images, &Compute::default()).expect("fitted");
    let fitted = loss(best);
    for other in [0.9 * best, 1.1 * best, 1.0] {
        assert!(fitted.loss <= loss(other).loss + 1e-7, "{best} and {other}");
    }
    assert_eq!(fitted.correct, loss(1.0).correct);
}

#[test]
fn no_images_are_no_accuracy() {
    let none = data(1, 0).test;
    let refused = evaluate(&small(), &none, false, &Compute::default());
    assert_eq!(
        refused.expect_err("refused").to_string(),
        "there is no image"
    );
}

/// A network whose logits are its last biases, whatever the image.
fn constant(logits: [f32; 10]) -> Network {
    let mut network = small();
    let resolved = network.architecture.resolve().expect("a network");
    for variable in &resolved.variables {
        let values = network.parameters.values_mut(variable);
        match variable.name.as_str() {
            "dense_1/kernel" => values.fill(0.0),
            "dense_1/bias" => values.copy_from_slice(&logits),
            _ => {}
        }
    }
    network
}

#[test]
fn a_loss_is_as_large_as_the_logits_say() {
    let images = data(1, 30).test;
    let loss = |network: &Network, flips| {
        let result = evaluate(network, &images, flips, &Compute::default()).expect("evaluated");
        assert!(result.probabilities.iter().all(|p| p.is_finite()));
        result.loss
    };
    // What is not of the class has a probability that no f32 holds.
    let labels = images.labels().iter();
    let wrong = labels.filter(|label| **label != 3).count() as f64 / 30.0;
    assert!(wrong > 0.5, "{wrong}");
    for size in [1000.0, 1e30] {
        let mut logits = [0.0; 10];
        logits[3] = size;
        let mut network = constant(logits);
        for flips in [false, true] {
            let loss = loss(&network, flips);
            let expected = f64::from(size) * wrong;
            assert!((loss / expected - 1.0).abs() < 1e-12, "{loss} {expected}");
        }
        // The temperature divides the logits, and so this loss.
        network.metadata.temperature = 4.0;
        let expected = f64::from(size) / 4.0 * wrong;
        let loss = loss(&network, false);
        assert!((loss / expected - 1.0).abs() < 1e-12, "{loss} {expected}");
    }
}

#[test]
fn the_loss_of_flips_is_that_of_the_mean_probabilities() {
    let images = data(1, 50).test;
    let result = evaluate(&small(), &images, true, &Compute::default()).expect("evaluated");
    let rows = result.probabilities.chunks(10).zip(images.labels());
    let losses = rows.map(|(row, &label)| -f64::from(row[usize::from(label)]).ln());
    let expected = losses.sum::<f64>() / 50.0;
    assert!(
        (result.loss - expected).abs() < 1e-6,
        "{} {expected}",
        result.loss
    );
}

#[test]
fn an_answer_that_is_no_number_is_an_error() {
    let images = data(1, 30).test;
    let refused = |network: &Network| {
        let refused = evaluate(network, &images, false, &Compute::default());
        refused.expect_err("refused").to_string()
    };
    // Finite weights whose products are beyond f32.
    let mut network = small();
    network.parameters.trainable.fill(1e38);
    let message = refused(&network);
    assert!(
        message.contains("the network's output for image 0 is"),
        "{message}"
    );
    let mut network = constant([1e30; 10]);
    network.metadata.temperature = 1e-20;
    let message = refused(&network);
    assert!(
        message.contains("output for image 0 is inf: its weights"),
        "{message}"
    );
}
