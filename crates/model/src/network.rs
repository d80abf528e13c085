//! A network with its numbers and what one must know to use it.

use half::f16;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::architecture::Architecture;
use crate::parameters::Parameters;
use crate::preprocessing::{Preprocessing, stored};
use crate::resolve::ArchitectureError;

/// An architecture, its numbers, and what they mean: what one model file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The layers.
    pub architecture: Architecture,
    /// Their numbers.
    pub parameters: Parameters,
    /// What a user of the network must know.
    pub metadata: Metadata,
    /// How its file keeps the numbers.
    pub precision: Precision,
}

/// How a file keeps numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// All 32 bits.
    #[default]
    F32,
    /// Rounded to 16 bits: half the bytes, and three decimal digits.
    F16,
}

impl Precision {
    /// Bytes of a number.
    pub(crate) fn bytes(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
        }
    }
}

/// What the numbers do not say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// The dataset it was trained on: `fashion-mnist`.
    pub dataset: String,
    /// A name for each logit.
    pub classes: Vec<String>,
    /// Preprocessing of photos; `None` (`null` in the file) selects [`Preprocessing::default`].
    #[serde(default, with = "stored")]
    pub preprocessing: Option<Preprocessing>,
    /// How it was trained, for the record.
    pub training: Value,
    /// What logits are divided by before they become probabilities, so that these are as often right
    /// as they say (Guo et al. 2017). 1 changes nothing.
    #[serde(default = "one")]
    pub temperature: f32,
}

fn one() -> f32 {
    1.0
}

impl Default for Metadata {
    /// Nothing known, and a temperature of 1.
    fn default() -> Self {
        Self {
            dataset: String::new(),
            classes: Vec::new(),
            preprocessing: None,
            training: Value::Null,
            temperature: one(),
        }
    }
}

impl Network {
    /// A network at the start of training.
    ///
    /// # Errors
    /// Those of [`Architecture::resolve`].
    pub fn initialize(
        architecture: Architecture,
        metadata: Metadata,
        seed: u64,
    ) -> Result<Self, ArchitectureError> {
        let resolved = architecture.resolve()?;
        Ok(Self {
            parameters: Parameters::initialize(&resolved, seed),
            architecture,
            metadata,
            precision: Precision::F32,
        })
    }

    /// The network as its file keeps it with this precision: what is measured after this is measured
    /// of the numbers that the file has. What is too large for half precision becomes its largest number.
    pub fn round_to(&mut self, precision: Precision) {
        self.precision = precision;
        if precision == Precision::F16 {
            let Parameters {
                trainable,
                statistics,
            } = &mut self.parameters;
            for value in trainable.iter_mut().chain(statistics) {
                let [least, most] = [f16::MIN, f16::MAX].map(f16::to_f32);
                *value = f16::from_f32(value.clamp(least, most)).to_f32();
            }
        }
    }
}
