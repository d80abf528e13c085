//! A network with its numbers and what one must know to use it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::architecture::Architecture;
use crate::parameters::Parameters;
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
}

/// What the numbers do not say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// The dataset it was trained on: `fashion-mnist`.
    pub dataset: String,
    /// A name for each logit.
    pub classes: Vec<String>,
    /// How a photo becomes an input; the photo side of the project reads it.
    pub preprocessing: Value,
    /// How it was trained, for the record.
    pub training: Value,
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
        })
    }
}
