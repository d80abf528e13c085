//! Kinds of augmentation, their presets, and their stored form.

use modiste_core::ImageShape;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::clothes::ClothesAugmentation;
use super::image::ImageAugmentation;
use super::limits::OutOfRange;
use crate::error::TrainError;

/// Fields of a JSON object.
type Fields = Map<String, Value>;

/// Augmentation of training images: random changes that are drawn anew for each image in each epoch.
///
/// Images are a function of seed, epoch and index, for any number of threads; mixup and cutmix also depend on the other
/// images of the batch.
///
/// ```
/// use modiste_dataset::ImageShape;
/// use modiste_train::{Augmentation, ImageAugmentation, TrainConfig};
///
/// let photos = ImageShape::new(64, 64, 3);
/// let settings = ImageAugmentation { vertical_flip: 0.5, ..ImageAugmentation::light(photos) };
/// let config = TrainConfig {
///     augmentation: Some(Augmentation::Images(settings)),
///     ..TrainConfig::default()
/// };
/// config.check()?;
/// # Ok::<(), modiste_train::TrainError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Augmentation {
    /// For images of any size, gray or colour.
    Images(ImageAugmentation),
    /// For gray images of one object on black, such as Fashion-MNIST.
    Clothes(ClothesAugmentation),
}

impl Augmentation {
    /// Names of the presets of [`Augmentation::preset`].
    pub const PRESETS: [&'static str; 3] = ["light", "strong", "clothes"];

    /// Returns a preset for images of `shape`: `light`, `strong`, or `clothes`, which is also called `photos`. Returns
    /// `None` if there is no such preset.
    ///
    /// ```
    /// use modiste_dataset::ImageShape;
    /// use modiste_train::Augmentation;
    ///
    /// let shape = ImageShape::new(28, 28, 1);
    /// for name in Augmentation::PRESETS {
    ///     assert!(Augmentation::preset(name, shape).is_some());
    /// }
    /// assert_eq!(Augmentation::preset("lihgt", shape), None);
    /// ```
    pub fn preset(name: &str, shape: ImageShape) -> Option<Self> {
        match name {
            "light" => Some(Self::light(shape)),
            "strong" => Some(Self::strong(shape)),
            "clothes" | "photos" => Some(Self::clothes()),
            _ => None,
        }
    }

    /// Preset `light`: see [`ImageAugmentation::light`].
    pub fn light(shape: ImageShape) -> Self {
        Self::Images(ImageAugmentation::light(shape))
    }

    /// Preset `strong`: see [`ImageAugmentation::strong`].
    pub fn strong(shape: ImageShape) -> Self {
        Self::Images(ImageAugmentation::strong(shape))
    }

    /// Preset `clothes`: see [`ClothesAugmentation::photos`].
    pub fn clothes() -> Self {
        Self::Clothes(ClothesAugmentation::photos())
    }

    /// Reads an augmentation from JSON: the stored form of either kind, or the settings of an [`ImageAugmentation`]
    /// that are not off, on top of those of a `preset` for images of `shape` if one is named.
    ///
    /// ```
    /// use modiste_dataset::ImageShape;
    /// use modiste_train::{Augmentation, ImageAugmentation};
    ///
    /// let shape = ImageShape::new(64, 64, 3);
    /// let json = r#"{ "preset": "light", "horizontal_flip": 0, "grayscale": 0.1 }"#;
    /// let settings = ImageAugmentation {
    ///     horizontal_flip: 0.0,
    ///     grayscale: 0.1,
    ///     ..ImageAugmentation::light(shape)
    /// };
    /// assert_eq!(Augmentation::from_json(json, shape)?, Augmentation::Images(settings));
    ///
    /// let error = Augmentation::from_json("{\n  \"grayscale\": 2\n}", shape).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "augmentation: grayscale is 2; expected a number from 0 to 1 at line 2"
    /// );
    /// # Ok::<(), modiste_train::TrainError>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`TrainError::Config`] if the text is not JSON, a field is unknown or has the wrong type, there is no
    /// such preset, or a number is out of range. The message names the line.
    pub fn from_json(text: &str, shape: ImageShape) -> Result<Self, TrainError> {
        let refuse = |problem: String| TrainError::Config {
            problem: format!("augmentation: {problem}"),
        };
        let syntax = |error: serde_json::Error| refuse(error.to_string());
        let fields: Fields = serde_json::from_str(text).map_err(syntax)?;
        let augmentation = if is_clothes(&fields) {
            Self::Clothes(serde_json::from_str(text).map_err(syntax)?)
        } else {
            let mut fields = without_kind(fields)
                .map_err(|problem| refuse(format!("{problem}{}", line_of(text, "kind"))))?;
            let preset = match fields.remove("preset") {
                Some(name) => preset_fields(&name, shape).ok_or_else(|| {
                    let line = line_of(text, "preset");
                    refuse(format!(
                        "preset is {name}; expected \"light\" or \"strong\"{line}"
                    ))
                })?,
                None => Fields::new(),
            };
            // One by one, so that an error names the line.
            for (name, value) in &fields {
                let field = Fields::from_iter([(name.clone(), value.clone())]);
                ImageAugmentation::deserialize(Value::Object(field))
                    .map_err(|error| refuse(format!("{name}: {error}{}", line_of(text, name))))?;
            }
            let fields = preset.into_iter().chain(fields).collect();
            Self::Images(serde_json::from_value(fields).map_err(syntax)?)
        };
        augmentation.check_limits().map_err(|error| {
            let line = line_of(text, error.name);
            TrainError::Config {
                problem: format!("{error}{line}"),
            }
        })?;
        Ok(augmentation)
    }

    /// Checks that every probability and range is valid.
    ///
    /// # Errors
    /// Returns [`TrainError::Config`], which names the first invalid number as it is stored.
    pub fn check(&self) -> Result<(), TrainError> {
        Ok(self.check_limits()?)
    }

    fn check_limits(&self) -> Result<(), OutOfRange> {
        match self {
            Self::Images(settings) => settings.check(),
            Self::Clothes(settings) => settings.check(),
        }
    }

    /// Returns `true` if the augmentation lays objects on background pictures.
    pub fn uses_pictures(&self) -> bool {
        matches!(self, Self::Clothes(_))
    }

    /// Returns `true` if images are mixed with each other, so that batches have second labels.
    pub fn mixes(&self) -> bool {
        match self {
            Self::Images(settings) => settings.mixup.is_some() || settings.cutmix.is_some(),
            Self::Clothes(_) => false,
        }
    }
}

/// Fields of the stored form without `kind`, which is `images` or absent.
///
/// # Errors
/// Returns a message if there is another kind.
fn without_kind(mut fields: Fields) -> Result<Fields, String> {
    match fields.remove("kind") {
        Some(kind) if kind != "images" => Err(format!("kind is {kind}; expected \"images\"")),
        _ => Ok(fields),
    }
}

/// Returns `true` for the stored form of a [`ClothesAugmentation`], which has no `kind`.
fn is_clothes(fields: &Fields) -> bool {
    fields.contains_key("share")
}

/// Stored form of the preset of a name, unless it is for clothes.
fn preset_fields(name: &Value, shape: ImageShape) -> Option<Fields> {
    match Augmentation::preset(name.as_str()?, shape)? {
        Augmentation::Images(settings) => match serde_json::to_value(settings) {
            Ok(Value::Object(fields)) => Some(fields),
            _ => None,
        },
        Augmentation::Clothes(_) => None,
    }
}

/// Returns ` at line N`, the line of a setting such as `crop.area[1]` in JSON, or nothing if it is not found.
fn line_of(text: &str, name: &str) -> String {
    let mut position = 0;
    for part in name.split('.') {
        let key = part.split('[').next().unwrap_or(part);
        match text[position..].find(&format!("\"{key}\"")) {
            Some(found) => position += found,
            None => return String::new(),
        }
    }
    format!(" at line {}", text[..position].matches('\n').count() + 1)
}

impl Serialize for Augmentation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(tag = "kind", rename_all = "lowercase")]
        enum Tagged<'a> {
            Images(&'a ImageAugmentation),
        }
        match self {
            Self::Images(settings) => Tagged::Images(settings).serialize(serializer),
            Self::Clothes(settings) => settings.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Augmentation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Fields::deserialize(deserializer)?;
        let result = match is_clothes(&fields) {
            true => ClothesAugmentation::deserialize(Value::Object(fields)).map(Self::Clothes),
            false => {
                let fields = without_kind(fields).map_err(D::Error::custom)?;
                ImageAugmentation::deserialize(Value::Object(fields)).map(Self::Images)
            }
        };
        result.map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::Fill;

    const SHAPE: ImageShape = ImageShape::new(32, 32, 3);

    fn every_preset() -> Vec<Augmentation> {
        let shapes = [SHAPE, ImageShape::new(28, 28, 1)];
        let of = |shape| {
            let preset = move |name: &&str| Augmentation::preset(name, shape).expect("a preset");
            Augmentation::PRESETS.iter().map(preset)
        };
        shapes.into_iter().flat_map(of).collect()
    }

    #[test]
    fn presets_are_valid_and_survive_storage() {
        for preset in every_preset() {
            preset.check().expect("valid");
            let json = serde_json::to_string(&preset).expect("plain data");
            assert_eq!(
                json.contains("\"kind\":\"images\""),
                !preset.uses_pictures()
            );
            let read: Augmentation = serde_json::from_str(&json).expect("the stored form");
            assert_eq!(read, preset);
            assert_eq!(
                Augmentation::from_json(&json, SHAPE).expect("the stored form"),
                preset
            );
        }
    }

    #[test]
    fn presets_flip_and_crop_colour_images_only() {
        for preset in ["light", "strong"] {
            for (channels, is_colour) in [(1, false), (3, true)] {
                let shape = ImageShape { channels, ..SHAPE };
                let Some(Augmentation::Images(settings)) = Augmentation::preset(preset, shape)
                else {
                    panic!("a general preset");
                };
                assert_eq!(settings.horizontal_flip > 0.0, is_colour);
                assert_eq!(settings.crop.is_some(), is_colour);
            }
        }
    }

    #[test]
    fn stored_form_never_changes() {
        let stored =
            |augmentation: &Augmentation| serde_json::to_string(augmentation).expect("JSON");
        let clothes = serde_json::to_string(&ClothesAugmentation::photos()).expect("JSON");
        assert_eq!(stored(&Augmentation::clothes()), clothes);
        let light = r#"{"kind":"images","crop":{"probability":1.0,"area":[0.5,1.0],"aspect":[0.8,1.25]},"horizontal_flip":0.5,"fill":"edge","color_jitter":{"probability":0.8,"brightness":0.2,"contrast":0.2,"saturation":0.2,"hue":0.02}}"#;
        assert_eq!(stored(&Augmentation::light(SHAPE)), light);
        let settings = ImageAugmentation {
            fill: Fill::Constant(3),
            ..ImageAugmentation::default()
        };
        let constant = r#"{"kind":"images","fill":{"constant":3}}"#;
        assert_eq!(stored(&Augmentation::Images(settings)), constant);
    }

    #[test]
    fn errors_name_field_and_line() {
        for (text, expected) in [
            ("{", "EOF while parsing"),
            ("[]", "invalid type: sequence, expected a map"),
            (
                "{\n\"rotaton\": 3\n}",
                "unknown field `rotaton`, expected one of `crop`, `affine`",
            ),
            ("{\n\"rotaton\": 3\n}", " at line 2"),
            (
                "{\"fill\": \"edge\",\n\n\"blur\": {\"probability\": 1}}",
                "blur: missing field `sigma` at line 3",
            ),
            (
                "{\n\"grayscale\": \"yes\"}",
                "grayscale: invalid type: string \"yes\", expected f64 at line 2",
            ),
            (
                "{\n\"noise\": {\n\"probability\": 1, \"sigma\": [2, 1]}}",
                "noise.sigma[1] is 1; expected a number from 2 to 255 at line 3",
            ),
            (
                "{\"noise\": {\n\"probability\": 1, \"sigma\": [2, 1, 3]}}",
                "noise: invalid length 3, expected fewer elements in array at line 1",
            ),
            (
                "{\"kind\": \"text\"}",
                "kind is \"text\"; expected \"images\" at line 1",
            ),
            (
                "{\"preset\":\n \"clothes\"}",
                "expected \"light\" or \"strong\" at line 1",
            ),
            ("{\"preset\": 3}", "preset is 3; expected"),
            ("{\"share\": 0.5}", "missing field `tail` at line 1"),
            (
                "{\"mixup\": {\"probability\": 0.6, \"alpha\": 1}, \"cutmix\": {\"probability\": 0.6, \"alpha\": 1}}",
                "the sum of the probabilities of mixup and cutmix is 1.2",
            ),
        ] {
            let error = Augmentation::from_json(text, SHAPE)
                .expect_err("refused")
                .to_string();
            assert!(error.contains(expected), "{text}: {error}");
            assert!(
                error.starts_with("augmentation: ") && !error.contains("--"),
                "{error}"
            );
        }
    }

    #[test]
    fn line_of_nested_setting_is_after_its_parent() {
        let text = "{\n\"crop\": {\"probability\": 1},\n\"blur\": {\n\"probability\": 2}}";
        assert_eq!(line_of(text, "crop.probability"), " at line 2");
        assert_eq!(line_of(text, "blur.probability"), " at line 4");
        assert_eq!(line_of(text, "noise.probability"), "");
    }
}
