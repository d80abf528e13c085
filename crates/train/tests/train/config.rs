//! Every field of the configuration decides the result of training.

use modiste_model::Parameters;
use modiste_train::{
    Augmentation, Balance, ClassWeights, ClothesAugmentation, Compute, CutoutAugmentation, Next,
    OUTLIER, Optimizer, Sampling, TrainConfig, TrainData, fit, synthetic_pictures,
};
use serde_json::{Value, json};

use crate::networks::{data, small};

/// Parameters after training with `config`.
fn train(config: &TrainConfig) -> Parameters {
    let cutouts = data(160, 8).train;
    let data = data(64, 8);
    let pictures = synthetic_pictures(8, 1);
    // Some images belong to no class if the configuration draws such images.
    let is_outlier = |index: usize| config.sampling.outliers > 0.0 && index < 6;
    let labels = data.train.labels().iter().enumerate();
    let labels = labels.map(|(index, &label)| if is_outlier(index) { OUTLIER } else { label });
    let train = data.train.with_labels(labels.collect());
    let data = TrainData {
        train: &train,
        validation: &data.test,
        cutouts: config.cutouts.is_some().then_some(&cutouts),
        pictures: Some(&pictures),
    };
    let mut network = small();
    let compute = Compute::default();
    fit(&mut network, data, config, &compute, &mut |_| {
        Next::Continue
    })
    .expect("trained");
    network.parameters
}

/// JSON pointers of all numbers, booleans and strings in `value`.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                leaves(value, &format!("{path}/{name}"), found);
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                leaves(value, &format!("{path}/{index}"), found);
            }
        }
        _ => found.push(path.to_owned()),
    }
}

/// Other values of a setting, the least similar first.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Bool(value) => vec![json!(!value)],
        Value::String(_) => vec![json!("constant"), json!("sqrt")],
        Value::Number(number) if number.is_u64() => {
            vec![json!(number.as_u64().expect("an integer") / 2)]
        }
        number => {
            let number = number.as_f64().expect("a number");
            vec![json!(number * 0.5), json!(number * 0.9)]
        }
    }
}

/// A configuration in which every field has an effect.
fn config(optimizer: Optimizer) -> TrainConfig {
    let augmentation = ClothesAugmentation {
        // One of the two epochs.
        final_epochs: 0.25,
        ..ClothesAugmentation::photos()
    };
    TrainConfig {
        epochs: 2,
        batch_size: 16,
        learning_rate: 0.02,
        schedule: "one-cycle".parse().expect("a schedule"),
        optimizer,
        label_smoothing: 0.1,
        class_weights: ClassWeights::Balanced,
        logit_adjustment: 0.5,
        clip_norm: Some(1.0),
        ema_decay: Some(0.9),
        patience: None,
        frozen_layers: 1,
        pretrained_layers: 2,
        pretrained_rate: 0.5,
        horizontal_flip: true,
        augmentation: Some(Augmentation::Clothes(augmentation)),
        sampling: Sampling::default(),
        cutouts: None,
        seed: 2,
    }
}

/// Trains with another value at each path of the stored configuration that `is_checked`, and expects other weights.
fn every_field_has_an_effect(config: &TrainConfig, is_checked: impl Fn(&str) -> bool) {
    let usual = train(config);
    assert_eq!(train(config), usual);
    let stored = serde_json::to_value(config).expect("plain data");
    let mut paths = Vec::new();
    leaves(&stored, "", &mut paths);
    for path in paths.into_iter().filter(|path| is_checked(path)) {
        let value = stored.pointer(&path).expect("a leaf");
        let changed = others(value).into_iter().find_map(|value| {
            let mut stored = stored.clone();
            *stored.pointer_mut(&path).expect("a leaf") = value;
            let config: TrainConfig = serde_json::from_value(stored).ok()?;
            config.check().is_ok().then_some(config)
        });
        let changed = changed.unwrap_or_else(|| panic!("{path} takes no other value"));
        assert_ne!(train(&changed), usual, "{path} has no effect");
    }
}

#[test]
fn every_config_field_changes_the_result() {
    let sgd = Optimizer::Sgd {
        momentum: 0.8,
        nesterov: true,
        weight_decay: 0.01,
    };
    let config = config(sgd);
    let stored = serde_json::to_value(&config).expect("plain data");
    let mut paths = Vec::new();
    leaves(&stored, "", &mut paths);
    assert!(paths.len() > 36, "{paths:?}");
    // Patience, `null` here, has a test of its own.
    every_field_has_an_effect(&config, |_| true);
}

#[test]
fn every_field_of_adamw_changes_the_result() {
    let mut config = config(Optimizer::adamw(0.05));
    config.augmentation = None;
    let fields = ["/beta_1", "/beta_2", "/epsilon", "/weight_decay"];
    every_field_has_an_effect(&config, |path| fields.contains(&path));
    let sgd = TrainConfig {
        optimizer: Optimizer::default(),
        ..config.clone()
    };
    assert_ne!(train(&config), train(&sgd));
}

#[test]
fn every_field_of_the_composition_changes_the_result() {
    let mut cutouts = CutoutAugmentation::clothes();
    cutouts.plain = 0.3;
    cutouts.tone.invert = 0.5;
    cutouts.pairs.as_mut().expect("set").probability = 1.0;
    let config = TrainConfig {
        augmentation: None,
        sampling: Sampling {
            balance: Balance::Equal,
            cutouts: 0.6,
            outliers: 0.1,
            scenes: 0.1,
        },
        cutouts: Some(cutouts),
        ..config(Optimizer::default())
    };
    let is_of_composition =
        |path: &str| path.starts_with("/sampling") || path.starts_with("/cutouts");
    every_field_has_an_effect(&config, is_of_composition);
}
