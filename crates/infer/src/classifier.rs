//! Classifier: a trained network with its preprocessing.

use std::path::Path;

use modiste_core::{ImageShape, OutOfMemory, normalize, require_memory};
use modiste_model::{
    ArchitectureError, FileError, Inference, KernelOptions, Network, Preprocessing,
    PreprocessingError, energy_scores, inference_bytes, probabilities,
};
use rayon::prelude::*;
use serde::Serialize;

use crate::error::Error;
use crate::preprocess::preprocess;

/// Class with its predicted probability.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// Class name, such as `Ankle boot`.
    pub class: String,
    /// Class index, from 0.
    pub index: usize,
    /// Predicted probability, 0 to 1.
    pub probability: f32,
}

/// Probability of the top class below which a prediction is unsure.
pub const UNSURE_BELOW: f32 = 0.5;

/// Returns true if the top prediction is less probable than [`UNSURE_BELOW`] or NaN, or if there is
/// none.
/// `ranked` is sorted, most probable class first.
///
/// ```
/// assert!(modiste_infer::is_unsure(&[]));
/// ```
pub fn is_unsure(ranked: &[Prediction]) -> bool {
    let unsure = |probability: f32| probability < UNSURE_BELOW || probability.is_nan();
    ranked.first().is_none_or(|top| unsure(top.probability))
}

/// Returns the predictions that are at least as probable as `threshold`, and the first one: a set of classes of split
/// conformal prediction. `ranked` is sorted, most probable class first.
///
/// ```
/// use modiste_infer::{Classifier, prediction_set};
///
/// let mut classifier = Classifier::embedded();
/// let ranked = classifier.classify(include_bytes!("../../imaging/tests/opencv/large-612x408.jpg"))?;
/// assert_eq!(prediction_set(&ranked, 0.0).len(), 10);
/// assert_eq!(prediction_set(&ranked, 1.0).len(), 1);
/// # Ok::<(), modiste_infer::Error>(())
/// ```
pub fn prediction_set(ranked: &[Prediction], threshold: f32) -> &[Prediction] {
    let count = ranked.partition_point(|one| one.probability >= threshold);
    &ranked[..count.max(1).min(ranked.len())]
}

/// Answer for a photo.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// All classes, most probable first.
    pub predictions: Vec<Prediction>,
    /// Mean [energy score](modiste_model::energy_scores) of the TTA views. Photos of the classes have higher scores than
    /// others.
    pub score: f32,
    /// True if the photo belongs to one of the classes: its score reaches the threshold of the model, or the model has
    /// none.
    pub known: bool,
}

/// Error of loading a classifier.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClassifierError {
    /// The model file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The layers of the network do not fit each other.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
    /// The network needs more memory than this process may use.
    #[error("the network {memory}")]
    Memory {
        /// Needed and allowed memory.
        memory: OutOfMemory,
    },
    /// The number of class names differs from the number of outputs.
    #[error("the model has {names} class names for {outputs} outputs")]
    Classes {
        /// Number of class names in the metadata.
        names: usize,
        /// Number of logits.
        outputs: usize,
    },
    /// A preprocessing step of the model cannot be run.
    #[error("the preprocessing of the model is invalid: {0}")]
    Preprocessing(
        /// Invalid step. It is part of the message and therefore not a `source()`.
        PreprocessingError,
    ),
}

/// Loads the built-in network, which classifies ten kinds of clothes in photos or in images like
/// those of Fashion-MNIST.
///
/// ```
/// let network = modiste_infer::embedded_network();
/// assert_eq!(network.metadata.classes[9], "Ankle boot");
/// ```
pub fn embedded_network() -> Network {
    /// File of the workspace folder `models`, through a link.
    const BYTES: &[u8] = include_bytes!("../models/fashion-mnist.safetensors");
    Network::from_bytes(Path::new("fashion-mnist.safetensors"), BYTES)
        .expect("the built-in model is valid")
}

/// Batch size of inference.
const BATCH_SIZE: usize = 12;

/// Trained network with its preprocessing, ready to classify photos.
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
    /// Creates the built-in classifier of clothes. `models/README.md` describes its training data
    /// and its accuracy.
    pub fn embedded() -> Self {
        Self::new(embedded_network()).expect("the built-in model is valid")
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// Returns [`ClassifierError::File`] if the file cannot be read, and the errors of
    /// [`Classifier::new`].
    pub fn load(path: &Path) -> Result<Self, ClassifierError> {
        Self::new(Network::load(path)?)
    }

    /// Creates a classifier with the preprocessing in the metadata of the network, or
    /// [`Preprocessing::default`] if the metadata contain none.
    ///
    /// # Errors
    /// Returns [`ClassifierError::Preprocessing`] if a step cannot be run, [`ClassifierError::Classes`] if
    /// the number of class names is wrong, [`ClassifierError::Architecture`] if the layers do not fit each
    /// other, and [`ClassifierError::Memory`] if there is not enough memory.
    pub fn new(network: Network) -> Result<Self, ClassifierError> {
        Self::with_kernels(network, &KernelOptions::default())
    }

    /// Creates a classifier like [`Classifier::new`], with options for the kernels.
    ///
    /// # Errors
    /// Returns the errors of [`Classifier::new`].
    pub fn with_kernels(
        network: Network,
        options: &KernelOptions,
    ) -> Result<Self, ClassifierError> {
        let stored = network.metadata.preprocessing.clone();
        let preprocessing = stored.unwrap_or_default();
        preprocessing
            .check()
            .map_err(ClassifierError::Preprocessing)?;
        let resolved = network.architecture.plan()?;
        let (names, outputs) = (network.metadata.classes.len(), resolved.classes());
        if names != outputs {
            return Err(ClassifierError::Classes { names, outputs });
        }
        require_memory(inference_bytes(&resolved, BATCH_SIZE, options))
            .map_err(|memory| ClassifierError::Memory { memory })?;
        let mut inference = Inference::new(resolved, BATCH_SIZE, options);
        inference.load(&network.parameters);
        Ok(Self {
            preprocessing,
            values: Vec::new(),
            inference,
            network,
        })
    }

    /// Network of the classifier.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Preprocessing of photos.
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    /// Input shape of the network.
    pub fn input(&self) -> ImageShape {
        self.inference.plan().input
    }

    /// Classifies a photo, given as the bytes of a PNG, JPEG, WebP, GIF, BMP or TIFF file. Returns all
    /// classes, most probable first.
    ///
    /// # Errors
    /// Returns [`Error`] if the photo cannot be decoded.
    pub fn classify(&mut self, photo: &[u8]) -> Result<Vec<Prediction>, Error> {
        Ok(self.answer(photo)?.predictions)
    }

    /// Classifies a photo like [`Classifier::classify`], and returns also whether it belongs to one of the classes.
    ///
    /// # Errors
    /// Returns [`Error`] if the photo cannot be decoded.
    ///
    /// ```
    /// let mut classifier = modiste_infer::Classifier::embedded();
    /// let answer = classifier.answer(include_bytes!("../../imaging/tests/opencv/large-612x408.jpg"))?;
    /// match answer.known {
    ///     true => println!("{}", answer.predictions[0].class),
    ///     false => println!("none of these"),
    /// }
    /// # Ok::<(), modiste_infer::Error>(())
    /// ```
    pub fn answer(&mut self, photo: &[u8]) -> Result<Answer, Error> {
        let views = self.prepare(photo)?;
        Ok(self.answer_views(&views))
    }

    /// Classifies many photos, with preprocessing on all threads. Returns one result per photo, in
    /// order: see [`Classifier::classify`].
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
            .map(|views| Ok(self.answer_views(&views?).predictions))
            .collect()
    }

    /// Preprocesses a photo for the network: see [`preprocess`]. Preprocessing takes most of the time of
    /// [`Classifier::classify`]; it can run on several threads, because it does not need `&mut self`.
    ///
    /// # Errors
    /// Returns [`Error`] if the photo cannot be decoded.
    pub fn prepare(&self, photo: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        preprocess(photo, &self.preprocessing, self.input())
    }

    /// Classifies an image of the input shape: `[row, column, channel]`, as in the dataset. Returns all
    /// classes, most probable first.
    ///
    /// # Panics
    /// If the number of bytes does not match [`Classifier::input`].
    pub fn classify_pixels(&mut self, pixels: &[u8]) -> Vec<Prediction> {
        self.answer_views(&[pixels]).predictions
    }

    /// Returns the threshold of [`prediction_set`] for sets that contain the true class of a photo with a probability of
    /// at least `percent`, 1 to 99, if the photo is like those that the model was calibrated on. Returns `None` if the
    /// model was not calibrated, or `percent` is out of range.
    pub fn set_threshold(&self, percent: usize) -> Option<f32> {
        let thresholds = &self.network.metadata.set_thresholds;
        thresholds.get(percent.checked_sub(1)?).copied()
    }

    /// Classifies several TTA views of one photo, and averages their probabilities and their scores.
    ///
    /// # Panics
    /// If there is no view, or the number of bytes of a view does not match [`Classifier::input`].
    pub fn answer_views<V: AsRef<[u8]>>(&mut self, views: &[V]) -> Answer {
        assert!(!views.is_empty(), "at least one view");
        let classes = self.inference.plan().classes();
        let mut sums = vec![0.0; classes];
        let mut scores = 0.0;
        for views in views.chunks(BATCH_SIZE) {
            let size = self.inference.plan().input.size();
            self.values.resize(views.len() * size, 0.0);
            for (values, view) in self.values.chunks_exact_mut(size).zip(views) {
                normalize(view.as_ref(), values);
            }
            let logits = self.inference.logits(&self.values);
            scores += energy_scores(logits, classes).iter().sum::<f32>();
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
        // A stable sort keeps the order of equally probable classes.
        ranked.sort_by(|left, right| right.probability.total_cmp(&left.probability));
        let score = scores / views.len() as f32;
        let threshold = self.network.metadata.threshold;
        Answer {
            predictions: ranked,
            score,
            known: threshold.is_none_or(|threshold| score >= threshold),
        }
    }
}
