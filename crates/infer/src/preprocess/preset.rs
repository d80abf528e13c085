//! Ways with a name.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde_json::Value;

use super::{Preprocessing, Step};
use crate::error::Error;
use crate::segment::Cut;
use modiste_imaging::Interpolation;

impl Preprocessing {
    /// What the lecture's notebook does to a photo of clothes: gray, `255 - gray`, stretched to the
    /// size of the input; the nearest pixel in the notebook.
    ///
    /// A network with three channels has learned natural pictures: for it the colours are kept and
    /// nothing is inverted, and only the size changes.
    pub fn notebook(interpolation: Interpolation) -> Self {
        Self {
            name: format!("notebook:{interpolation}"),
            steps: vec![Step::Read, Step::Negate, Step::Stretch { interpolation }],
        }
    }

    /// How Fashion-MNIST was made from shop pictures (Xiao, Rasul, Vollgraf 2017): trimmed,
    /// longest edge to 28 pixels, sharpened, centred, negated, gray; with a mask in place of the
    /// white background that those had, and an even tone in place of the shop's light.
    pub fn fashion() -> Self {
        Self {
            name: "fashion".into(),
            steps: vec![
                Step::Colours,
                Step::Shrink { longest: 320 },
                Step::Unframe,
                Step::Mask {
                    cuts: vec![Cut::Distance, Cut::GrabCut],
                },
                Step::Gray,
                Step::Tone {
                    mean: 150.0,
                    deviation: 45.0,
                    gain: [0.7, 2.5],
                    floor: 30.0,
                },
                Step::Place {
                    longest: vec![28, 26, 23],
                },
                Step::Sharpen {
                    sigma: 1.0,
                    amount: 0.5,
                },
                Step::Mirror,
            ],
        }
    }
}

impl Default for Preprocessing {
    /// The notebook's.
    fn default() -> Self {
        Self::notebook(Interpolation::default())
    }
}

impl fmt::Display for Preprocessing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl FromStr for Preprocessing {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let unknown = || Error::UnknownPreprocessing {
            found: name.to_string(),
        };
        match name.split_once(':') {
            None if name == "notebook" => Ok(Self::default()),
            None if name == "fashion" => Ok(Self::fashion()),
            Some(("notebook", interpolation)) => {
                let interpolation = interpolation.parse().map_err(|_| unknown())?;
                Ok(Self::notebook(interpolation))
            }
            _ => Err(unknown()),
        }
    }
}

/// What a model file may have: steps...
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Steps {
    name: String,
    steps: Vec<Step>,
}

/// ... or the notebook's preset by its name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Preset {
    #[serde(rename = "preset")]
    _preset: NotebookPreset,
    interpolation: Interpolation,
}

/// The one preset that files name without its steps.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(preprocessing: &Preprocessing) {
        let name = preprocessing.to_string();
        assert_eq!(name.parse().as_ref(), Ok(preprocessing));
        let json = serde_json::to_string(preprocessing).expect("plain data");
        let back: Preprocessing = serde_json::from_str(&json).expect("what was just written");
        assert_eq!(&back, preprocessing);
    }

    #[test]
    fn names_and_json_lead_back_to_the_same_preprocessing() {
        for interpolation in [
            Interpolation::Nearest,
            Interpolation::Linear,
            Interpolation::Area,
        ] {
            check(&Preprocessing::notebook(interpolation));
        }
        check(&Preprocessing::fashion());
        assert_eq!("notebook".parse(), Ok(Preprocessing::default()));
    }

    #[test]
    fn a_file_that_names_the_preset_alone_is_read() {
        let stored = r#"{"preset":"notebook","interpolation":"area"}"#;
        let read: Preprocessing = serde_json::from_str(stored).expect("as they were written");
        assert_eq!(read, Preprocessing::notebook(Interpolation::Area));
        let unknown = r#"{"preset":"note","interpolation":"area"}"#;
        assert!(serde_json::from_str::<Preprocessing>(unknown).is_err());
        let wrong_step = r#"{"name":"x","steps":[{"step":"paint"}]}"#;
        let error = serde_json::from_str::<Preprocessing>(wrong_step).unwrap_err();
        assert!(error.to_string().contains("`paint`"), "{error}");
        let backwards = r#"{"name":"x","steps":[{"step":"negate"}]}"#;
        let error = serde_json::from_str::<Preprocessing>(backwards).unwrap_err();
        assert!(error.to_string().contains("step 1, negate"), "{error}");
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        for name in ["", "notebok", "notebook:", "notebook:cubic", "area"] {
            let error = name.parse::<Preprocessing>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{name}`")), "{error}");
            assert!(error.contains("`notebook:area`"), "{error}");
        }
    }
}
