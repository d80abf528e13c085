//! Stored form of the configuration: flat JSON whose names never change.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::augment::Augmentation;
use crate::config::TrainConfig;
use crate::optimizer::Optimizer;
use crate::schedule::Schedule;

/// [`TrainConfig`] in run records, checkpoints and models.
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
    // Settings of a run that older checkpoints contain.
    #[serde(default, skip_serializing, rename = "validation")]
    _validation: IgnoredAny,
    #[serde(default, skip_serializing, rename = "precision")]
    _precision: IgnoredAny,
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
            mirror: config.horizontal_flip,
            augmentation: config.augmentation.clone(),
            seed: config.seed,
            _validation: IgnoredAny,
            _precision: IgnoredAny,
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
            horizontal_flip: stored.mirror,
            augmentation: stored.augmentation,
            seed: stored.seed,
        }
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
}
