//! Augmentation by name.

use std::path::Path;

use modiste_train::Augmentation;

use crate::error::{Error, Result};
use crate::json::read_json;

/// Returns the augmentation of a name: `none`, `photos`, or the path of a JSON file with the structure of
/// `augmentation` in a run.json.
///
/// # Errors
/// Returns [`Error::Setting`] if the name is unknown and no such file exists, and the errors of [`read_json`].
pub fn find_augmentation(name: &str) -> Result<Option<Augmentation>> {
    match name {
        "none" => Ok(None),
        "photos" => Ok(Some(Augmentation::photos())),
        file if !Path::new(file).exists() => Err(Error::setting(format!(
            "augmentation `{file}` is neither none nor photos nor a file that can be read"
        ))),
        file => read_json(Path::new(file)).map(Some),
    }
}
