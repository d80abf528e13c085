//! A trained network with its way from a photo to an answer.

use std::path::Path;

use modiste_core::{ImageShape, OutOfMemory, normalize, require_memory};
use modiste_model::{
    ArchitectureError, FileError, Inference, KernelOptions, Network, inference_bytes, probabilities,
};
use rayon::prelude::*;
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

/// An answer whose likeliest class is less probable than this is a guess.
pub const UNSURE: f32 = 0.5;

/// Whether an answer, the likeliest class first, is a guess: see [`UNSURE`].
///
/// ```
/// assert!(modiste_infer::is_unsure(&[]));
/// ```
pub fn is_unsure(ranked: &[Prediction]) -> bool {
    let is_guess = |probability: f32| probability < UNSURE || probability.is_nan();
    ranked.first().is_none_or(|best| is_guess(best.probability))
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
    /// Making the network ready takes more memory than this process may have.
    #[error("the network {memory}")]
    Memory {
        /// How much it takes, and how much there is.
        memory: OutOfMemory,
    },
    /// The names of the classes are not as many as the network's outputs.
    #[error("the model names {names} classes and tells {outputs} apart")]
    Classes {
        /// Names in its metadata.
        names: usize,
        /// Logits that it gives.
        outputs: usize,
    },
    /// The model asks for a preprocessing that is not known here.
    #[error("the model's preprocessing, {found}, is not known to this version ({reason})")]
    Preprocessing {
        /// As it stands in the model.
        found: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The network that is built in: ten kinds of clothes, from photos or from images like those of
/// Fashion-MNIST.
///
/// ```
/// let network = modiste_infer::embedded_network();
/// assert_eq!(network.metadata.classes[9], "Ankle boot");
/// ```
pub fn embedded_network() -> Network {
    /// As it lies in `models` (a link leads there).
    const BYTES: &[u8] = include_bytes!("../models/fashion-mnist.safetensors");
    Network::from_bytes(Path::new("fashion-mnist.safetensors"), BYTES)
        .expect("the crate's own file, and a test reads it")
}

/// Views that the network sees at a time.
const VIEWS: usize = 12;

/// A network ready to classify: photos in, ranked classes out.
///
/// ```
/// let mut classifier = modiste_infer::Classifier::embedded();
/// let photo = include_bytes!("../../imaging/tests/opencv/large-612x408.jpg");
/// let ranked = classifier.classify(photo)?;
/// assert_eq!(ranked.len(), 10);
/// assert!(ranked[0].probability >= ranked[1].probability);
/// # Ok::<(), modiste_infer::Error>(())
/// ```
#[derive(Debug)]
pub struct Classifier {
    network: Network,
    preprocessing: Preprocessing,
    inference: Inference,
    values: Vec<f32>,
}

impl Classifier {
    /// The classifier of clothes that is built in: see `models/README.md` for what it was trained on
    /// and how often it is right.
    pub fn embedded() -> Self {
        Self::new(embedded_network()).expect("the crate's own file, and a test reads it")
    }

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
    /// [`ClassifierError::Preprocessing`] where the metadata name one that is not known or cannot be
    /// carried out, [`ClassifierError::Classes`] where they do not name every class,
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
        let resolved = network.architecture.plan()?;
        let (names, outputs) = (network.metadata.classes.len(), resolved.classes());
        if names != outputs {
            return Err(ClassifierError::Classes { names, outputs });
        }
        require_memory(inference_bytes(&resolved, VIEWS, options))
            .map_err(|memory| ClassifierError::Memory { memory })?;
        let mut inference = Inference::new(resolved, VIEWS, options);
        inference.load(&network.parameters);
        Ok(Self {
            preprocessing,
            values: Vec::new(),
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
        self.inference.plan().input
    }

    /// All classes, the most probable first, for a photo: the bytes of a PNG, JPEG, WebP,
    /// GIF, BMP or TIFF file.
    ///
    /// # Errors
    /// [`Error`] where the photo cannot be decoded.
    pub fn classify(&mut self, photo: &[u8]) -> Result<Vec<Prediction>, Error> {
        let views = self.prepare(photo)?;
        Ok(self.classify_views(&views))
    }

    /// The same for many photos, which are prepared on all threads: an answer for each, in their
    /// order.
    pub fn classify_many<P: AsRef<[u8]> + Sync>(
        &mut self,
        photos: &[P],
    ) -> Vec<Result<Vec<Prediction>, Error>> {
        let prepared: Vec<_> = photos
            .par_iter()
            .map(|photo| self.prepare(photo.as_ref()))
            .collect();
        prepared
            .into_iter()
            .map(|views| Ok(self.classify_views(&views?)))
            .collect()
    }

    /// What the network will see of a photo, by [`preprocess`]; it takes most of the time, and
    /// several threads may do it at once.
    ///
    /// # Errors
    /// [`Error`] where the photo cannot be decoded.
    pub fn prepare(&self, photo: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        preprocess(photo, &self.preprocessing, self.input())
    }

    /// All classes, the most probable first, for what the network takes: bytes in the order row,
    /// column, channel, as the dataset's images have them.
    ///
    /// # Panics
    /// Where there are not as many bytes as [`Classifier::input`] says.
    pub fn classify_pixels(&mut self, pixels: &[u8]) -> Vec<Prediction> {
        self.classify_views(&[pixels])
    }

    /// All classes, the most probable first, for several views of one thing: the mean of what the
    /// network thinks of each.
    ///
    /// # Panics
    /// Where there is no view, or one has not as many bytes as [`Classifier::input`] says.
    pub fn classify_views<V: AsRef<[u8]>>(&mut self, views: &[V]) -> Vec<Prediction> {
        assert!(!views.is_empty(), "there is no view to classify");
        let classes = self.inference.plan().classes();
        let mut sums = vec![0.0; classes];
        for views in views.chunks(VIEWS) {
            let size = self.inference.plan().input.size();
            self.values.resize(views.len() * size, 0.0);
            for (values, view) in self.values.chunks_exact_mut(size).zip(views) {
                normalize(view.as_ref(), values);
            }
            let logits = self.inference.logits(&self.values);
            let temperature = self.network.metadata.temperature;
            for view in probabilities(logits, classes, temperature).chunks_exact(classes) {
                for (sum, probability) in sums.iter_mut().zip(view) {
                    *sum += probability;
                }
            }
        }
        let probabilities = sums.into_iter().map(|sum: f32| sum / views.len() as f32);
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
