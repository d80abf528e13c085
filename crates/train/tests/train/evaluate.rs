use candle_core::Device;
use modiste_dataset::Images;
use modiste_metrics::count_correct;
use modiste_model::Network;
use modiste_train::{Compute, EngineKind, evaluate, fit_temperature};

use crate::networks::{data, small};

#[test]
fn engines_agree() {
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
fn tta_flip_is_symmetric() {
    let images = data(1, 50).test;
    let result = |images: &Images, tta_flip| {
        evaluate(&small(), images, tta_flip, &Compute::default()).expect("evaluated")
    };
    let (once, mirrored) = (
        result(&images, false),
        result(&images.flipped_horizontally().expect("in memory"), false),
    );
    assert_ne!(once.loss, mirrored.loss);
    let both = result(&images, true);
    // Addition is commutative.
    assert_eq!(
        both,
        result(&images.flipped_horizontally().expect("in memory"), true)
    );
    // The logarithm is concave: the loss of the mean is at most the mean of the losses.
    assert!(both.loss <= f64::midpoint(once.loss, mirrored.loss) + 1e-9);
}

#[test]
fn fitted_temperature_minimizes_loss() {
    let images = data(1, 300).test;
    let loss = |temperature: f32| {
        let mut network = small();
        network.metadata.temperature = temperature;
        evaluate(&network, &images, false, &Compute::default()).expect("evaluated")
    };
    let best = fit_temperature(&small(), &images, false, &Compute::default()).expect("fitted");
    let fitted = loss(best);
    for other in [0.9 * best, 1.1 * best, 1.0] {
        assert!(fitted.loss <= loss(other).loss + 1e-7, "{best} and {other}");
    }
    assert_eq!(fitted.correct, loss(1.0).correct);
}

#[test]
fn rejects_empty_set() {
    let none = data(1, 0).test;
    let result = evaluate(&small(), &none, false, &Compute::default());
    assert_eq!(
        result.expect_err("rejected").to_string(),
        "there are no images"
    );
}

/// A network with constant logits.
fn constant(logits: [f32; 10]) -> Network {
    let mut network = small();
    let plan = network.architecture.plan().expect("valid network");
    for variable in &plan.variables {
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
fn loss_is_exact_for_huge_logits() {
    let images = data(1, 30).test;
    let loss = |network: &Network, tta_flip| {
        let result = evaluate(network, &images, tta_flip, &Compute::default()).expect("evaluated");
        assert!(result.probabilities.iter().all(|p| p.is_finite()));
        result.loss
    };
    // The probabilities of all other classes underflow in f32.
    let labels = images.labels().iter();
    let wrong = labels.filter(|label| **label != 3).count() as f64 / 30.0;
    assert!(wrong > 0.5, "{wrong}");
    for size in [1000.0, 1e30] {
        let mut logits = [0.0; 10];
        logits[3] = size;
        let mut network = constant(logits);
        for tta_flip in [false, true] {
            let loss = loss(&network, tta_flip);
            let expected = f64::from(size) * wrong;
            assert!((loss / expected - 1.0).abs() < 1e-12, "{loss} {expected}");
        }
        // The temperature divides the logits, and therefore the loss.
        network.metadata.temperature = 4.0;
        let expected = f64::from(size) / 4.0 * wrong;
        let loss = loss(&network, false);
        assert!((loss / expected - 1.0).abs() < 1e-12, "{loss} {expected}");
    }
}

#[test]
fn tta_flip_loss_matches_mean_probabilities() {
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
fn rejects_non_finite_logits() {
    let images = data(1, 30).test;
    let error = |network: &Network| {
        let result = evaluate(network, &images, false, &Compute::default());
        result.expect_err("rejected").to_string()
    };
    // Finite weights whose products overflow f32.
    let mut network = small();
    network.parameters.trainable.fill(1e38);
    let message = error(&network);
    assert!(
        message.contains("the network's output for image 0 is"),
        "{message}"
    );
    let mut network = constant([1e30; 10]);
    network.metadata.temperature = 1e-20;
    let message = error(&network);
    assert!(
        message.contains("output for image 0 is inf: its weights"),
        "{message}"
    );
}
