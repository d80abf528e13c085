//! The model that is built in.

use image::ImageFormat;
use modiste_core::Rng;
use modiste_dataset::fashion_mnist_mini;
use modiste_infer::{Classifier, Error, Prediction, Preprocessing, embedded_network, is_unsure};
use modiste_model::Precision;

use crate::photo::{Scene, photo};
use crate::samples::encoded;

#[test]
fn the_shipped_file_is_small_and_says_what_it_is() {
    let network = embedded_network();
    assert_eq!(network.precision, Precision::F16);
    assert_eq!(network.metadata.dataset, "fashion-mnist");
    assert_eq!(network.metadata.training["recipe"], "photos");
    let calibrated = network.metadata.temperature;
    assert!(
        (0.5..2.0).contains(&calibrated) && calibrated != 1.0,
        "{calibrated}"
    );
    let bytes = network.to_bytes().expect("a network");
    assert!(bytes.len() < 4_000_000, "{} bytes", bytes.len());
    let classifier = Classifier::embedded();
    assert_eq!(*classifier.preprocessing(), Preprocessing::fashion());
}

/// Garments of five classes that nobody would mistake, made into photos of every scene.
#[test]
fn five_made_up_photos_get_their_class() {
    let test = fashion_mnist_mini().test;
    let mut classifier = Classifier::embedded();
    for (class, name, scene) in [
        (0, "T-shirt/top", Scene::Product),
        (1, "Trouser", Scene::Home),
        (3, "Dress", Scene::Product),
        (8, "Bag", Scene::Wild),
        (9, "Ankle boot", Scene::Home),
    ] {
        let index = test.labels().iter().position(|&label| label == class);
        let garment = test.image(index.expect("every class is there"));
        let photo = photo(garment, scene, &mut Rng::new(u64::from(class)));
        let ranked = classifier
            .classify(&encoded(photo, ImageFormat::Png))
            .expect("a photo");
        assert_eq!(ranked[0].class, name, "{ranked:?}");
        assert!(!is_unsure(&ranked), "{ranked:?}");
    }
}

#[test]
fn an_answer_is_a_guess_below_a_half() {
    let answer = |probability| {
        is_unsure(&[Prediction {
            class: "Bag".into(),
            index: 8,
            probability,
        }])
    };
    assert!(answer(0.499) && !answer(0.5) && answer(f32::NAN));
}

#[test]
fn names_that_are_not_as_many_as_the_classes_are_refused() {
    let mut network = embedded_network();
    network.metadata.classes.pop();
    let error = Classifier::new(network).unwrap_err().to_string();
    assert!(error.contains("names 9 classes and tells 10"), "{error}");
}

#[test]
fn it_knows_the_test_images_of_its_data() {
    let test = fashion_mnist_mini().test;
    let mut classifier = Classifier::embedded();
    let right = (0..test.len())
        .filter(|&index| {
            let ranked = classifier.classify_pixels(test.image(index));
            ranked[0].index == usize::from(test.labels()[index])
        })
        .count();
    // The file has 93.5 % or more of all 10,000.
    assert!(right >= 920, "{right} of {}", test.len());
}

#[test]
fn many_photos_are_answered_as_one_by_one() {
    let test = fashion_mnist_mini().test;
    let mut classifier = Classifier::embedded();
    let mut photos: Vec<Vec<u8>> = (0..5)
        .map(|index| {
            let photo = photo(test.image(index), Scene::Wild, &mut Rng::new(index as u64));
            encoded(photo, ImageFormat::Jpeg)
        })
        .collect();
    photos.insert(2, b"no picture".to_vec());
    let answers = classifier.classify_many(&photos);
    assert_eq!(answers.len(), 6);
    for (index, answer) in answers.iter().enumerate() {
        assert_eq!(
            *answer,
            classifier.classify(&photos[index]),
            "photo {index}"
        );
    }
    assert!(matches!(
        answers[2],
        Err(Error::Imaging(
            modiste_imaging::Error::UnsupportedFormat { .. }
        ))
    ));
}
