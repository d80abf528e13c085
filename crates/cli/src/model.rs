//! The model that a command uses: a file, or the one that is built in.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use modiste_infer::{Classifier, Preprocessing, embedded_network};
use modiste_model::Network;

use crate::compute::kernel_options;

/// The flags that choose it.
#[derive(clap::Args)]
pub(crate) struct ModelArguments {
    /// The model file [default: the built-in one, for clothes].
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
}

impl ModelArguments {
    /// Reads it.
    ///
    /// # Errors
    /// Where the file cannot be read as a model.
    pub(crate) fn network(&self) -> Result<Network> {
        match &self.model {
            Some(path) => Ok(Network::load(path)?),
            None => Ok(embedded_network()),
        }
    }

    /// What results call it.
    pub(crate) fn name(&self) -> &Path {
        self.model.as_deref().unwrap_or(Path::new("built-in"))
    }
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
            network.metadata.preprocessing = serde_json::to_value(preprocessing(name)?)?;
        }
        Ok(Classifier::with_kernels(network, &kernel_options(false)?)?)
    }
}

/// The preprocessing of this name, or in this file.
fn preprocessing(name: &str) -> Result<Preprocessing> {
    if !name.ends_with(".json") {
        return Ok(name.parse()?);
    }
    let text = fs::read_to_string(name).with_context(|| name.to_owned())?;
    serde_json::from_str(&text).with_context(|| name.to_owned())
}
