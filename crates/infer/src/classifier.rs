//! A trained network with its way from a photo to an answer.

use std::path::Path;

use modiste_dataset::{ImageShape, normalize};
use modiste_model::{
    ArchitectureError, FileError, Inference, KernelOptions, Network, probabilities,
};
use serde::Serialize;

use crate::error::Error;
use crate::preprocess::{Preprocessing, preprocess};

/// One class of a ranked answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// Its name: `Ankle boot`.
    pub class: String,
    /// Its number, from 0.
    pub index: usize,
    /// How probable the network thinks it, 0 to 1.
    pub probability: f32,
}

/// Why a model file makes no classifier.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClassifierError {
    /// The file cannot be read as a model.
    #[error(transparent)]
    File(#[from] FileError),
    /// The network's layers do not fit each other.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
    /// The model asks for a preprocessing that is not known here.
    #[error("the model's preprocessing, {found}, is not known to this version ({reason})")]
    Preprocessing {
        /// As it stands in the model.
        found: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// A network ready to classify: photos in, ranked classes out.
///
/// ```
/// use modiste_infer::Classifier;
/// use modiste_model::{Metadata, Network, zoo};
///
/// let data = modiste_dataset::fashion_mnist_mini();
/// let metadata = Metadata { classes: data.classes, ..Metadata::default() };
/// let mut classifier = Classifier::new(Network::initialize(zoo::compact(), metadata, 1)?)?;
///
/// let photo = include_bytes!("../tests/opencv/large-612x408.jpg");
/// let ranked = classifier.classify(photo)?;
/// assert_eq!(ranked.len(), 10);
/// assert!(ranked[0].probability >= ranked[1].probability);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Classifier {
    network: Network,
    preprocessing: Preprocessing,
    inference: Inference,
    values: Vec<f32>,
}

impl Classifier {
    /// Reads a model file.
    ///
    /// # Errors
    /// [`ClassifierError`]: what is wrong with the file.
    pub fn load(path: &Path) -> Result<Self, ClassifierError> {
        Self::new(Network::load(path)?)
    }

    /// Makes a network ready, with the preprocessing that its metadata names; the lecture
    /// notebook's where it names none.
    ///
    /// # Errors
    /// [`ClassifierError::Preprocessing`] where the metadata name an unknown one,
    /// [`ClassifierError::Architecture`] where the layers do not fit each other.
    pub fn new(network: Network) -> Result<Self, ClassifierError> {
        Self::with_kernels(network, &KernelOptions::default())
    }

    /// The same with kernels that compute as `options` say.
    ///
    /// # Errors
    /// As [`Classifier::new`].
    pub fn with_kernels(
        network: Network,
        options: &KernelOptions,
    ) -> Result<Self, ClassifierError> {
        let stored = &network.metadata.preprocessing;
        let preprocessing = if stored.is_null() {
            Preprocessing::default()
        } else {
            serde_json::from_value(stored.clone()).map_err(|error| {
                ClassifierError::Preprocessing {
                    found: stored.to_string(),
                    reason: error.to_string(),
                }
            })?
        };
        // One image at a time.
        let mut inference = Inference::new(network.architecture.resolve()?, 1, options);
        inference.load(&network.parameters);
        Ok(Self {
            preprocessing,
            values: vec![0.0; inference.resolved().input.size()],
            inference,
            network,
        })
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// What is done to a photo first.
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    /// The input of the network.
    pub fn input(&self) -> ImageShape {
        self.inference.resolved().input
    }

    /// All classes, the most probable first, for a photo: a PNG, JPEG, WebP, GIF or BMP file's
    /// bytes.
    ///
    /// # Errors
    /// [`Error`] where the photo cannot be decoded.
    pub fn classify(&mut self, photo: &[u8]) -> Result<Vec<Prediction>, Error> {
        let pixels = preprocess(photo, &self.preprocessing, self.input())?;
        Ok(self.classify_pixels(&pixels))
    }

    /// All classes, the most probable first, for what the network takes: bytes in the order row,
    /// column, channel, as the dataset's images have them.
    ///
    /// # Panics
    /// Where there are not as many bytes as [`Classifier::input`] says.
    pub fn classify_pixels(&mut self, pixels: &[u8]) -> Vec<Prediction> {
        normalize(pixels, &mut self.values);
        let logits = self.inference.logits(&self.values);
        let probabilities = probabilities(logits, logits.len());
        let classes = self.network.metadata.classes.iter().enumerate();
        let mut ranked: Vec<Prediction> = classes
            .zip(probabilities)
            .map(|((index, class), probability)| Prediction {
                class: class.clone(),
                index,
                probability,
            })
            .collect();
        // Stable, so that equal classes keep their order.
        ranked.sort_by(|left, right| right.probability.total_cmp(&left.probability));
        ranked
    }
}
