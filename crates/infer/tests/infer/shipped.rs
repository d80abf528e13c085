//! Built-in model.

use image::ImageFormat;
use modiste_core::Rng;
use modiste_dataset::fashion_mnist_mini;
use modiste_infer::{Classifier, Error, Prediction, Preprocessing, embedded_network, is_unsure};
use modiste_model::Precision;

use crate::photo::{Scene, photo};
use crate::samples::encoded;

#[test]
fn built_in_model_has_metadata() {
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
    // Reading and writing keeps every byte, those of the preprocessing included.
    let file = include_bytes!("../../models/fashion-mnist.safetensors");
    assert!(bytes == file, "the file changes when it is written again");
    assert_eq!(
        network.metadata.preprocessing,
        Some(Preprocessing::fashion())
    );
    let classifier = Classifier::embedded();
    assert_eq!(*classifier.preprocessing(), Preprocessing::fashion());
}

/// Classifies synthetic photos of five distinctive garments, in every scene.
#[test]
fn classifies_synthetic_photos() {
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
        let garment = test.image(index.expect("an image of the class"));
        let garment = garment.expect("in memory");
        let photo = photo(&garment, scene, &mut Rng::new(u64::from(class)));
        let ranked = classifier
            .classify(&encoded(photo, ImageFormat::Png))
            .expect("a photo");
        assert_eq!(ranked[0].class, name, "{ranked:?}");
        assert!(!is_unsure(&ranked), "{ranked:?}");
    }
}

#[test]
fn unsure_below_one_half() {
    let unsure = |probability| {
        is_unsure(&[Prediction {
            class: "Bag".into(),
            index: 8,
            probability,
        }])
    };
    assert!(unsure(0.499) && !unsure(0.5) && unsure(f32::NAN));
}

#[test]
fn rejects_wrong_number_of_class_names() {
    let mut network = embedded_network();
    network.metadata.classes.pop();
    let error = Classifier::new(network).unwrap_err().to_string();
    assert!(error.contains("9 class names for 10 outputs"), "{error}");
}

#[test]
fn classifies_test_images() {
    let test = fashion_mnist_mini().test;
    let mut classifier = Classifier::embedded();
    let correct = (0..test.len())
        .filter(|&index| {
            let image = test.image(index).expect("in memory");
            let ranked = classifier.classify_pixels(&image);
            ranked[0].index == usize::from(test.labels()[index])
        })
        .count();
    // The accuracy on all 10,000 test images is at least 93.5 %.
    assert!(correct >= 920, "{correct} of {}", test.len());
}

#[test]
fn classify_many_equals_classify() {
    let test = fashion_mnist_mini().test;
    let mut classifier = Classifier::embedded();
    let mut photos: Vec<Vec<u8>> = (0..5)
        .map(|index| {
            let image = test.image(index).expect("in memory");
            let photo = photo(&image, Scene::Wild, &mut Rng::new(index as u64));
            encoded(photo, ImageFormat::Jpeg)
        })
        .collect();
    photos.insert(2, b"not an image".to_vec());
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

#[test]
fn preprocessing_defaults_and_is_checked() {
    let mut network = embedded_network();
    network.metadata.preprocessing = None;
    let classifier = Classifier::new(network).expect("a network without preprocessing");
    assert_eq!(*classifier.preprocessing(), Preprocessing::default());
    let mut network = embedded_network();
    let steps = network.metadata.preprocessing.as_mut().expect("steps");
    steps.steps.remove(0);
    let error = Classifier::new(network).unwrap_err().to_string();
    let expected = "the preprocessing of the model is invalid: step 1, shrink: the first step";
    assert!(error.starts_with(expected), "{error}");
}
