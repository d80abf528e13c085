//! Starting from a model: its weights, its size and its preprocessing for another training.

use std::fs;
use std::path::{Path, PathBuf};

use modiste_core::{Fit, ImageShape, shown};
use modiste_dataset::{Color, DecodeOptions, sha256};
use modiste_infer::embedded_network;
use modiste_model::{Architecture, Network, Preprocessing};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::model::model_file;
use crate::own_images::decoding_for;

/// Name of the built-in network, in place of a path.
const BUILT_IN: &str = "built-in";

/// Model that a training starts from, in the record of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pretrained {
    /// Model file, or folder of a run; `None` for the built-in network. An absolute path in the record of a run.
    pub model: Option<PathBuf>,
    /// SHA-256 of the model file.
    pub sha256: String,
    /// Number of variables that are copied.
    pub copied: usize,
    /// Names of the variables that have initial values.
    pub initialized: Vec<String>,
}

/// Model to start from.
#[derive(Clone, Debug)]
pub struct PretrainedModel {
    /// Model file, or folder of a run; `None` for the built-in network.
    pub path: Option<PathBuf>,
    /// SHA-256 of the model file.
    pub sha256: String,
    /// The network.
    pub network: Network,
}

impl PretrainedModel {
    /// Reads the model in a file or in the folder of a run. `built-in` is the built-in network, unless a file has that
    /// name.
    ///
    /// # Errors
    /// Returns the errors of [`load_model`](crate::load_model).
    pub fn load(path: &Path) -> Result<Self> {
        if path == Path::new(BUILT_IN) && !path.exists() {
            return Self::built_in();
        }
        let file = model_file(path)?;
        let network = Network::load(&file)?;
        let bytes = fs::read(&file).map_err(Error::file(&file))?;
        Ok(Self {
            path: Some(path.into()),
            sha256: sha256([&*bytes]),
            network,
        })
    }

    fn built_in() -> Result<Self> {
        let network = embedded_network();
        Ok(Self {
            path: None,
            sha256: sha256([&*network.to_bytes()?]),
            network,
        })
    }

    /// Returns the layers of the model for images of shape `input` and `classes` classes.
    ///
    /// # Errors
    /// Returns [`Error::Architecture`] if a layer does not fit such images.
    pub fn fitted_architecture(&self, input: ImageShape, classes: usize) -> Result<Architecture> {
        let architecture = self.network.architecture.clone().fitted(input, classes);
        architecture.plan()?;
        Ok(architecture)
    }

    /// Returns the way to decode own images for the model: its size, its colour, and its preprocessing, made to give one
    /// view, unless they are given. With another size or fit, images are only fitted.
    ///
    /// # Errors
    /// Returns [`Error::Setting`] if the model has another number of channels than `color`.
    pub fn decoding(
        &self,
        size: Option<[usize; 2]>,
        color: Color,
        fit: Option<Fit>,
    ) -> Result<(DecodeOptions, Option<Preprocessing>)> {
        let channels = self.network.architecture.input[2];
        let (asked, color_name) = match color {
            Color::Auto => (channels, ""),
            Color::Gray => (1, "gray"),
            Color::Rgb => (3, "rgb"),
        };
        match asked == channels {
            true => Ok(decoding_for(&self.network, size, fit)),
            false => Err(Error::setting(format!(
                "color is {color_name}, but {} has images of {channels} channels: leave the color out",
                self.name()
            ))),
        }
    }

    /// Path, or `built-in`.
    pub(crate) fn name(&self) -> String {
        name(self.path.as_deref())
    }
}

impl Pretrained {
    /// Reads the network again.
    ///
    /// # Errors
    /// Returns [`Error::ModelChanged`] if it is not the same, and the errors of [`load_model`](crate::load_model).
    pub(crate) fn network(&self) -> Result<Network> {
        let model = match &self.model {
            Some(path) => PretrainedModel::load(path)?,
            None => PretrainedModel::built_in()?,
        };
        match model.sha256 == self.sha256 {
            true => Ok(model.network),
            false => Err(Error::ModelChanged {
                model: model.name(),
                then: self.sha256.clone(),
                now: model.sha256,
            }),
        }
    }

    /// Returns the model and what is new.
    pub(crate) fn summary(&self) -> String {
        let name = name(self.model.as_deref());
        let copied = self.copied;
        let new = match &self.initialized[..] {
            [] => "none is new".to_owned(),
            new if new.len() <= NAMED => format!("new are {}", new.join(", ")),
            new => format!(
                "new are {} and {} more",
                new[..NAMED].join(", "),
                new.len() - NAMED
            ),
        };
        format!("{name}: {copied} variables are copied, {new}")
    }
}

/// Number of new variables that a description names.
const NAMED: usize = 4;

fn name(path: Option<&Path>) -> String {
    path.map_or_else(|| BUILT_IN.into(), |path| shown(path).to_string())
}
