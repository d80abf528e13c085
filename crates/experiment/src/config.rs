//! Configuration of a run: training, validation images, background images and precision of the model file.

use modiste_model::Precision;
use modiste_train::{Augmentation, TrainConfig};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::validation::Validation;

/// Name of the synthetic background images in files and settings.
pub const SYNTHETIC: &str = "made-up";

/// Configuration of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunConfig {
    /// Training configuration.
    pub train: TrainConfig,
    /// Images that are measured after each epoch.
    pub validation: Validation,
    /// Precision of the weights in the model file.
    pub precision: Precision,
    /// Dataset that augmentation cuts backgrounds from; `None` means synthetic images. It has no effect
    /// unless the augmentation uses background images.
    pub background_images: Option<String>,
}

impl RunConfig {
    /// Checks every number.
    ///
    /// # Errors
    /// Returns [`Error::Train`] if a number is out of range, and [`Error::Setting`] if background images
    /// are named without an augmentation that uses them, or early stopping would choose the epoch on the test images.
    pub fn check(&self) -> Result<()> {
        self.train.check()?;
        if self.train.patience.is_some() && !self.validation.is_held_out() {
            return Err(Error::setting(
                "early stopping chooses an epoch, which needs validation images that are held out: the test \
                 images choose nothing",
            ));
        }
        match &self.background_images {
            Some(name) if !self.uses_pictures() => Err(Error::setting(format!(
                "background images ({name}) have no effect without augmentation `clothes`"
            ))),
            _ => Ok(()),
        }
    }

    /// Returns `true` if the augmentation lays objects on background images.
    pub fn uses_pictures(&self) -> bool {
        let augmentation = self.train.augmentation.as_ref();
        augmentation.is_some_and(Augmentation::uses_pictures)
    }

    /// Returns the configuration as files of format version 2 store it, in which `split:F` held out the last images.
    pub(crate) fn to_unstratified(&self) -> Self {
        Self {
            validation: self.validation.to_unstratified(),
            ..self.clone()
        }
    }
}

// Files store one flat object: the fields of `TrainConfig`, with the source of background images inside
// the augmentation.
impl Serialize for RunConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut stored = serde_json::to_value(&self.train).map_err(S::Error::custom)?;
        stored["validation"] = json!(self.validation);
        stored["precision"] = json!(self.precision);
        if let Some(background) = stored.pointer_mut(BACKGROUND) {
            let name = self.background_images.as_deref().unwrap_or(SYNTHETIC);
            background["pictures"] = name.into();
        }
        stored.serialize(serializer)
    }
}

/// JSON pointer of the augmentation's backgrounds.
const BACKGROUND: &str = "/augmentation/background";

impl<'de> Deserialize<'de> for RunConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Fields in addition to those of `TrainConfig`.
        #[derive(Deserialize)]
        struct Run {
            validation: Validation,
            #[serde(default)]
            precision: Precision,
        }
        let stored = Value::deserialize(deserializer)?;
        let run = Run::deserialize(&stored).map_err(D::Error::custom)?;
        Ok(Self {
            train: TrainConfig::deserialize(&stored).map_err(D::Error::custom)?,
            validation: run.validation,
            precision: run.precision,
            background_images: background_images(&stored["augmentation"]),
        })
    }
}

/// Source of background images that a stored augmentation names; `None` for synthetic ones.
pub(crate) fn background_images(augmentation: &Value) -> Option<String> {
    let name = augmentation["background"]["pictures"].as_str();
    name.filter(|name| *name != SYNTHETIC).map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_one_flat_object() {
        let mut config = RunConfig {
            validation: Validation::Tail(0.25),
            precision: Precision::F16,
            ..RunConfig::default()
        };
        let json = serde_json::to_string(&config).expect("plain data");
        let expected = r#"{"augmentation":null,"batch_size":100,"epochs":10,"learning_rate":0.01,"mirror":false,"momentum":0.9,"nesterov":true,"precision":"f16","schedule":"constant","seed":1,"validation":"tail:0.25","weight_decay":0.0}"#;
        assert_eq!(json, expected);
        config.train.augmentation = Some(Augmentation::clothes());
        for (images, stored) in [(None, "made-up"), (Some("mnist"), "mnist")] {
            config.background_images = images.map(String::from);
            let json = serde_json::to_value(&config).expect("plain data");
            let background = json.pointer(BACKGROUND).expect("an object");
            assert_eq!(background["pictures"], stored);
            let read: RunConfig = serde_json::from_value(json).expect("a configuration");
            assert_eq!(read, config);
        }
    }

    #[test]
    fn rejects_unknown_fields_and_background_without_augmentation() {
        let json = serde_json::to_string(&RunConfig::default()).expect("plain data");
        let unknown = json.replace("momentum", "moment");
        serde_json::from_str::<RunConfig>(&unknown).expect_err("an unknown field");
        let config = RunConfig {
            background_images: Some("mnist".into()),
            ..RunConfig::default()
        };
        let refused = config.check().expect_err("no effect").to_string();
        assert!(
            refused.contains("no effect without augmentation"),
            "{refused}"
        );
        let mut config = RunConfig {
            validation: Validation::Test,
            ..RunConfig::default()
        };
        config.train.patience = Some(3);
        let refused = config.check().expect_err("the test images").to_string();
        assert!(
            refused.contains("the test images choose nothing"),
            "{refused}"
        );
    }
}
