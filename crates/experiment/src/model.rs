//! Models and architectures in files and in folders of runs.

use std::fs;
use std::path::{Path, PathBuf};

use modiste_core::ImageShape;
use modiste_model::{Architecture, Network, layer_line, zoo};

use crate::error::{Error, Result};
use crate::json::read_text;
use crate::run::MODEL;

/// Maximum number of file names that an error lists.
const MOST_LISTED: usize = 10;

/// Returns the architecture of a name from the zoo, else the one in a JSON file (`.json`), in a model file or in the
/// folder of a run.
///
/// # Errors
/// Returns [`Error::UnknownName`] if neither an architecture nor a file has the name, [`Error::File`] or
/// [`Error::Contents`] if a JSON file cannot be read, and the errors of [`load_model`].
///
/// ```
/// use std::path::Path;
///
/// let network = modiste_experiment::find_architecture(Path::new("resnet"))?;
/// assert_eq!(network.name, "resnet");
/// # Ok::<(), modiste_experiment::Error>(())
/// ```
pub fn find_architecture(name: &Path) -> Result<Architecture> {
    let text = name.to_string_lossy();
    if let Some(architecture) = zoo::find(&text) {
        return Ok(architecture);
    }
    if is_json(name) {
        let text = read_text(name).map_err(Error::file(name))?;
        return Architecture::from_json(&text).map_err(contents(name));
    }
    if name.exists() || name.extension().is_some() || name.components().count() > 1 {
        return Ok(load_model(name)?.architecture);
    }
    Err(Error::unknown("architecture or file", &text, zoo::names()))
}

/// Returns the architecture that [`find_architecture`] finds, for images of shape `input` and `classes` classes.
///
/// # Errors
/// Returns the errors of [`find_architecture`], and [`Error::Architecture`] if a layer does not fit its input, or
/// [`Error::Contents`] with its line if the architecture is a JSON file.
pub fn fitted_architecture(name: &Path, input: ImageShape, classes: usize) -> Result<Architecture> {
    let architecture = find_architecture(name)?.fitted(input, classes);
    match architecture.plan() {
        Ok(_) => Ok(architecture),
        Err(error) if is_json(name) => {
            let text = read_text(name).map_err(Error::file(name))?;
            let line = layer_line(&text, error.index).unwrap_or(1);
            Err(contents(name)(format!(
                "line {line}: {error}, for images of {input}"
            )))
        }
        Err(error) => Err(error.into()),
    }
}

fn is_json(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

fn contents<E: ToString>(path: &Path) -> impl FnOnce(E) -> Error {
    move |reason| Error::Contents {
        path: path.into(),
        reason: reason.to_string(),
    }
}

/// Reads the model in a file, or in the folder of a run.
///
/// # Errors
/// Returns [`Error::Model`] if it cannot be read as a model and [`Error::NoModelFile`] if the folder does not
/// contain one.
pub fn load_model(path: &Path) -> Result<Network> {
    Ok(Network::load(&model_file(path)?)?)
}

/// Returns the model file that a path names: the file itself, or the one in the folder of a run.
///
/// # Errors
/// Returns [`Error::NoModelFile`] if the folder does not contain one.
pub(crate) fn model_file(path: &Path) -> Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.into());
    }
    let model = path.join(MODEL);
    if model.exists() {
        return Ok(model);
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
