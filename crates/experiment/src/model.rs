//! Models in files and in folders of runs.

use std::fs;
use std::path::Path;

use modiste_model::{Architecture, Network, zoo};

use crate::error::{Error, Result};
use crate::run::MODEL;

/// Maximum number of file names that an error lists.
const MOST_LISTED: usize = 10;

/// Returns the architecture of a name from the zoo.
///
/// # Errors
/// Returns [`Error::UnknownName`] if there is no such architecture.
pub fn zoo_architecture(name: &str) -> Result<Architecture> {
    zoo::find(name).ok_or_else(|| Error::unknown("architecture", name, zoo::names()))
}

/// Returns the architecture of a name from the zoo, else the one in a model file or in the folder of a run.
///
/// # Errors
/// Returns [`Error::UnknownName`] if there is no such architecture and no such file, and the errors of
/// [`load_model`].
pub fn find_architecture(name: &Path) -> Result<Architecture> {
    let text = name.to_string_lossy();
    if let Some(architecture) = zoo::find(&text) {
        return Ok(architecture);
    }
    if name.exists() || name.extension().is_some() || name.components().count() > 1 {
        return Ok(load_model(name)?.architecture);
    }
    Err(Error::unknown("architecture or file", &text, zoo::names()))
}

/// Reads the model in a file, or in the folder of a run.
///
/// # Errors
/// Returns [`Error::Model`] if it cannot be read as a model and [`Error::NoModelFile`] if the folder does not
/// contain one.
pub fn load_model(path: &Path) -> Result<Network> {
    if !path.is_dir() {
        return Ok(Network::load(path)?);
    }
    let model = path.join(MODEL);
    if model.exists() {
        return Ok(Network::load(&model)?);
    }
    let entries = fs::read_dir(path).map_err(Error::file(path))?;
    let names = entries.flatten().map(|entry| entry.file_name());
    let mut names: Vec<String> = names
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    let more = names.len().saturating_sub(MOST_LISTED);
    names.truncate(MOST_LISTED);
    let mut contents = match names.is_empty() {
        true => "nothing".to_owned(),
        false => names.join(", "),
    };
    if more > 0 {
        contents += &format!(" and {more} more");
    }
    Err(Error::NoModelFile {
        path: path.into(),
        contents,
    })
}
