//! Configuration as files store it: one level, names that never change.

use modiste_model::Precision;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::augment::Augmentation;
use crate::config::{TrainConfig, Validation};
use crate::optimizer::Optimizer;
use crate::schedule::Schedule;

/// [`TrainConfig`] in records of runs, checkpoints and models.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredConfig {
    epochs: usize,
    batch_size: usize,
    learning_rate: f64,
    schedule: Schedule,
    momentum: f64,
    nesterov: bool,
    weight_decay: f64,
    #[serde(default)]
    mirror: bool,
    #[serde(default)]
    augmentation: Option<Augmentation>,
    seed: u64,
    validation: Validation,
    #[serde(default)]
    precision: Precision,
}

impl Serialize for TrainConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        StoredConfig::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TrainConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        StoredConfig::deserialize(deserializer).map(Self::from)
    }
}

impl From<&TrainConfig> for StoredConfig {
    fn from(config: &TrainConfig) -> Self {
        let Optimizer::Sgd {
            momentum,
            nesterov,
            weight_decay,
        } = config.optimizer;
        Self {
            epochs: config.epochs,
            batch_size: config.batch_size,
            learning_rate: config.learning_rate,
            schedule: config.schedule.clone(),
            momentum,
            nesterov,
            weight_decay,
            mirror: config.mirror,
            augmentation: config.augmentation.clone(),
            seed: config.seed,
            validation: config.validation,
            precision: config.precision,
        }
    }
}

impl From<StoredConfig> for TrainConfig {
    fn from(stored: StoredConfig) -> Self {
        Self {
            epochs: stored.epochs,
            batch_size: stored.batch_size,
            learning_rate: stored.learning_rate,
            schedule: stored.schedule,
            optimizer: Optimizer::Sgd {
                momentum: stored.momentum,
                nesterov: stored.nesterov,
                weight_decay: stored.weight_decay,
            },
            mirror: stored.mirror,
            augmentation: stored.augmentation,
            seed: stored.seed,
            validation: stored.validation,
            precision: stored.precision,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_one_level_and_its_names() {
        let config = TrainConfig {
            optimizer: Optimizer::Sgd {
                momentum: 0.5,
                nesterov: false,
                weight_decay: 0.001,
            },
            ..TrainConfig::default()
        };
        let json = serde_json::to_string(&config).expect("plain data");
        let expected = r#"{"epochs":10,"batch_size":100,"learning_rate":0.01,"schedule":"constant","momentum":0.5,"nesterov":false,"weight_decay":0.001,"mirror":false,"augmentation":null,"seed":1,"validation":"test","precision":"f32"}"#;
        assert_eq!(json, expected);
        let read: TrainConfig = serde_json::from_str(&json).expect("the same");
        assert_eq!(read, config);
        let unknown = json.replace("momentum", "moment");
        serde_json::from_str::<TrainConfig>(&unknown).expect_err("a field that does not exist");
    }
}
