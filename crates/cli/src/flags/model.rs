//! Flags for the model that a command uses.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use modiste_core::ImageShape;
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

/// Shape of the images that the notebook makes of photos.
const NOTEBOOK_SHAPE: ImageShape = ImageShape::new(28, 28, 1);

/// Checks that a preprocessing that is given suits a network. That of the notebook makes gray images, or colour images for
/// a network that was trained with it.
fn check_preprocessing(given: &Preprocessing, network: &Network) -> Result<()> {
    let input = ImageShape::from(network.architecture.input);
    let stored = network.metadata.preprocessing.as_ref();
    let is_of_notebook = stored.is_none_or(Preprocessing::is_notebook);
    ensure!(
        !given.is_notebook() || input.channels == 1 || is_of_notebook,
        "the preprocessing `{given}` makes {NOTEBOOK_SHAPE} images, but the network takes {input} images"
    );
    Ok(())
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
        if let Some(preprocessing) = self.given()? {
            check_preprocessing(&preprocessing, &network)?;
            network.metadata.preprocessing = Some(preprocessing);
        }
        start_threads(None)?;
        Ok(Classifier::with_kernels(network, &kernel_options()?)?)
    }

    /// Returns the preprocessing, and the shape of the images that it makes: that of the network's input, or that of the
    /// notebook's network if the notebook's preprocessing is given.
    ///
    /// # Errors
    /// If the model or the preprocessing cannot be read.
    pub(crate) fn preprocessing(&self) -> Result<(Preprocessing, ImageShape)> {
        let network = self.model.network()?;
        let shape = network.architecture.input.into();
        start_threads(None)?;
        Ok(match self.given()? {
            Some(given) if given.is_notebook() => (given, NOTEBOOK_SHAPE),
            Some(given) => (given, shape),
            None => (network.metadata.preprocessing.unwrap_or_default(), shape),
        })
    }

    /// Returns the preprocessing that is given.
    fn given(&self) -> Result<Option<Preprocessing>> {
        let Some(name) = &self.preprocess else {
            return Ok(None);
        };
        Ok(Some(match name.ends_with(".json") {
            true => read_json(Path::new(name))?,
            false => name.parse()?,
        }))
    }
}
