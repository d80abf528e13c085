//! Flags for the model that a command uses.

use std::path::{Path, PathBuf};

use anyhow::Result;
use modiste_experiment::{Record, kernel_options, load_model, read_json, start_threads};
use modiste_infer::{Classifier, Preprocessing, embedded_network};
use modiste_model::Network;

/// Flag for the model.
#[derive(clap::Args)]
pub(crate) struct ModelFlags {
    /// Model: a file, or the folder of a run [default: the built-in network for clothes].
    #[arg(long, value_name = "FILE|RUN")]
    pub(crate) model: Option<PathBuf>,
}

impl ModelFlags {
    /// Reads the model.
    ///
    /// # Errors
    /// If it cannot be read as a model.
    pub(crate) fn network(&self) -> Result<Network> {
        match &self.model {
            Some(path) => Ok(load_model(path)?),
            None => Ok(embedded_network()),
        }
    }

    /// Returns the record of the run that the model belongs to, if there is one.
    pub(crate) fn record(&self) -> Option<Record> {
        self.model.as_deref().and_then(Record::of_model)
    }

    /// Returns the name of the model in results.
    pub(crate) fn name(&self) -> &Path {
        self.model.as_deref().unwrap_or(Path::new("built-in"))
    }
}

/// Flags for a classifier of photos: a model and its preprocessing.
#[derive(clap::Args)]
pub(crate) struct ClassifierFlags {
    #[command(flatten)]
    model: ModelFlags,
    /// Preprocessing of photos: notebook, notebook:area, fashion, images:pad, images:crop, images:stretch,
    /// or a JSON file of steps [default: the model's].
    #[arg(long, value_name = "P")]
    preprocess: Option<String>,
}

impl ClassifierFlags {
    /// Returns the files and folders that are read.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &Path> {
        let preprocess = self.preprocess.as_deref().map(Path::new);
        self.model.model.as_deref().into_iter().chain(preprocess)
    }

    /// Prepares the classifier.
    ///
    /// # Errors
    /// If the model or the preprocessing cannot be read.
    pub(crate) fn classifier(&self) -> Result<Classifier> {
        let mut network = self.model.network()?;
        if let Some(name) = &self.preprocess {
            let preprocessing: Preprocessing = match name.ends_with(".json") {
                true => read_json(Path::new(name))?,
                false => name.parse()?,
            };
            network.metadata.preprocessing = Some(preprocessing);
        }
        start_threads(None)?;
        Ok(Classifier::with_kernels(network, &kernel_options()?)?)
    }
}
