use modiste_dataset::Images;
use modiste_model::count_correct;
use modiste_train::{Compute, EngineChoice, evaluate, fit_temperature};

use crate::networks::{data, small};

#[test]
fn counts_every_image_once_and_both_engines_agree() {
    let images = data(1, 230).test;
    let result = |engine| {
        evaluate(&small(), &images, false, &Compute::default().with(engine)).expect("evaluated")
    };
    let (kernels, candle) = (result(EngineChoice::Kernels), result(EngineChoice::Candle));
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
    let (once, mirrored) = (result(&images, false), result(&images.mirrored(), false));
    assert_ne!(once.loss, mirrored.loss);
    let both = result(&images, true);
    // The sum of two numbers does not hang on their order.
    assert_eq!(both, result(&images.mirrored(), true));
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
