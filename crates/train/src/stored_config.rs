//! Stored form of the configuration: flat JSON whose names never change.
//!
//! A setting that an older version did not have is only written if it is not at its default, so that the files
//! of older configurations keep their bytes.

use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::augment::{Augmentation, CutoutAugmentation};
use crate::class_weights::ClassWeights;
use crate::config::TrainConfig;
use crate::optimizer::Optimizer;
use crate::sampling::Sampling;
use crate::schedule::Schedule;

/// [`TrainConfig`] in run records, checkpoints and models.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredConfig {
    epochs: usize,
    batch_size: usize,
    learning_rate: f64,
    schedule: Schedule,
    /// Absent for SGD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    optimizer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    momentum: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nesterov: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    beta_1: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    beta_2: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    epsilon: Option<f64>,
    weight_decay: f64,
    #[serde(default)]
    mirror: bool,
    #[serde(default)]
    augmentation: Option<Augmentation>,
    seed: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    label_smoothing: f64,
    #[serde(default, skip_serializing_if = "is_default")]
    class_weights: ClassWeights,
    #[serde(default, skip_serializing_if = "is_default")]
    logit_adjustment: f64,
    #[serde(default, skip_serializing_if = "is_default")]
    clip_norm: Option<f64>,
    #[serde(default, skip_serializing_if = "is_default")]
    ema_decay: Option<f64>,
    #[serde(default, skip_serializing_if = "is_default")]
    patience: Option<usize>,
    #[serde(default, skip_serializing_if = "is_default")]
    frozen_layers: usize,
    #[serde(default, skip_serializing_if = "is_default")]
    pretrained_layers: usize,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pretrained_rate: f64,
    #[serde(default, skip_serializing_if = "is_default")]
    sampling: Sampling,
    #[serde(default, skip_serializing_if = "is_default")]
    cutouts: Option<CutoutAugmentation>,
    // Settings of a run that older checkpoints contain.
    #[serde(default, skip_serializing, rename = "validation")]
    _validation: IgnoredAny,
    #[serde(default, skip_serializing, rename = "precision")]
    _precision: IgnoredAny,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn one() -> f64 {
    1.0
}

fn is_one(value: &f64) -> bool {
    *value == one()
}

impl Serialize for TrainConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        StoredConfig::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TrainConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = StoredConfig::deserialize(deserializer)?;
        let optimizer = optimizer(&stored).map_err(D::Error::custom)?;
        Ok(Self {
            epochs: stored.epochs,
            batch_size: stored.batch_size,
            learning_rate: stored.learning_rate,
            schedule: stored.schedule,
            optimizer,
            label_smoothing: stored.label_smoothing,
            class_weights: stored.class_weights,
            logit_adjustment: stored.logit_adjustment,
            clip_norm: stored.clip_norm,
            ema_decay: stored.ema_decay,
            patience: stored.patience,
            frozen_layers: stored.frozen_layers,
            pretrained_layers: stored.pretrained_layers,
            pretrained_rate: stored.pretrained_rate,
            horizontal_flip: stored.mirror,
            augmentation: stored.augmentation,
            sampling: stored.sampling,
            cutouts: stored.cutouts,
            seed: stored.seed,
        })
    }
}

impl From<&TrainConfig> for StoredConfig {
    fn from(config: &TrainConfig) -> Self {
        let mut stored = Self {
            epochs: config.epochs,
            batch_size: config.batch_size,
            learning_rate: config.learning_rate,
            schedule: config.schedule.clone(),
            optimizer: None,
            momentum: None,
            nesterov: None,
            beta_1: None,
            beta_2: None,
            epsilon: None,
            weight_decay: config.optimizer.weight_decay(),
            mirror: config.horizontal_flip,
            augmentation: config.augmentation.clone(),
            seed: config.seed,
            label_smoothing: config.label_smoothing,
            class_weights: config.class_weights.clone(),
            logit_adjustment: config.logit_adjustment,
            clip_norm: config.clip_norm,
            ema_decay: config.ema_decay,
            patience: config.patience,
            frozen_layers: config.frozen_layers,
            pretrained_layers: config.pretrained_layers,
            sampling: config.sampling,
            cutouts: config.cutouts.clone(),
            pretrained_rate: config.pretrained_rate,
            _validation: IgnoredAny,
            _precision: IgnoredAny,
        };
        match config.optimizer {
            Optimizer::Sgd {
                momentum, nesterov, ..
            } => {
                stored.momentum = Some(momentum);
                stored.nesterov = Some(nesterov);
            }
            Optimizer::AdamW {
                beta1,
                beta2,
                epsilon,
                ..
            } => {
                stored.optimizer = Some(config.optimizer.name().into());
                stored.beta_1 = Some(beta1);
                stored.beta_2 = Some(beta2);
                stored.epsilon = Some(epsilon);
            }
        }
        stored
    }
}

/// Optimizer of a stored configuration: all of its own numbers and none of another optimizer's.
fn optimizer(stored: &StoredConfig) -> Result<Optimizer, String> {
    let weight_decay = stored.weight_decay;
    let sgd = (stored.momentum, stored.nesterov);
    let adamw = (stored.beta_1, stored.beta_2, stored.epsilon);
    match (stored.optimizer.as_deref().unwrap_or("sgd"), sgd, adamw) {
        ("sgd", (Some(momentum), Some(nesterov)), (None, None, None)) => Ok(Optimizer::Sgd {
            momentum,
            nesterov,
            weight_decay,
        }),
        ("adamw", (None, None), (Some(beta1), Some(beta2), Some(epsilon))) => {
            Ok(Optimizer::AdamW {
                beta1,
                beta2,
                epsilon,
                weight_decay,
            })
        }
        ("sgd", ..) => Err(
            "expected the fields `momentum` and `nesterov` for SGD, and none of \
                            `beta_1`, `beta_2` and `epsilon`"
                .into(),
        ),
        ("adamw", ..) => Err(
            "expected the fields `beta_1`, `beta_2` and `epsilon` for AdamW, and \
                              neither `momentum` nor `nesterov`"
                .into(),
        ),
        (name, ..) => Err(format!(
            "unknown optimizer `{name}`; expected `sgd` or `adamw`"
        )),
    }
}

/// Class weights in files: `"balanced"`, `"sqrt"`, `"equal"` or one number per class.
#[derive(Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected `balanced`, `sqrt`, `equal` or a list of numbers"
)]
enum StoredClassWeights {
    Name(ClassWeightsName),
    List(Vec<f64>),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ClassWeightsName {
    Equal,
    Balanced,
    Sqrt,
}

impl Serialize for ClassWeights {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stored = match self {
            Self::Equal => StoredClassWeights::Name(ClassWeightsName::Equal),
            Self::Balanced => StoredClassWeights::Name(ClassWeightsName::Balanced),
            Self::Sqrt => StoredClassWeights::Name(ClassWeightsName::Sqrt),
            Self::List(weights) => StoredClassWeights::List(weights.clone()),
        };
        stored.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ClassWeights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match StoredClassWeights::deserialize(deserializer)? {
            StoredClassWeights::Name(ClassWeightsName::Equal) => Self::Equal,
            StoredClassWeights::Name(ClassWeightsName::Balanced) => Self::Balanced,
            StoredClassWeights::Name(ClassWeightsName::Sqrt) => Self::Sqrt,
            StoredClassWeights::List(weights) => Self::List(weights),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_flat_json_and_reads_older_fields() {
        let config = TrainConfig {
            optimizer: Optimizer::Sgd {
                momentum: 0.5,
                nesterov: false,
                weight_decay: 0.001,
            },
            ..TrainConfig::default()
        };
        let json = serde_json::to_string(&config).expect("plain data");
        let expected = r#"{"epochs":10,"batch_size":100,"learning_rate":0.01,"schedule":"constant","momentum":0.5,"nesterov":false,"weight_decay":0.001,"mirror":false,"augmentation":null,"seed":1}"#;
        assert_eq!(json, expected);
        let older = json.replace('}', r#","validation":"test","precision":"f32"}"#);
        for text in [&json, &older] {
            let read: TrainConfig = serde_json::from_str(text).expect("a configuration");
            assert_eq!(read, config);
        }
        let unknown = json.replace("momentum", "moment");
        serde_json::from_str::<TrainConfig>(&unknown).expect_err("an unknown field");
    }

    #[test]
    fn stores_newer_fields() {
        let config = TrainConfig {
            optimizer: Optimizer::adamw(0.05),
            label_smoothing: 0.1,
            class_weights: ClassWeights::Sqrt,
            logit_adjustment: 0.5,
            clip_norm: Some(1.0),
            ema_decay: Some(0.999),
            patience: Some(5),
            frozen_layers: 3,
            pretrained_layers: 5,
            pretrained_rate: 0.1,
            ..TrainConfig::default()
        };
        let json = serde_json::to_string(&config).expect("plain data");
        let expected = r#"{"epochs":10,"batch_size":100,"learning_rate":0.01,"schedule":"constant","optimizer":"adamw","beta_1":0.9,"beta_2":0.999,"epsilon":1e-7,"weight_decay":0.05,"mirror":false,"augmentation":null,"seed":1,"label_smoothing":0.1,"class_weights":"sqrt","logit_adjustment":0.5,"clip_norm":1.0,"ema_decay":0.999,"patience":5,"frozen_layers":3,"pretrained_layers":5,"pretrained_rate":0.1}"#;
        assert_eq!(json, expected);
        let read: TrainConfig = serde_json::from_str(&json).expect("a configuration");
        assert_eq!(read, config);
        let list = json.replace(r#""sqrt""#, "[1.0,2.5]");
        let read: TrainConfig = serde_json::from_str(&list).expect("a configuration");
        assert_eq!(read.class_weights, ClassWeights::List(vec![1.0, 2.5]));
        for (from, to, expected) in [
            (r#""beta_1":0.9,"#, "", "expected the fields `beta_1`"),
            ("\"adamw\"", "\"adam\"", "unknown optimizer `adam`"),
            ("\"adamw\"", "\"sgd\"", "expected the fields `momentum`"),
            ("\"sqrt\"", "\"root\"", "expected `balanced`, `sqrt`"),
        ] {
            let error = serde_json::from_str::<TrainConfig>(&json.replace(from, to));
            let message = error.expect_err("rejected").to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
