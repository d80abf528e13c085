//! JSON of a preprocessing, in every form that files have had.

use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use modiste_core::Interpolation;

use super::{Preprocessing, Step};

/// Current form: the steps.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Steps {
    name: String,
    steps: Vec<Step>,
}

/// Form of early files: the notebook's preset by name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Preset {
    #[serde(rename = "preset")]
    _preset: NotebookPreset,
    interpolation: Interpolation,
}

/// The only preset that files name without its steps.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum NotebookPreset {
    Notebook,
}

impl TryFrom<Value> for Preprocessing {
    type Error = String;

    fn try_from(stored: Value) -> Result<Self, String> {
        let problem = |error: serde_json::Error| error.to_string();
        let preprocessing = if stored.get("preset").is_some() {
            let Preset { interpolation, .. } = serde_json::from_value(stored).map_err(problem)?;
            Self::notebook(interpolation)
        } else {
            let Steps { name, steps } = serde_json::from_value(stored).map_err(problem)?;
            Self { name, steps }
        };
        preprocessing.check().map_err(|error| error.to_string())?;
        Ok(preprocessing)
    }
}

/// Serializes the preprocessing of a model file. It goes through [`Value`], which sorts the keys and
/// widens numbers to f64, because the bytes of a model file must not change between versions.
pub(crate) fn serialize<S: Serializer>(
    preprocessing: &Option<Preprocessing>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let value = serde_json::to_value(preprocessing).map_err(S::Error::custom)?;
    value.serialize(serializer)
}

/// Deserializes the preprocessing of a model file; `null` is `None`.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Preprocessing>, D::Error> {
    Option::deserialize(deserializer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Metadata;

    #[test]
    fn reads_early_preset_form() {
        let stored = r#"{"preset":"notebook","interpolation":"area"}"#;
        let read: Preprocessing = serde_json::from_str(stored).expect("the early form");
        assert_eq!(read, Preprocessing::notebook(Interpolation::Area));
        let unknown = r#"{"preset":"note","interpolation":"area"}"#;
        assert!(serde_json::from_str::<Preprocessing>(unknown).is_err());
    }

    #[test]
    fn rejects_unknown_and_misplaced_steps() {
        let wrong_step = r#"{"name":"x","steps":[{"step":"paint"}]}"#;
        let error = serde_json::from_str::<Preprocessing>(wrong_step).unwrap_err();
        assert!(error.to_string().contains("`paint`"), "{error}");
        let backwards = r#"{"name":"x","steps":[{"step":"negate"}]}"#;
        let error = serde_json::from_str::<Preprocessing>(backwards).unwrap_err();
        assert!(error.to_string().contains("step 1, negate"), "{error}");
    }

    #[test]
    fn metadata_keeps_its_bytes() {
        // Sorted keys and 0.7 as f64, as files of format version 1 have them.
        let fashion = concat!(
            r#"{"name":"fashion","steps":[{"step":"colours"},{"longest":320,"step":"shrink"},"#,
            r#"{"step":"unframe"},{"cuts":["distance","grab_cut"],"step":"mask"},{"step":"gray"},"#,
            r#"{"deviation":45.0,"floor":30.0,"gain":[0.699999988079071,2.5],"mean":150.0,"#,
            r#""step":"tone"},{"longest":[28,26,23],"step":"place"},"#,
            r#"{"amount":0.5,"sigma":1.0,"step":"sharpen"},{"step":"mirror"}]}"#,
        );
        for (preprocessing, expected) in [(Some(Preprocessing::fashion()), fashion), (None, "null")]
        {
            let metadata = Metadata {
                preprocessing,
                ..Metadata::default()
            };
            let json = serde_json::to_string(&metadata).expect("plain data");
            let expected = format!(r#""preprocessing":{expected},"#);
            assert!(json.contains(&expected), "{json}");
            let back: Metadata = serde_json::from_str(&json).expect("plain data");
            assert_eq!(back, metadata);
        }
    }

    #[test]
    fn steps_keep_their_names() {
        let stored = serde_json::to_value(Preprocessing::fashion()).expect("plain data");
        let steps = stored["steps"].as_array().expect("an array");
        for (step, stored) in Preprocessing::fashion().steps.iter().zip(steps) {
            assert_eq!(stored["step"], step.name());
        }
        let notebook = serde_json::to_string(&Preprocessing::default()).expect("plain data");
        assert_eq!(
            notebook,
            r#"{"name":"notebook:nearest","steps":[{"step":"read"},{"step":"negate"},{"step":"stretch","interpolation":"nearest"}]}"#
        );
    }

    #[test]
    fn absent_preprocessing_is_none() {
        let json = r#"{"dataset":"","classes":[],"training":null}"#;
        let metadata: Metadata = serde_json::from_str(json).expect("an old file");
        assert_eq!(metadata.preprocessing, None);
    }
}
