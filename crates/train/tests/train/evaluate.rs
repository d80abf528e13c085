use modiste_train::{Compute, EngineChoice, evaluate};

use crate::networks::{data, small};

#[test]
fn counts_every_image_once_and_both_engines_agree() {
    let images = data(1, 230).test;
    let result =
        |engine| evaluate(&small(), &images, &Compute::default().with(engine)).expect("evaluated");
    let (kernels, candle) = (result(EngineChoice::Kernels), result(EngineChoice::Candle));
    assert_eq!(kernels.images, 230);
    for (class, count) in kernels.per_class.iter().enumerate() {
        let expected = images
            .labels()
            .iter()
            .filter(|&&label| usize::from(label) == class);
        assert_eq!(count.images, expected.count(), "class {class}");
    }
    let correct: usize = kernels.per_class.iter().map(|count| count.correct).sum();
    assert!((kernels.accuracy - correct as f64 / 230.0).abs() < 1e-12);
    assert!((kernels.loss - candle.loss).abs() < 1e-4);
    assert_eq!(kernels.per_class, candle.per_class);
}

#[test]
fn no_images_are_no_accuracy() {
    let none = data(1, 0).test;
    let refused = evaluate(&small(), &none, &Compute::default());
    assert_eq!(
        refused.expect_err("refused").to_string(),
        "there is no image"
    );
}
