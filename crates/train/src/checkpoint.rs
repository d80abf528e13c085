//! A training that can go on: all that decides what comes next.
//!
//! # Format
//! [`Checkpoint::to_bytes`] writes a file of the
//! [safetensors](https://huggingface.co/docs/safetensors) format with three flat f32 tensors,
//! `trainable`, `statistics` and `optimizer_state`, each laid out as
//! [`Resolved::variables`](modiste_model::Resolved) says. Its metadata has two entries: `state`, a
//! JSON object of all the rest with the SHA-256 of the weights (`trainable`, then `statistics`) and of
//! the optimizer's state; and `sha256`, that of `state`. Version 1 called that tensor `velocities`, and
//! its `split:F` is `tail:F`.

use std::collections::HashMap;

use modiste_core::Rng;
use modiste_dataset::sha256;
use modiste_model::Parameters;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use crate::config::TrainConfig;
use modiste_metrics::EpochMetrics;

/// The version that [`Checkpoint::to_bytes`] writes and the newest that [`Checkpoint::from_bytes`] reads.
const FORMAT_VERSION: u64 = 2;

/// The stream of [`Rng::stream`] that dropout draws from.
const DROPOUT_STREAM: u64 = 2;

/// A training between two steps: with the same images, [`resume`](crate::resume) goes on from it as if
/// nothing had happened. The orders of images, their variations and the learning rate are functions
/// of the configuration and the position.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// What the training was told.
    pub config: TrainConfig,
    /// How many images it learns from.
    pub training_images: usize,
    /// How far it is.
    pub position: Position,
    /// The whole epochs.
    pub history: Vec<EpochMetrics>,
    /// Weights and batch norm's statistics.
    pub parameters: Parameters,
    /// State of the optimizer, such as SGD's velocities, in the order of the trainable parameters.
    pub optimizer_state: Vec<f32>,
}

/// How far a training is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Whole epochs behind it.
    pub epochs_done: usize,
    /// Steps of the epoch in progress behind it, of which the following are sums.
    pub steps_done: usize,
    /// Images of those steps.
    pub images: usize,
    /// Their losses.
    pub loss: f64,
    /// Those that were right.
    pub correct: usize,
    /// How long those steps took.
    pub seconds: f64,
    /// The state of the generator that dropout draws from.
    pub dropout: u64,
}

/// Why bytes are no checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Cut, changed, or never one.
    #[error("the checkpoint is damaged: {reason}")]
    Damaged {
        /// How one can tell.
        reason: String,
    },
    /// Written by another Modiste.
    #[error(
        "the checkpoint has format version {found}, and this Modiste reads up to {FORMAT_VERSION}: \
         resume the run with the Modiste that began it"
    )]
    Version {
        /// Its version.
        found: u64,
    },
}

/// What the file's metadata say, besides the hash of it.
#[derive(Serialize, Deserialize)]
struct State {
    format_version: u64,
    config: TrainConfig,
    training_images: usize,
    position: Position,
    history: Vec<EpochMetrics>,
    weights_sha256: String,
    #[serde(alias = "velocities_sha256")]
    optimizer_state_sha256: String,
}

/// What must be readable in a file of any version.
#[derive(Deserialize)]
struct VersionOnly {
    format_version: u64,
}

impl Checkpoint {
    /// A training that has not begun.
    pub fn start(config: &TrainConfig, parameters: &Parameters, training_images: usize) -> Self {
        Self {
            config: config.clone(),
            training_images,
            position: Position {
                dropout: Rng::stream(config.seed, DROPOUT_STREAM).state(),
                ..Position::default()
            },
            history: Vec::new(),
            parameters: parameters.clone(),
            optimizer_state: vec![0.0; parameters.trainable.len()],
        }
    }

    /// How long the training took so far.
    pub fn seconds(&self) -> f64 {
        let epochs = self.history.iter().map(|epoch| epoch.seconds);
        epochs.fold(self.position.seconds, |sum, epoch| sum + epoch)
    }

    /// The SHA-256 of the weights and statistics: equal where every bit is.
    pub fn weights_sha256(&self) -> String {
        sha256([&*self.weight_bytes()])
    }

    /// The bytes of this checkpoint's file.
    ///
    /// ```
    /// use modiste_model::{Parameters, zoo};
    /// use modiste_train::{Checkpoint, TrainConfig};
    ///
    /// let parameters = Parameters::initialize(&zoo::closet().resolve()?, 1);
    /// let checkpoint = Checkpoint::start(&TrainConfig::default(), &parameters, 60_000);
    /// let bytes = checkpoint.to_bytes();
    /// assert_eq!(Checkpoint::from_bytes(&bytes)?, checkpoint);
    /// assert!(Checkpoint::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        let weights = self.weight_bytes();
        let optimizer_state = bytes_of(&self.optimizer_state);
        let state = State {
            format_version: FORMAT_VERSION,
            config: self.config.clone(),
            training_images: self.training_images,
            position: self.position,
            history: self.history.clone(),
            weights_sha256: sha256([&*weights]),
            optimizer_state_sha256: sha256([&*optimizer_state]),
        };
        let state = serde_json::to_string(&state).expect("plain data becomes JSON");
        let metadata = HashMap::from([
            ("sha256".to_owned(), sha256([state.as_bytes()])),
            ("state".to_owned(), state),
        ]);
        let (trainable, statistics) = weights.split_at(4 * self.parameters.trainable.len());
        let views = [
            ("trainable", trainable),
            ("statistics", statistics),
            ("optimizer_state", &optimizer_state),
        ];
        let views = views.map(|(name, bytes)| {
            let view = TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes);
            (name, view.expect("four bytes a number"))
        });
        safetensors::serialize(views, Some(metadata)).expect("consistent views")
    }

    /// Reads a checkpoint from the bytes of its file. Every byte is covered by a hash, or its change
    /// makes the file another format.
    ///
    /// # Errors
    /// [`CheckpointError::Damaged`] if one is not as it was written, or a number is NaN or infinite, from
    /// which no training can go on; [`CheckpointError::Version`] if another Modiste wrote them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let unreadable = |error: &dyn std::fmt::Display| damaged(error.to_string());
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| unreadable(&error))?;
        let entry = |name: &str| {
            let metadata = header.metadata().as_ref();
            let entry = metadata.and_then(|entries| entries.get(name));
            entry.ok_or_else(|| damaged(format!("its metadata has no entry `{name}`")))
        };
        let state = entry("state")?;
        if sha256([state.as_bytes()]) != *entry("sha256")? {
            return Err(damaged("the hash of its state is another"));
        }
        let version: VersionOnly =
            serde_json::from_str(state).map_err(|error| unreadable(&error))?;
        if !(1..=FORMAT_VERSION).contains(&version.format_version) {
            return Err(CheckpointError::Version {
                found: version.format_version,
            });
        }
        let state: State = serde_json::from_str(state).map_err(|error| unreadable(&error))?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| unreadable(&error))?;
        let data = |name: &str| match tensors.tensor(name) {
            Ok(tensor) if tensor.dtype() == Dtype::F32 => Ok(tensor.data()),
            Ok(_) => Err(damaged(format!("`{name}` is not f32"))),
            Err(error) => Err(unreadable(&error)),
        };
        let [trainable, statistics] = [data("trainable")?, data("statistics")?];
        let optimizer_state = data(match version.format_version {
            1 => "velocities",
            _ => "optimizer_state",
        })?;
        if sha256([trainable, statistics]) != state.weights_sha256 {
            return Err(damaged("the hash of its weights is another"));
        }
        if sha256([optimizer_state]) != state.optimizer_state_sha256 {
            return Err(damaged("the hash of its optimizer state is another"));
        }
        let [trainable, statistics, optimizer_state] =
            [trainable, statistics, optimizer_state].map(numbers_of);
        for (what, numbers) in [
            ("weight", &trainable),
            ("running statistic", &statistics),
            ("number of the optimizer's state", &optimizer_state),
        ] {
            if let Some(number) = numbers.iter().find(|number| !number.is_finite()) {
                return Err(damaged(format!("a {what} is {number}")));
            }
        }
        Ok(Self {
            config: state.config,
            training_images: state.training_images,
            position: state.position,
            history: state.history,
            parameters: Parameters {
                trainable,
                statistics,
            },
            optimizer_state,
        })
    }

    fn weight_bytes(&self) -> Vec<u8> {
        let mut bytes = bytes_of(&self.parameters.trainable);
        bytes.extend(bytes_of(&self.parameters.statistics));
        bytes
    }
}

fn damaged(reason: impl Into<String>) -> CheckpointError {
    let reason = reason.into();
    CheckpointError::Damaged { reason }
}

/// Numbers as bytes, the least significant first.
fn bytes_of(numbers: &[f32]) -> Vec<u8> {
    let mut bytes = vec![0; 4 * numbers.len()];
    for (four, number) in bytes.as_chunks_mut().0.iter_mut().zip(numbers) {
        *four = number.to_le_bytes();
    }
    bytes
}

fn numbers_of(bytes: &[u8]) -> Vec<f32> {
    let fours = bytes.as_chunks().0.iter();
    fours.map(|four| f32::from_le_bytes(*four)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let epoch = |epoch| EpochMetrics {
            epoch,
            // No short decimal fraction: all 53 bits must come back.
            loss: 1.0 / 3.0,
            accuracy: 0.1 + 0.2,
            val_loss: 5e-324,
            val_accuracy: 1.0 - f64::EPSILON / 2.0,
            learning_rate: 0.06,
            seconds: 1e10 / 7.0,
        };
        Checkpoint {
            config: TrainConfig {
                learning_rate: 0.1 + 0.2,
                seed: u64::MAX,
                ..TrainConfig::default()
            },
            training_images: 70,
            position: Position {
                epochs_done: 2,
                steps_done: 3,
                images: 48,
                loss: 2.0 / 3.0,
                correct: 40,
                seconds: 0.3,
                dropout: u64::MAX - 1,
            },
            history: vec![epoch(1), epoch(2)],
            parameters: Parameters {
                trainable: vec![1.5, -0.0, f32::MIN_POSITIVE / 2.0],
                statistics: vec![],
            },
            optimizer_state: vec![f32::MAX, 0.1, -3.0],
        }
    }

    #[test]
    fn every_bit_comes_back() {
        let before = checkpoint();
        let bytes = before.to_bytes();
        let after = Checkpoint::from_bytes(&bytes).expect("a checkpoint");
        assert_eq!(after, before);
        assert_eq!(
            after.parameters.trainable[1].to_bits(),
            (-0.0_f32).to_bits()
        );
        assert_eq!(after.weights_sha256(), before.weights_sha256());
        let mut other = before.clone();
        other.parameters.trainable[1] = 0.0;
        assert_ne!(other.weights_sha256(), before.weights_sha256());
    }

    #[test]
    fn rejects_numbers_that_are_not_finite() {
        let check = |change: fn(&mut Checkpoint), expected: &str| {
            let mut checkpoint = checkpoint();
            change(&mut checkpoint);
            let refused = Checkpoint::from_bytes(&checkpoint.to_bytes()).expect_err("refused");
            assert!(refused.to_string().ends_with(expected), "{refused}");
        };
        check(|c| c.parameters.trainable[1] = f32::NAN, "a weight is NaN");
        check(
            |c| c.parameters.statistics.push(f32::INFINITY),
            "a running statistic is inf",
        );
        check(
            |c| c.optimizer_state[2] = f32::NEG_INFINITY,
            "a number of the optimizer's state is -inf",
        );
    }

    #[test]
    fn no_cut_and_no_flipped_bit_is_taken_for_another_checkpoint() {
        let before = checkpoint();
        let bytes = before.to_bytes();
        for length in 0..bytes.len() {
            let cut = Checkpoint::from_bytes(&bytes[..length]);
            assert!(cut.is_err(), "{length} of {} bytes", bytes.len());
        }
        for index in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[index] ^= 1 << bit;
                if let Ok(after) = Checkpoint::from_bytes(&flipped) {
                    assert_eq!(after, before, "bit {bit} of byte {index}");
                }
            }
        }
    }

    #[test]
    fn reads_version_1() {
        let now = checkpoint();
        let bytes = now.to_bytes();
        let (_, header) = SafeTensors::read_metadata(&bytes).expect("a file");
        let state = &header.metadata().as_ref().expect("metadata")["state"];
        let state = state
            .replace("optimizer_state_sha256", "velocities_sha256")
            .replace("\"format_version\":2", "\"format_version\":1")
            .replace(
                "\"mirror\":false",
                "\"mirror\":false,\"validation\":\"split:0.25\"",
            );
        let metadata = HashMap::from([
            ("sha256".to_owned(), sha256([state.as_bytes()])),
            ("state".to_owned(), state),
        ]);
        let tensors = SafeTensors::deserialize(&bytes).expect("a file");
        let views = tensors.tensors().into_iter().map(|(name, view)| {
            let name = name.replace("optimizer_state", "velocities");
            (name, view)
        });
        let before = safetensors::serialize(views, Some(metadata)).expect("a file");
        assert_eq!(Checkpoint::from_bytes(&before), Ok(now));
    }

    #[test]
    fn another_version_is_told_from_damage() {
        let text = String::from_utf8_lossy(&checkpoint().to_bytes()).into_owned();
        let state = text.find("format_version").expect("it is there");
        assert!(text[state..].starts_with("format_version\\\":2,"));
        let newer = VersionOnly { format_version: 3 };
        let state = format!("{{\"format_version\":{}}}", newer.format_version);
        let metadata = HashMap::from([
            ("sha256".to_owned(), sha256([state.as_bytes()])),
            ("state".to_owned(), state),
        ]);
        let none: [(&str, TensorView<'_>); 0] = [];
        let bytes = safetensors::serialize(none, Some(metadata)).expect("a file");
        let refused = Checkpoint::from_bytes(&bytes);
        assert_eq!(refused, Err(CheckpointError::Version { found: 3 }));
    }
}
