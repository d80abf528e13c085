//! Augmentation by name.

use std::path::Path;

use modiste_core::ImageShape;
use modiste_train::Augmentation;

use crate::config::{RunConfig, background_images};
use crate::error::{Error, Result};
use crate::json::read_text;

/// Sets the augmentation of a name for images of `shape`: `none`, a [preset](Augmentation::preset), or the path of a
/// JSON file, which [`Augmentation::from_json`] reads. A file with the structure of `augmentation` in a run.json may
/// also name the source of background images.
///
/// # Errors
/// Returns [`Error::Setting`] if the name is unknown and no such file exists, [`Error::File`] if the file cannot be
/// read, and [`Error::Contents`] if it contains no augmentation.
pub fn set_augmentation(config: &mut RunConfig, name: &str, shape: ImageShape) -> Result<()> {
    let augmentation = match (name, Augmentation::preset(name, shape)) {
        ("none", _) => None,
        (_, Some(preset)) => Some(preset),
        (file, _) if !Path::new(file).exists() => {
            return Err(Error::setting(format!(
                "augmentation `{file}` is neither none, {} nor a file that can be read",
                Augmentation::PRESETS.join(", ")
            )));
        }
        (file, _) => {
            let path = Path::new(file);
            let text = read_text(path).map_err(Error::file(path))?;
            let contents = |reason: String| Error::Contents {
                path: path.into(),
                reason,
            };
            let augmentation = Augmentation::from_json(&text, shape)
                .map_err(|error| contents(error.to_string()))?;
            let stored =
                serde_json::from_str(&text).map_err(|error| contents(error.to_string()))?;
            config.background_images = background_images(&stored);
            Some(augmentation)
        }
    };
    config.train.augmentation = augmentation;
    if !config.uses_pictures() {
        config.background_images = None;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape::new(64, 64, 3);

    #[test]
    fn file_names_background_images() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.json");
        let mut stored = RunConfig {
            background_images: Some("mnist".into()),
            ..RunConfig::default()
        };
        stored.train.augmentation = Some(Augmentation::clothes());
        let json = serde_json::to_value(&stored).expect("plain data");
        std::fs::write(&path, json["augmentation"].to_string()).expect("written");
        let mut config = RunConfig::default();
        set_augmentation(&mut config, path.to_str().expect("UTF-8"), SHAPE).expect("read");
        assert_eq!(config.background_images, stored.background_images);
        assert_eq!(config.train.augmentation, stored.train.augmentation);
        set_augmentation(&mut config, "none", SHAPE).expect("a name");
        assert_eq!(config, RunConfig::default());
    }

    #[test]
    fn reads_presets_and_files_that_extend_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.json");
        let file = path.to_str().expect("UTF-8");
        let mut config = RunConfig::default();
        for (name, expected) in [
            ("light", Augmentation::light(SHAPE)),
            ("strong", Augmentation::strong(SHAPE)),
            ("clothes", Augmentation::clothes()),
            ("photos", Augmentation::clothes()),
        ] {
            set_augmentation(&mut config, name, SHAPE).expect(name);
            assert_eq!(config.train.augmentation, Some(expected), "{name}");
        }
        std::fs::write(&path, r#"{ "preset": "strong", "mixup": null }"#).expect("written");
        set_augmentation(&mut config, file, SHAPE).expect("read");
        let Augmentation::Images(mut strong) = Augmentation::strong(SHAPE) else {
            panic!("a general preset");
        };
        strong.mixup = None;
        let expected = Augmentation::Images(strong);
        assert_eq!(config.train.augmentation, Some(expected));
        // Runs store the augmentation without the preset.
        let json = serde_json::to_value(&config).expect("plain data");
        let read: RunConfig = serde_json::from_value(json).expect("a configuration");
        assert_eq!(read, config);

        let mut refused = |name: &str| {
            let error = set_augmentation(&mut config, name, SHAPE).expect_err("refused");
            error.to_string()
        };
        let unknown = refused("lihgt");
        assert!(
            unknown.contains("neither none, light, strong, clothes nor a file"),
            "{unknown}"
        );
        std::fs::write(&path, "{\n  \"grayscale\": -1\n}").expect("written");
        let message = refused(file);
        assert!(
            message.contains("a.json") && message.ends_with("from 0 to 1 at line 2"),
            "{message}"
        );
    }
}
