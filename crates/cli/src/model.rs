//! The model that a command uses: a file, or the one that is built in.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use modiste_core::shown;
use modiste_infer::{Classifier, Preprocessing, embedded_network};
use modiste_model::Network;

use crate::compute::kernel_options;
use crate::json::read_json;
use crate::run::MODEL;

/// Most names that an error lists of a folder.
const MOST_LISTED: usize = 10;

/// The flags that choose it.
#[derive(clap::Args)]
pub(crate) struct ModelArguments {
    /// The model: a file, or the folder of a run [default: the built-in one, for clothes].
    #[arg(long, value_name = "FILE|RUN")]
    pub(crate) model: Option<PathBuf>,
}

impl ModelArguments {
    /// Reads it.
    ///
    /// # Errors
    /// Where the file cannot be read as a model.
    pub(crate) fn network(&self) -> Result<Network> {
        match &self.model {
            Some(path) => load_network(path),
            None => Ok(embedded_network()),
        }
    }

    /// What results call it.
    pub(crate) fn name(&self) -> &Path {
        self.model.as_deref().unwrap_or(Path::new("built-in"))
    }
}

/// Reads the model in a file, or in the folder of a run.
///
/// # Errors
/// If it cannot be read as a model; if a folder has none, which says what it has.
pub(crate) fn load_network(path: &Path) -> Result<Network> {
    if !path.is_dir() {
        return Ok(Network::load(path)?);
    }
    let model = path.join(MODEL);
    if model.exists() {
        return Ok(Network::load(&model)?);
    }
    let entries = fs::read_dir(path).with_context(|| shown(path))?;
    let names = entries.flatten().map(|entry| entry.file_name());
    let mut names: Vec<String> = names
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    let more = names.len().saturating_sub(MOST_LISTED);
    names.truncate(MOST_LISTED);
    bail!(
        "{}: it is a folder without {MODEL}: it has {}{}",
        shown(path),
        match names.is_empty() {
            true => "nothing in it".to_owned(),
            false => names.join(", "),
        },
        match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        }
    )
}

/// The flags that choose a classifier of photos: a model and what photos go through.
#[derive(clap::Args)]
pub(crate) struct ClassifierArguments {
    #[command(flatten)]
    pub(crate) model: ModelArguments,
    /// What a photo goes through first: notebook, notebook:area, fashion, or a JSON file of steps
    /// [default: the model's].
    #[arg(long, value_name = "P")]
    preprocess: Option<String>,
}

impl ClassifierArguments {
    /// Makes it ready.
    ///
    /// # Errors
    /// Where the model or the preprocessing cannot be read.
    pub(crate) fn classifier(&self) -> Result<Classifier> {
        let mut network = self.model.network()?;
        if let Some(name) = &self.preprocess {
            network.metadata.preprocessing = Some(preprocessing(name)?);
        }
        Ok(Classifier::with_kernels(network, &kernel_options(false)?)?)
    }
}

/// The preprocessing of this name, or in this file.
fn preprocessing(name: &str) -> Result<Preprocessing> {
    if !name.ends_with(".json") {
        return Ok(name.parse()?);
    }
    read_json(Path::new(name))
}
