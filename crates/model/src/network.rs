//! A network: architecture, parameters and metadata.

use half::f16;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::architecture::Architecture;
use crate::parameters::Parameters;
use crate::preprocessing::{Preprocessing, stored};
use crate::shape_inference::ArchitectureError;

/// An architecture with its parameters and metadata: the contents of one model file.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Layers of the network.
    pub architecture: Architecture,
    /// Weights and running statistics.
    pub parameters: Parameters,
    /// Class names, preprocessing and provenance.
    pub metadata: Metadata,
    /// Precision of the parameters in the file.
    pub precision: Precision,
}

/// Precision of the parameters in a model file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    F32,
    /// 16-bit floats: half the file size, and about three decimal digits.
    F16,
}

impl Precision {
    /// Bytes per number.
    pub(crate) fn bytes(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
        }
    }
}

/// Metadata of a network: everything besides its layers and parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// Name of the dataset that the network was trained on, such as `fashion-mnist`.
    pub dataset: String,
    /// Class names, one per logit.
    pub classes: Vec<String>,
    /// Preprocessing of photos; `None` (`null` in the file) selects [`Preprocessing::default`].
    #[serde(default, with = "stored")]
    pub preprocessing: Option<Preprocessing>,
    /// Record of the training run, as JSON.
    pub training: Value,
    /// Temperature that logits are divided by before the softmax, so that the probabilities are
    /// calibrated (Guo et al. 2017). 1 changes nothing.
    #[serde(default = "one")]
    pub temperature: f32,
    /// Lowest score of an image that belongs to one of the classes: see [`energy_scores`](crate::energy_scores). `None`
    /// accepts every image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
    /// Smallest probability of a class in a prediction set, for coverages of 1 to 99 percent; empty if they were not
    /// measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_thresholds: Vec<f32>,
}

fn one() -> f32 {
    1.0
}

impl Default for Metadata {
    /// Empty metadata with a temperature of 1.
    fn default() -> Self {
        Self {
            dataset: String::new(),
            classes: Vec::new(),
            preprocessing: None,
            training: Value::Null,
            temperature: one(),
            threshold: None,
            set_thresholds: Vec::new(),
        }
    }
}

impl Network {
    /// Creates an untrained network. The same seed gives the same weights.
    ///
    /// # Errors
    /// Returns [`ArchitectureError`] if a layer does not fit its input: see [`Architecture::plan`].
    pub fn initialize(
        architecture: Architecture,
        metadata: Metadata,
        seed: u64,
    ) -> Result<Self, ArchitectureError> {
        let plan = architecture.plan()?;
        Ok(Self {
            parameters: Parameters::initialize(&plan, seed),
            architecture,
            metadata,
            precision: Precision::F32,
        })
    }

    /// Sets the precision of the file and rounds the parameters to it, so that a measurement applies
    /// to the parameters in the file. A value beyond the range of f16 becomes the largest finite f16.
    pub fn round_to(&mut self, precision: Precision) {
        self.precision = precision;
        if precision == Precision::F16 {
            let Parameters {
                trainable,
                running_stats,
            } = &mut self.parameters;
            for value in trainable.iter_mut().chain(running_stats) {
                let [min, max] = [f16::MIN, f16::MAX].map(f16::to_f32);
                *value = f16::from_f32(value.clamp(min, max)).to_f32();
            }
        }
    }
}
