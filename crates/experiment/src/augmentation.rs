//! Augmentation by name.

use std::path::Path;

use modiste_train::Augmentation;
use serde::Deserialize;
use serde_json::Value;

use crate::config::{RunConfig, background_images};
use crate::error::{Error, Result};
use crate::json::read_json;

/// Sets the augmentation of a name: `none`, `photos`, or the path of a JSON file with the structure of
/// `augmentation` in a run.json, which may also name the source of background images.
///
/// # Errors
/// Returns [`Error::Setting`] if the name is unknown and no such file exists, and the errors of [`read_json`].
pub fn set_augmentation(config: &mut RunConfig, name: &str) -> Result<()> {
    match name {
        "none" => {
            config.train.augmentation = None;
            config.background_images = None;
        }
        "photos" => config.train.augmentation = Some(Augmentation::photos()),
        file if !Path::new(file).exists() => {
            return Err(Error::setting(format!(
                "augmentation `{file}` is neither none nor photos nor a file that can be read"
            )));
        }
        file => {
            let stored: Value = read_json(Path::new(file))?;
            config.background_images = background_images(&stored);
            let augmentation = Augmentation::deserialize(stored);
            config.train.augmentation = Some(augmentation.map_err(|error| Error::Contents {
                path: file.into(),
                reason: error.to_string(),
            })?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_background_images() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.json");
        let mut stored = RunConfig {
            background_images: Some("mnist".into()),
            ..RunConfig::default()
        };
        stored.train.augmentation = Some(Augmentation::photos());
        let json = serde_json::to_value(&stored).expect("plain data");
        std::fs::write(&path, json["augmentation"].to_string()).expect("written");
        let mut config = RunConfig::default();
        set_augmentation(&mut config, path.to_str().expect("UTF-8")).expect("read");
        assert_eq!(config.background_images, stored.background_images);
        assert_eq!(config.train.augmentation, stored.train.augmentation);
        set_augmentation(&mut config, "none").expect("a name");
        assert_eq!(config, RunConfig::default());
    }
}
